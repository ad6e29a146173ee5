"""Keyword search: the chunks that have the words, best first."""

from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.words import fts5, query
from embeddings.words.fts5 import WordFilter
from embeddings.words.query import Query, Term

#: A word that more than this part of the chunks has says little about any of them, and ranking them all is slow
#: (measured: 25 ms at 30,000 of 200,000).
COMMON_SHARE = 0.05
#: In a small library the share says nothing yet.
COMMON_AT_LEAST = 500


@dataclass(frozen=True)
class KeywordHit:
    """Chunk ids, best first: those with every term, and after them those with some."""

    whole: Sequence[int] = ()
    partial: Sequence[int] = ()


def find(asked: Query, where: WordFilter, *, limit: int) -> KeywordHit:
    """At most `limit` chunks. Those with every term first, and with too few of those, any of the telling ones."""
    if not asked.wanted:
        return KeywordHit()
    rare = _rare(asked.telling)
    # Nothing but common words: they are all over the library, so the newest chunks that have them will do.
    look = fts5.best if rare else fts5.latest
    whole: list[int] = []
    for terms in dict.fromkeys((asked.wanted, asked.telling)):  # "what is a pump" is about pumps, not about "what"
        if len(whole) < limit:
            whole += _others(look(query.all_of(terms, asked.excluded), where, limit=limit), whole)
    if len(whole) >= limit or len(asked.wanted) == 1:
        return KeywordHit(whole=whole[:limit])
    some = look(query.any_of(rare or asked.telling, asked.excluded), where, limit=limit)
    if rare and not whole and not some:  # the rare word is nowhere: better the common ones than nothing
        some = fts5.latest(query.any_of(asked.telling, asked.excluded), where, limit=limit)
    return KeywordHit(whole=whole, partial=_others(some, whole)[: limit - len(whole)])


def _others(found: Sequence[int], known: Sequence[int]) -> list[int]:
    there = set(known)
    return [one for one in found if one not in there]


def _rare(terms: Sequence[Term]) -> list[Term]:
    """The terms that tell one chunk from another."""
    threshold = max(COMMON_AT_LEAST, int(fts5.document_count() * COMMON_SHARE))
    # A beginning too: "th" while it is typed has half of the library, which took 0.7 s to rank at 300,000 chunks. And a
    # phrase: a pair of frequent characters took 106 ms at 100,000, and counting it as far as the threshold took 3.
    return [term for term in terms if not fts5.frequency_is_above(term.expression(), threshold)]
