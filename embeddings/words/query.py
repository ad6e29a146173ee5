"""What a person typed, as an FTS5 expression. Pure: no character of the question is ever FTS5 syntax.

Known: words, "phrases in quotes", beginnings (`wat*`), and `-word` for what must not be there.

Chinese, Japanese, Thai, Lao, Burmese and Khmer are written without spaces, and FTS5 would take a whole sentence for one
word. There each character is a word (`spaced`), and a question is cut into pairs of neighbours that overlap, as search
engines do (https://lucene.apache.org/core/9_0_0/analysis/common/org/apache/lucene/analysis/cjk/package-summary.html).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from files.writing_systems import UNSPACED

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
_IS_UNSPACED, _RUN = re.compile(f"[{UNSPACED}]"), re.compile(f"[{UNSPACED}]+")
_ASCII_WORD, _WORD = re.compile(r"[0-9A-Za-z]+"), re.compile(r"w[wm]*|cm*")
_TOKEN = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """One thing to find: a word, a beginning of a word, a phrase (several words), or a pair of a run without spaces."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False
    is_pair: bool = False

    def expression(self) -> str:
        """The term in FTS5's language, always quoted."""
        return f'"{" ".join(self.words)}"' + ("*" if self.is_prefix else "")


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
        carrying = [term for term in self.wanted if len(term.words) > 1 or fold(term.words[0]) not in STOP_WORDS]
        return tuple(carrying) or self.wanted

    @property
    def excluded(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.is_excluded)


def parse(text: str, *, is_typing: bool = False) -> Query:
    """Take a question apart. `is_typing`: its last word may be unfinished, so it counts as a beginning."""
    text = unicodedata.normalize("NFC", text.replace("\0", " "))[:MAX_CHARS]
    terms = list(dict.fromkeys(_terms(text)))[:MAX_TERMS]
    if is_typing and terms and text[-1:].isalnum() and not terms[-1].is_excluded and len(terms[-1].words) == 1:
        last = terms[-1]
        terms[-1] = Term(last.words, is_prefix=len(last.words[0]) >= MIN_PREFIX)
    subject = _TOKEN.sub(lambda match: "" if match["minus"] and words_of(match[0]) else match[0], text)
    return Query(" ".join(text.split()), tuple(terms), " ".join(subject.split()))


def all_of(terms: Sequence[Term], excluded: Sequence[Term] = ()) -> str:
    """Every term, none of the excluded ones."""
    return _without(" AND ".join(term.expression() for term in terms), excluded)


def any_of(terms: Sequence[Term], excluded: Sequence[Term] = ()) -> str:
    """At least one term, none of the excluded ones."""
    return _without(" OR ".join(term.expression() for term in terms), excluded)


def fold(text: str) -> str:
    """Case and accents taken off, as the index does (`unicode61 remove_diacritics 2`), one character for one."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def spaced(text: str) -> str:
    """The text as the index reads it: with spaces around each word of a script that has none."""
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {' '.join(words_of(run[0]))} ", text)


def words_of(text: str) -> list[str]:
    """The words of a text as the index splits it: runs of letters and digits (and the marks that belong to them)."""
    return [text[start:end] for start, end in word_spans(text)]


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each word of a text starts and ends."""
    found = _ASCII_WORD.finditer(text) if text.isascii() else _WORD.finditer(text.translate(_CLASSES))
    return (match.span() for match in found)


class _Table(dict[int, str]):
    """For `str.translate`: what a character becomes is worked out once. A search looks at 100,000 of them."""

    def __init__(self, become: Callable[[str], str]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, code: int) -> str:
        self[code] = self._become(chr(code))
        return self[code]


def _fold_character(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    folded = base.casefold()
    return folded if len(folded) == 1 else base.lower()[:1] or base


def _class_of(character: str) -> str:
    """`w` can begin a word, `c` always begins one, `m` can only go on with one, a space is in none."""
    category = unicodedata.category(character)
    if category[0] in "LN" or category == "Co":
        return "c" if _IS_UNSPACED.match(character) else "w"
    return "m" if category[0] == "M" else " "


_FOLDED, _CLASSES = _Table(_fold_character), _Table(_class_of)


def _terms(text: str) -> Iterator[Term]:
    for match in _TOKEN.finditer(text):
        is_excluded = bool(match["minus"])
        if match["phrase"] is not None:
            words = tuple(words_of(match["phrase"]))
            if words:
                yield Term(words, is_excluded=is_excluded)
            continue
        words = tuple(words_of(match["word"]))
        if not words:
            continue
        is_prefix = match["word"].endswith("*") and len(words[-1]) >= MIN_PREFIX
        if is_excluded or not any(map(_IS_UNSPACED.match, words)):
            # "liner-seam" or "a.b" is what the index has as words beside each other.
            yield Term(words, is_prefix=is_prefix, is_excluded=is_excluded)
        else:
            yield from _pairs(words, is_prefix=is_prefix)


def _pairs(words: Sequence[str], *, is_prefix: bool) -> Iterator[Term]:
    """Neighbours two by two where a script has no spaces, and what stands between such runs as it is."""
    for is_run, group in groupby(words, lambda word: bool(_IS_UNSPACED.match(word))):
        run = tuple(group)
        if is_run and len(run) > 1:
            yield from (Term(pair, is_pair=True) for pair in pairwise(run))
        else:
            yield Term(run, is_prefix=is_prefix and run[-1] is words[-1] and not is_run)


def _without(expression: str, excluded: Sequence[Term]) -> str:
    if not expression or not excluded:
        return expression
    return f"({expression}) NOT ({' OR '.join(term.expression() for term in excluded)})"
