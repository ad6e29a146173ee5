"""Keyword search: the chunks that have the words, best first."""

from collections.abc import Sequence
from dataclasses import dataclass

from embeddings import fulltext, query
from embeddings.fulltext import Where
from embeddings.query import Query, Term

#: A word that more than this part of the chunks has says little about any of them, and ranking them all is slow
#: (measured: 25 ms at 30,000 of 200,000).
COMMON_SHARE = 0.05
#: In a small library the share says nothing yet.
COMMON_AT_LEAST = 500


@dataclass(frozen=True)
class Found:
    """Chunk ids, best first: those with every term, and after them those with some."""

    whole: Sequence[int] = ()
    partial: Sequence[int] = ()


def find(asked: Query, where: Where, *, limit: int) -> Found:
    """At most `limit` chunks. All terms first; with too few of those, any of the telling ones."""
    if not asked.wanted:
        return Found()
    telling = _telling(asked.telling)
    if not telling:
        # Nothing but common words: they are all over the library, so the newest chunks that have them all will do.
        return Found(whole=fulltext.latest(query.all_of(asked.wanted, asked.excluded), where, limit=limit))
    whole = fulltext.best(query.all_of(asked.wanted, asked.excluded), where, limit=limit)
    if len(whole) >= limit or (len(asked.wanted) == 1):
        return Found(whole=whole)
    some = fulltext.best(query.any_of(telling, asked.excluded), where, limit=limit)
    known = set(whole)
    return Found(whole=whole, partial=[one for one in some if one not in known][: limit - len(whole)])


def _telling(terms: Sequence[Term]) -> list[Term]:
    """The terms that tell one chunk from another."""
    threshold = max(COMMON_AT_LEAST, int(fulltext.document_count() * COMMON_SHARE))
    return [term for term in terms if len(term.words) > 1 or not fulltext.frequency_is_above(term.words[0], threshold)]
