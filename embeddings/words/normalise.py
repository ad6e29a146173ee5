"""What a text and a question have in common: words, whatever way they are typed. Pure.

One normaliser stands between a text and every index of words, and between a question and the same index:

* compatibility forms are one (full width, ligatures, superscripts), case and accents are off in every script, letters
  that do not decompose are written out (ł, ß, ø, œ, ı), and what cannot be seen (soft hyphens, joiners) is not there;
* Chinese, Japanese, Thai, Lao, Burmese and Khmer put no spaces between words, and Korean joins particles to them: there
  each character is a word, and a question is cut into pairs of neighbours that overlap, as search engines do
  (https://lucene.apache.org/core/9_0_0/analysis/common/org/apache/lucene/analysis/cjk/package-summary.html);
* beside its words a text has *variants*: the singular of a plural, "email" for "e-mail", "rabbit" and "320" for
  "rabbit320". They are found by words that are not in quotes, after those that are typed the same.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from files.writing_systems import UNSPACED

_HANGUL = "\uac00-\ud7a3"
_BY_CHARACTER = re.compile(f"[{UNSPACED}{_HANGUL}]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_ASCII_WORD, _WORD = re.compile(r"[0-9A-Za-z]+"), re.compile(r"w[wm]*|cm*")
#: Letters that Unicode does not take apart, and Arabic and Persian ones that are typed for each other.
_SPELLED = str.maketrans(
    {
        "ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "ı": "i", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ŋ": "n",
        "ĸ": "k", "ɓ": "b", "ɗ": "d", "ə": "e", "ɛ": "e", "ɔ": "o", "ŀ": "l",
        "ـ": "", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه",
    }
)  # fmt: skip
#: Canonical combining classes of marks that are part of a letter: kana voicing, viramas, vowels of Thai and Lao and
#: their tones. Other marks with a class are accents, points or vowels that people leave out.
_LETTER_MARKS = frozenset({0, 8, 9, 103, 107, 118, 122})
#: What joins the parts of one word, each with what the joined word is made of.
_DASHES, _APOSTROPHES = "-\u2010\u2011\u2012\u2013_", "'\u2019\u02bc"
_JOINERS = frozenset(_DASHES + _APOSTROPHES + "&")
MAX_JOINED = 5
_ALPHANUMERIC = re.compile(r"[^\W\d_]+|\d+")
#: Before a singular that only a text in German has: "Hunde" is more than one "Hund", but "plane" is not "plan".
GERMAN = "\ue000"
_GERMAN_WORDS = frozenset(
    """auch aber bei beim das dass dem der des durch ein eine einem einen einer eines er fur hat haben ich im ist kann
    mit nach nicht noch oder sich sie sind uber und vom von vor war warum was welche welcher welches wenn wer werden wie
    wir wird wo wurde wurden zu zum zur""".split()  # noqa: SIM905
)
#: So many different ones of these make a text German.
GERMAN_AT_LEAST = 2
#: A singular shorter than this is as well another word.
MIN_STEM = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A word as the index has it, and where it stands in the text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class IndexedText:
    """What full text reads of a text: its words, and the variants of them, each with spaces between."""

    words: str
    variants: str


@lru_cache(maxsize=4096)
def indexed(text: str) -> IndexedText:
    """The words and variants of a text, as every index of words reads them."""
    found = words(text)
    return IndexedText(
        " ".join(word.text for word in found), " ".join(dict.fromkeys(word.text for word in variants(text, found)))
    )


def fold(text: str) -> str:
    """Case, accents and ways of writing taken off. It may become longer or shorter."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def words(text: str) -> list[Token]:
    """The words of a text, in order: runs of letters and digits (and the marks that belong to them), folded."""
    if text.isascii():
        lower = text.lower()
        return [
            Token(match.start(), match.end(), lower[match.start() : match.end()])
            for match in _ASCII_WORD.finditer(text)
        ]
    spans = (match.span() for match in _WORD.finditer(text.translate(_CLASSES)))
    folded = (Token(start, end, text[start:end].translate(_FOLDED)) for start, end in spans)
    return [word for word in folded if word.text]


def words_of(text: str) -> list[str]:
    """The words of a text alone."""
    return [word.text for word in words(text)]


def is_plain(text: str) -> bool:
    """Whether an index that takes ASCII words apart and folds their case reads the same words as `indexed` says."""
    return text.isascii() or not "".join(_NOT_ASCII.findall(text)).translate(_CLASSES).strip()


def is_by_character(word: str) -> bool:
    """Whether this word is one character of a script whose words are not told apart by spaces."""
    return bool(_BY_CHARACTER.match(word))


def variants(text: str, found: Sequence[Token]) -> Iterator[Token]:
    """Other words that a text may be found by, with their places: singulars, parts, and joined ones."""
    is_german = len(_GERMAN_WORDS.intersection(word.text for word in found)) >= GERMAN_AT_LEAST
    for word in found:
        for part in parts_of(word.text):
            yield Token(word.start, word.end, part)
        for singular in singulars(word.text):
            yield Token(word.start, word.end, singular)
        if is_german:
            for singular in german_singulars(word.text):
                yield Token(word.start, word.end, GERMAN + singular)
    for word in joined(text, found):
        yield word
        for singular in singulars(word.text):
            yield Token(word.start, word.end, singular)


def parts_of(word: str) -> list[str]:
    """Letters and digits apart, where a word has both: "rabbit320" is "rabbit" and "320". Lone letters are not."""
    parts = _ALPHANUMERIC.findall(word) if any(map(str.isdigit, word)) else []
    return [part for part in parts if len(part) > 1 or part.isdigit()] if len(parts) > 1 else []


@lru_cache(maxsize=65_536)
def singulars(word: str) -> tuple[str, ...]:
    """What this may be the plural of, in English, French and Spanish. Empty for a word that is no plural."""
    if not word.isalpha():
        return ()
    found: list[str] = []
    if word.endswith("ies") and len(word) > MIN_STEM + 2:  # batteries
        found.append(word[:-3] + "y")
    if word.endswith("ces") and len(word) > MIN_STEM + 1:  # luces
        found.append(word[:-3] + "z")
    if word.endswith("aux") and len(word) > MIN_STEM + 1:  # chevaux
        found.append(word[:-2] + "l")
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "nes", "res", "les", "des", "oes")):  # boxes, canciones
        found.append(word[:-2])
    if (word.endswith("s") and not word.endswith(("ss", "us", "is"))) or word.endswith(("eux", "eaux", "oux")):
        found.append(word[:-1])
    return tuple(stem for stem in found if len(stem) >= MIN_STEM)


@lru_cache(maxsize=65_536)
def german_singulars(word: str) -> tuple[str, ...]:
    """What all forms of a German noun have in common: itself and what it may be the plural of."""
    if not word.isalpha():
        return ()
    endings = [ending for ending in ("en", "er", "e", "n", "s") if word.endswith(ending)]
    stems = [word, *(word[: -len(ending)] for ending in endings)]
    return tuple(stem for stem in stems if len(stem) >= MIN_STEM)


def joined(text: str, found: Sequence[Token]) -> Iterator[Token]:
    """Words that stand beside each other with nothing but one joiner between, as one: "e-mail", "U.S.A.", "1,000"."""
    first = 0
    for place in range(1, len(found) + 1):
        if place < len(found) and _is_joined(text, found[place - 1], found[place]):
            continue
        if 1 < place - first <= MAX_JOINED:
            yield Token(found[first].start, found[place - 1].end, "".join(word.text for word in found[first:place]))
        first = place


def _is_joined(text: str, left: Token, right: Token) -> bool:
    between = text[left.end : right.start]
    if len(between) != 1:
        return False
    if between in _JOINERS:
        return not (left.text.isdigit() and right.text.isdigit() and between not in _DASHES)
    if between == ".":
        return len(left.text) == len(right.text) == 1 and left.text.isalpha()
    return between == "," and left.text.isdigit() and right.text.isdigit() and len(right.text) == 3


class _Table(dict[int, str]):
    """For `str.translate`: what a character becomes is worked out once. A search looks at 100,000 of them."""

    def __init__(self, become: Callable[[str], str]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, code: int) -> str:
        self[code] = self._become(chr(code))
        return self[code]


def _fold_character(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    bare = "".join(c for c in apart if unicodedata.combining(c) in _LETTER_MARKS)
    return unicodedata.normalize("NFC", bare.translate(_SPELLED)) if bare else ""


def _class_of(character: str) -> str:
    """`w` can begin a word, `c` always begins one, `m` can only go on with one, a space is in none."""
    category = unicodedata.category(character)
    if category[0] in "LN" or category == "Co":
        return "c" if _BY_CHARACTER.match(character) else "w"
    if category[0] == "M" or category == "Cf":
        return "m"
    return "c" if category == "So" and _fold_character(character).isalnum() else " "


_FOLDED, _CLASSES = _Table(_fold_character), _Table(_class_of)
