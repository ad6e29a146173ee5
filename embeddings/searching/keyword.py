"""Keyword search: the chunks that have the words, best first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import connection

from embeddings.words.query import Query, WordFilter, WordQuery
from embeddings.words.registry import word_index

#: A word that more than this part of the chunks has says little about any of them, and ranking them all is slow
#: (measured: 25 ms at 30,000 of 200,000).
COMMON_SHARE = 0.05
#: In a small library the share says nothing yet.
COMMON_AT_LEAST = 500


@dataclass(frozen=True)
class KeywordHit:
    """Chunks with their BM25, best first: those with every term, and after them those with some. `exact` are those with
    every term as it was typed."""

    whole: Mapping[int, float] = field(default_factory=dict)
    exact: frozenset[int] = frozenset()
    partial: Mapping[int, float] = field(default_factory=dict)


def document_count() -> int:
    """About how many chunks there are (the highest id: exact counting reads the whole table)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM chunks")
        return int(cursor.fetchone()[0] or 0)


def find(question: Query, where: WordFilter, *, limit: int) -> KeywordHit:
    """At most `limit` chunks. Those with every term first, as typed before variants; then any of the telling ones."""
    if not question.wanted:
        return KeywordHit()
    threshold = max(COMMON_AT_LEAST, int(document_count() * COMMON_SHARE))
    # The terms that tell one chunk from another. A beginning too: "th" while it is typed has half of the library, which
    # took 0.7 s to rank at 300,000 chunks. And a phrase: a pair of frequent characters took 106 ms at 100,000, and
    # counting it as far as the threshold took 3.
    rare = [term for term in question.telling if not word_index().frequency_is_above(term, threshold)]
    # Nothing but common words: they are all over the library, so the newest chunks that have them will do.
    look = word_index().best if rare else word_index().latest
    every = WordQuery(question.wanted, excluded=question.excluded)
    whole: dict[int, float] = {}
    exact: set[int] = set()
    for terms in dict.fromkeys((question.wanted, question.telling)):  # "what is a pump" is about pumps, not "what"
        for is_strict in (True, False):
            if len(whole) < limit:
                more = look(replace(every, terms=terms, is_strict=is_strict), where, limit=limit)
                exact |= more.keys() - whole.keys() if is_strict else set()
                whole |= {chunk_id: nats for chunk_id, nats in more.items() if chunk_id not in whole}
    if len(whole) >= limit or len(question.wanted) == 1:
        return KeywordHit(whole=dict(islice(whole.items(), limit)), exact=frozenset(exact))
    some = replace(every, terms=rare or question.telling, is_any=True, required=question.quoted)
    partial = look(some, where, limit=limit)
    if rare and not whole and not partial:  # the rare word is nowhere: better the common ones than nothing
        partial = word_index().latest(replace(some, terms=question.telling), where, limit=limit)
    others = {chunk_id: nats for chunk_id, nats in partial.items() if chunk_id not in whole}
    partial = dict(islice(others.items(), limit - len(whole)))
    return KeywordHit(whole=whole, exact=frozenset(exact), partial=partial)
