"""The part of a text that shows why it was found, as safe HTML with the words marked. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from embeddings.words.normalise import Token, variants, words
from embeddings.words.query import Term

SNIPPET_CHARS = 180


@dataclass(frozen=True)
class Match:
    """Where words of the question stand in a text, and how many of its terms are there."""

    spans: tuple[tuple[int, int], ...]
    terms_found: int

    @property
    def first(self) -> int | None:
        return self.spans[0][0] if self.spans else None


NOTHING = Match((), 0)


def find(text: str, terms: Sequence[Term]) -> Match:
    """The places of each term in the text, as the index of words reads both."""
    spans = _spans(text, terms)
    return Match(_joined(sorted({span for some in spans for span in some})), sum(map(bool, spans)))


def densest(match: Match, *, width: int = SNIPPET_CHARS) -> int | None:
    """The offset from which a window of this width shows the most marked places."""
    starts = [start for start, _ in match.spans]
    if not starts:
        return None
    return max(starts, key=lambda at: (sum(at <= other < at + width for other in starts), -at))


def best_place(text: str, starts: Sequence[int], terms: Sequence[Term]) -> int | None:
    """The offset of the part of the text (they begin at `starts`) that has the most terms; None where none has any."""
    parts = [{bisect_right(starts, first) - 1 for first, _ in spans} for spans in _spans(text, terms)]
    counts = Counter(part for some in parts for part in some if part >= 0)
    best = max(counts.values(), default=0)
    return min((starts[part] for part, count in counts.items() if count == best), default=None)


def snippet(text: str, match: Match, *, width: int = SNIPPET_CHARS) -> str:
    """About `width` characters around the densest place, escaped, with `<mark>` around the words."""
    begin, end = _window(text, densest(match, width=width), width)
    parts = ["…" if begin else ""]
    place = begin
    for first, last in match.spans:
        if first < begin or last > end:
            continue
        parts += [escape(text[place:first]), "<mark>", escape(text[first:last]), "</mark>"]
        place = last
    parts += [escape(text[place:end]), "…" if end < len(text) else ""]
    return "".join(parts)


def _window(text: str, centre: int | None, width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    begin = max(0, min((centre or 0) - width // 4, len(text) - width))
    if begin:
        space = text.find(" ", begin, begin + 30)
        begin = space + 1 if 0 <= space < (centre or 0) else begin
    end = min(len(text), begin + width)
    if end < len(text):
        space = text.rfind(" ", end - 30, end)
        end = space if space > max(begin, centre or 0) else end
    return begin, end


def _spans(text: str, terms: Sequence[Term]) -> list[list[tuple[int, int]]]:
    """For each term, where it begins and ends: as it is typed, and in the forms that also find it."""
    if not terms:
        return []
    found = words(text)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(found):
        places.setdefault(word.text, []).append(place)
    others: dict[str, list[tuple[int, int]]] = {}
    for variant in variants(text, found):
        others.setdefault(variant.text, []).append((variant.start, variant.end))
    return [_of_term(term, found, places, others) for term in terms]


def _of_term(
    term: Term, found: Sequence[Token], places: Mapping[str, list[int]], others: Mapping[str, list[tuple[int, int]]]
) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    if term.is_prefix and len(term.words) == 1:
        return [(word.start, word.end) for word in found if word.text.startswith(term.words[0])]
    for form in (term.words, *term.forms):
        for first in places.get(form[0], []):
            run = found[first : first + len(form)]
            is_there = [word.text for word in run[:-1]] == list(form[:-1]) and len(run) == len(form)
            if is_there and (run[-1].text == form[-1] or (term.is_prefix and run[-1].text.startswith(form[-1]))):
                spans.append((run[0].start, run[-1].end))
        if len(form) == 1 and not term.is_quoted:
            spans += others.get(form[0], [])
    return spans


def _joined(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping spans as one, so that marks never nest."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
