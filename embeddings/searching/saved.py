"""Saved searches: made again, and what they find that was not there when they were opened last."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from embeddings.indexing import paid_vectors, spaces
from embeddings.models import Chunk, SavedQuery
from embeddings.searching.search import MAX_LIMIT, SearchAnswer, search
from embeddings.words.query import parse


def run(saved: SavedQuery, *, limit: int) -> SearchAnswer:
    """What it finds now. Raises as `search` does, also where a filter of it is known no more."""
    return search(saved.text, mode=saved.mode, filters=saved.filter, limit=limit)


def is_free(saved: SavedQuery) -> bool:
    """Whether it can be asked without a person's word: nothing paid starts by itself."""
    space = spaces.active()
    subject = parse(saved.text).subject
    return saved.mode == SavedQuery.Mode.KEYWORD or paid_vectors.is_free(space, spaces.provider_of(space), subject)


def came_since(chunk_ids: Collection[int], moment: datetime) -> set[int]:
    """Which of these texts are newer than that moment."""
    newer = Chunk.objects.filter(pk__in=chunk_ids, created_at__gt=moment)
    return set(newer.values_list("pk", flat=True))


def what_is_new(saved: SavedQuery, *, limit: int) -> SearchAnswer:
    """What it finds in texts that came since it was opened last; everything, where it never was."""
    answer = run(saved, limit=MAX_LIMIT)
    if saved.opened_at is not None:
        fresh = came_since([hit.chunk_id for hit in answer.results], saved.opened_at)
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
