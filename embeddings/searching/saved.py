"""Saved searches: made again, and what they find that was not there when they were opened last."""

from dataclasses import replace

from embeddings.models import Chunk, SavedQuery
from embeddings.searching.search import MAX_LIMIT, SearchAnswer, search


def run(saved: SavedQuery, *, limit: int) -> SearchAnswer:
    """What it finds now. Raises as `search` does, also where a filter of it is known no more."""
    return search(saved.text, mode=saved.mode, filters=saved.filter, limit=limit)


def what_is_new(saved: SavedQuery, *, limit: int) -> SearchAnswer:
    """What it finds in texts that came since it was opened last; everything, where it never was."""
    answer = run(saved, limit=MAX_LIMIT)
    if saved.opened_at is not None:
        ids = [hit.chunk_id for hit in answer.results]
        fresh = set(Chunk.objects.filter(pk__in=ids, created_at__gt=saved.opened_at).values_list("pk", flat=True))
        answer = replace(answer, results=[hit for hit in answer.results if hit.chunk_id in fresh])
    total = len(answer.results)
    kinds = [kind for hit in answer.results for kind in (hit.kind, *hit.also)]
    return replace(
        answer,
        results=answer.results[:limit],
        total=total,
        of_all_kinds=total,
        counts={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        file_count=len({hit.file_id for hit in answer.results}),
    )
