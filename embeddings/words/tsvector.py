"""The one module that knows PostgreSQL's full text: words of chunks as a tsvector, ranked as FTS5 ranks them.

`chunk_words` has a row for each chunk: the words that our normaliser makes of its text with weight A, and after a gap
(so that no phrase goes across) their variants without one. Nothing is parsed or folded by PostgreSQL, so both engines
find the same. `ts_rank` knows no document frequencies: the matches are ranked here by BM25, by the formula of FTS5
(https://www.sqlite.org/fts5.html#the_bm25_function), over counts of our own.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest

from django.db import connection

from embeddings.words.normalise import indexed
from embeddings.words.query import Term, WordFilter, WordQuery

#: What FTS5 is told: a variant counts half of a word that is typed the same.
VARIANT_WEIGHT = 0.5
#: The constants of BM25 that FTS5 has, and its floor for words that half of all chunks have.
K1, B, LEAST_IDF = 1.2, 0.75, 1e-6
#: Between the words of a text and its variants.
GAP = 2
#: PostgreSQL knows no place beyond this, and no word longer than 2,046 bytes.
LAST_PLACE, MAX_WORD_BYTES = 16_383, 2_000
ROWS_AT_ONCE = 500
#: From so many chunks on, counts are kept until their number has changed by this part: a hundredth more moves no rank.
COUNTED_ANEW_BELOW, KEPT_WITHIN = 10_000, 0.01


@dataclass(frozen=True)
class _Phrase:
    """Words beside each other, as the index has them."""

    words: tuple[str, ...]
    is_prefix: bool = False
    #: Only as typed, and not among the variants.
    is_strict: bool = False

    def __str__(self) -> str:
        """In PostgreSQL's language of queries: everything quoted, so that nothing typed is ever its syntax."""
        parts = [_quoted(word) + (":A" if self.is_strict else "") for word in self.words]
        if self.is_prefix:
            parts[-1] = _quoted(self.words[-1]) + (":*A" if self.is_strict else ":*")
        return f"({' <-> '.join(parts)})"

    def frequency(self, vector: str) -> float:
        """How often a tsvector, as PostgreSQL writes it, has this phrase: variants by their weight."""
        last = len(self.words) - 1
        places = [self._places(vector, word, is_last=at == last) for at, word in enumerate(self.words)]
        starts = places[0]
        for offset, others in enumerate(places[1:], start=1):
            starts = {place: weight for place, weight in starts.items() if place + offset in others}
        return sum(weight for weight in starts.values() if weight == 1.0 or not self.is_strict)

    def _places(self, vector: str, word: str, *, is_last: bool) -> dict[int, float]:
        found: dict[int, float] = {}
        for match in _entry_of(word, is_prefix=self.is_prefix and is_last).finditer(vector):
            for place in match[1].split(","):
                found[int(place.rstrip("A"))] = 1.0 if place.endswith("A") else VARIANT_WEIGHT
        return found


@lru_cache(maxsize=1024)
def _entry_of(word: str, *, is_prefix: bool) -> re.Pattern[str]:
    """Finds a word, or all that begin with it, in a tsvector as PostgreSQL writes it, with the places of each."""
    lexeme = re.escape(_quoted(word)[:-1]) + ("[^']*" if is_prefix else "")
    return re.compile(f"(?:^| ){lexeme}':([0-9A,]+)")


@dataclass
class _Counts:
    """How many chunks there are and how long they are on average, and how many have a phrase."""

    last_id: int
    chunks: int
    mean_length: float
    having: dict[str, int]


_counts: dict[str, _Counts] = {}


def add(rows: Iterable[tuple[int, str]]) -> None:
    """Index texts by chunk id."""
    columns = [(pk, *_columns(text)) for pk, text in rows]
    with connection.cursor() as cursor:
        for first in range(0, len(columns), ROWS_AT_ONCE):
            ids, vectors, lengths, digests = zip(*columns[first : first + ROWS_AT_ONCE], strict=True)
            cursor.execute(
                "INSERT INTO chunk_words (chunk_id, words, length, digest) SELECT i, v::tsvector, l, d::uuid "
                "FROM unnest(%s::bigint[], %s::text[], %s::integer[], %s::text[]) AS given (i, v, l, d)",
                [list(ids), list(vectors), list(lengths), list(digests)],
            )


def remove(rows: Iterable[tuple[int, str]]) -> None:
    """Take texts out again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunk_words WHERE chunk_id = ANY(%s)", [[pk for pk, _ in rows]])


def best(query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
    """The chunks that match, best first, each with its BM25; equals in the order of their ids."""
    matches = _matches("w.chunk_id, w.length, w.words::text", query, where)
    if not matches:
        return {}
    phrases = _phrases(query)
    counts = _counted(phrases)
    weights = [(phrase, _idf(counts, phrase)) for phrase in phrases]
    scored = []
    for pk, length, vector in matches:
        norm = K1 * (1 - B + B * length / (counts.mean_length or 1))
        score = 0.0
        for phrase, idf in weights:
            frequency = phrase.frequency(vector)
            score += idf * (frequency * (K1 + 1)) / (frequency + norm)
        scored.append((score, -pk))
    return {-place: score for score, place in nlargest(limit, scored)}


def latest(query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
    """Chunks that match, newest first. For words so common that they say nothing, and ranking would be slow."""
    return {row[0]: 0.0 for row in _matches("w.chunk_id", query, where, "ORDER BY w.chunk_id DESC LIMIT %s", limit)}


def frequency_is_above(term: Term, threshold: int) -> bool:
    """Whether more than `threshold` chunks match. Looks no further than that many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM chunk_words WHERE words @@ %s::tsquery LIMIT %s) AS few",
            [_expression(WordQuery([term])), threshold + 1],
        )
        return int(cursor.fetchone()[0]) > threshold


def rebuild() -> None:
    """Make the index again from the chunks."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chunk_words")
        last = 0
        while True:
            cursor.execute("SELECT id, text FROM chunks WHERE id > %s ORDER BY id LIMIT %s", [last, ROWS_AT_ONCE])
            rows = cursor.fetchall()
            if not rows:
                return
            add(rows)
            last = rows[-1][0]


def optimize() -> None:
    """Autovacuum does."""


def is_sound() -> bool:
    """Whether the index says what the chunks say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM chunks AS c FULL JOIN chunk_words AS w ON w.chunk_id = c.id "
            "WHERE c.id IS NULL OR w.chunk_id IS NULL OR w.digest <> md5(c.text)::uuid)"
        )
        return not cursor.fetchone()[0]


def _columns(text: str) -> tuple[str, int, str]:
    """The tsvector of a text, how many words and variants it has, and what tells whether it is still the text."""
    of_text = indexed(text)
    words, variants = of_text.words.split(), of_text.variants.split()
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words, start=1):
        places.setdefault(word, []).append(f"{min(place, LAST_PLACE)}A")
    for place, word in enumerate(variants, start=len(words) + GAP):
        places.setdefault(word, []).append(str(min(place, LAST_PLACE)))
    vector = " ".join(f"{_quoted(word)}:{','.join(at)}" for word, at in places.items())
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return vector, len(words) + len(variants), digest


def _quoted(word: str) -> str:
    whole = word if len(word) <= MAX_WORD_BYTES // 4 else word.encode()[:MAX_WORD_BYTES].decode(errors="ignore")
    escaped = whole.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _phrases_of(term: Term, *, is_strict: bool) -> list[_Phrase]:
    is_strict = is_strict or term.is_quoted
    forms = () if is_strict else term.forms
    return [_Phrase(term.words, term.is_prefix, is_strict), *(_Phrase(form) for form in forms)]


def _phrases(query: WordQuery) -> list[_Phrase]:
    """All phrases that count for the rank, each as often as it is asked for."""
    found = [phrase for term in query.terms for phrase in _phrases_of(term, is_strict=query.is_strict)]
    if query.is_any:
        found += [phrase for term in query.required for phrase in _phrases_of(term, is_strict=True)]
    return found


def _expression(query: WordQuery) -> str:
    def of(terms: Sequence[Term], joiner: str, *, is_strict: bool) -> str:
        alternatives = (" | ".join(map(str, _phrases_of(term, is_strict=is_strict))) for term in terms)
        return "(" + joiner.join(f"({one})" for one in alternatives) + ")"

    if not query.terms:
        return ""
    wanted = of(query.terms, " | " if query.is_any else " & ", is_strict=query.is_strict)
    if query.is_any and query.required:
        wanted += " & " + of(query.required, " & ", is_strict=True)
    if query.excluded:
        wanted += " & !" + of(query.excluded, " | ", is_strict=True)
    return wanted


def _matches(
    columns: str, query: WordQuery, where: WordFilter, order: str = "", *limit: int
) -> Sequence[tuple[int, int, str]]:
    expression = _expression(query)
    if not expression:
        return []
    conditions: list[str] = ["w.words @@ %s::tsquery"]
    params: list[str | list[int]] = [expression]
    if where.kind:
        conditions.append("c.source_kind = %s")
        params.append(where.kind)
    if where.files is not None:
        conditions.append("c.file_id = ANY(%s)")
        params.append(list(where.files))
    joined = "JOIN chunks AS c ON c.id = w.chunk_id" if len(conditions) > 1 else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM chunk_words AS w {joined} WHERE {' AND '.join(conditions)} {order}",  # noqa: S608
            [*params, *limit],
        )
        rows: Sequence[tuple[int, int, str]] = cursor.fetchall()
        return rows


def _counted(phrases: Sequence[_Phrase]) -> _Counts:
    """Counts that are right, or as good as right where they would take long."""
    database = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM chunks")
        last_id = int(cursor.fetchone()[0])
        known = _counts.get(database)
        if known is None or last_id < COUNTED_ANEW_BELOW or abs(last_id - known.last_id) > KEPT_WITHIN * known.last_id:
            cursor.execute("SELECT count(*), coalesce(avg(length), 0) FROM chunk_words")
            chunks, mean_length = cursor.fetchone()
            known = _counts[database] = _Counts(last_id, int(chunks), float(mean_length), {})
        unknown = [name for name in dict.fromkeys(map(str, phrases)) if name not in known.having]
        if unknown:
            counted = ", ".join(["(SELECT count(*) FROM chunk_words WHERE words @@ %s::tsquery)"] * len(unknown))
            cursor.execute(f"SELECT {counted}", unknown)
            known.having.update(zip(unknown, cursor.fetchone(), strict=True))
    return known


def _idf(counts: _Counts, phrase: _Phrase) -> float:
    having = counts.having[str(phrase)]
    idf = math.log((counts.chunks - having + 0.5) / (having + 0.5)) if counts.chunks > having else 0.0
    return idf if idf > 0 else LEAST_IDF
