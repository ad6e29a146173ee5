"""What a person typed, as terms. Pure: terms travel as values, and only an engine knows its own language.

Known: words, "phrases in quotes", beginnings (`wat*`), and `-word` for what must not be there.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from embeddings.words.normalise import (
    GERMAN,
    german_singulars,
    is_by_character,
    joined,
    parts_of,
    singulars,
    words,
    words_of,
)

#: Longer questions are cut here: nobody types this, and each word is a look-up.
MAX_CHARS = 2000
MAX_TERMS = 32
#: Beginnings shorter than this match half of the library.
MIN_PREFIX = 2
#: Words that carry no subject, for questions that are sentences. Only where other words are left.
STOP_WORDS = frozenset(
    """a an and are as at be been but by can did do does for from had has have he her his how i if in into is it its
    me my no not of off on or our out over she so some than that the their them then there these they this those to
    too up us was we were what when where which while who why will with would you your""".split()  # noqa: SIM905
)
#: Phones and word processors make these of a straight quote.
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_TOKEN = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """One thing to find: a word, a beginning of a word, a phrase (several words), or a pair of a run without spaces."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False
    is_pair: bool = False
    #: In quotes: exactly these words, beside each other.
    is_quoted: bool = False

    #: Other words, or phrases, that will do as well.
    forms: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Query:
    """A question, taken apart."""

    text: str
    terms: tuple[Term, ...]
    #: What it is about: the text without the words that must not be there. A model knows no minus.
    subject: str = ""

    @property
    def wanted(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.is_excluded)

    @property
    def telling(self) -> tuple[Term, ...]:
        """The wanted terms that carry a subject; all of them where none does."""
        carrying = [
            term for term in self.wanted if term.is_quoted or len(term.words) > 1 or term.words[0] not in STOP_WORDS
        ]
        return tuple(carrying) or self.wanted

    @property
    def quoted(self) -> tuple[Term, ...]:
        """What must be there word for word, however it is asked."""
        return tuple(term for term in self.wanted if term.is_quoted)

    @property
    def excluded(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.is_excluded)


@dataclass(frozen=True)
class WordQuery:
    """Which chunks match: those with all of these terms (or any), and with none of the excluded ones.

    `is_strict`: words as they are typed, and no variants of them. `required` must be there even where any will do.
    """

    terms: Sequence[Term]
    is_any: bool = False
    is_strict: bool = False
    required: Sequence[Term] = ()
    excluded: Sequence[Term] = ()


@dataclass(frozen=True)
class WordFilter:
    """Which chunks may match at all: those of this kind (empty: of any) and of these files (None: of all)."""

    kind: str = ""
    files: Sequence[int] | None = None

    @cached_property
    def files_json(self) -> str:
        """The ids as one value, written once for all statements of a question."""
        return json.dumps(list(self.files or ()))


def parse(text: str, *, is_typing: bool = False) -> Query:
    """Take a question apart. `is_typing`: its last word may be unfinished, so it counts as a beginning."""
    text = unicodedata.normalize("NFC", text.replace("\0", " "))[:MAX_CHARS].translate(_QUOTES)
    terms = list(dict.fromkeys(_terms(text)))[:MAX_TERMS]
    last = terms[-1] if terms and text[-1:].isalnum() else None
    if is_typing and last and len(last.words) == 1 and not (last.is_excluded or last.is_quoted):
        terms[-1] = Term(last.words, is_prefix=len(last.words[0]) >= MIN_PREFIX)
    subject = _TOKEN.sub(lambda match: "" if match["minus"] and words_of(match[0]) else match[0], text)
    return Query(" ".join(text.split()), tuple(terms), " ".join(subject.split()))


def _terms(text: str) -> Iterator[Term]:
    for match in _TOKEN.finditer(text):
        is_excluded = bool(match["minus"])
        if match["phrase"] is not None:
            phrase = tuple(words_of(match["phrase"]))
            if phrase:
                yield Term(phrase, is_excluded=is_excluded, is_quoted=True)
            continue
        typed = tuple(words_of(match["word"]))
        if not typed:
            continue
        is_prefix = match["word"].endswith("*") and len(typed[-1]) >= MIN_PREFIX
        if is_excluded or not any(map(is_by_character, typed)):
            # "liner-seam" or "a.b" is what the index has as words beside each other.
            forms = () if is_prefix or is_excluded else _forms(match["word"])
            yield Term(typed, is_prefix=is_prefix, is_excluded=is_excluded, forms=forms)
            continue
        for is_run, group in groupby(typed, is_by_character):
            run = tuple(group)
            if is_run and len(run) > 1:
                yield from (Term(pair, is_pair=True) for pair in pairwise(run))
            else:
                yield Term(run, is_prefix=is_prefix and run[-1] is typed[-1] and not is_run)


def _forms(typed: str) -> tuple[tuple[str, ...], ...]:
    """What else finds a word: its singular, its parts as a phrase, and it as one word where it is joined."""
    found = words(typed)
    forms: list[tuple[str, ...]] = []
    for word in found if len(found) == 1 else joined(typed, found):
        if (word.start, word.end) != (found[0].start, found[-1].end):
            continue
        parts = parts_of(word.text)
        forms += [(word.text,)] if len(found) > 1 else []
        forms += [(singular,) for singular in singulars(word.text)]
        forms += [(GERMAN + singular,) for singular in german_singulars(word.text)]
        forms += [tuple(parts)] if len(parts) > 1 else []
    return tuple(dict.fromkeys(forms))
