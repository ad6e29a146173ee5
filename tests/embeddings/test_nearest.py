"""The way from a million vectors to the ten nearest: half of the signs, all signs, what they let expect, the truth."""

from collections.abc import Sequence

import numpy as np
import pytest

from embeddings.indexing import index, spaces
from embeddings.models import Chunk, Space
from embeddings.searching import semantic
from embeddings.stores import bit_matrix
from embeddings.stores.bit_matrix import Places, Snapshot
from embeddings.stores.registry import store
from embeddings.vectors import Floats, SpaceKey, to_bits
from tests.embeddings.conftest import MakeFile

WIDE = 1024


def unit(rows: Floats) -> Floats:
    made: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return made


def snapshot(vectors: Floats) -> Snapshot:
    bits, count = to_bits(vectors), len(vectors)
    return Snapshot(
        generation=1,
        last_removal=0,
        ids=np.arange(count) + 1,
        chunks=np.arange(count) + 1,
        files=(np.arange(count) // 10).astype(np.int32),
        kinds=np.zeros(count, np.uint8),
        heads=np.ascontiguousarray(bits[:, : bit_matrix.HEAD_BYTES]),
        tails=np.ascontiguousarray(bits[:, bit_matrix.HEAD_BYTES :]),
    )


def stored(name: str, vectors: Floats, make_file: MakeFile) -> tuple[Space, list[Chunk]]:
    """A space with these vectors, a chunk each."""
    file = make_file(f"{name}.mp4")
    chunks = Chunk.objects.bulk_create(
        Chunk(file=file, source_kind="transcript", source_id=1, ordinal=n, text=f"{n}", content_hash=f"{n}")
        for n in range(len(vectors))
    )
    space = spaces.get_or_make(SpaceKey(provider="words", model=name, dimension=WIDE))
    index.insert_vectors(space, chunks, vectors)
    return space, chunks


@pytest.fixture
def wide_space(make_file: MakeFile) -> tuple[Space, Floats]:
    """600 vectors of one cluster whose noise no direction explains: the signs tell little of what is nearest."""
    own = np.random.default_rng(4)
    made = unit(own.standard_normal(WIDE, np.float32) + own.standard_normal((600, WIDE), np.float32) * 0.7)
    return stored("noise", made, make_file)[0], made


@pytest.mark.parametrize("has_faiss", [True, False])
def test_rows_alike_in_their_first_signs_are_told_apart_by_the_others(
    monkeypatch: pytest.MonkeyPatch, has_faiss: bool
) -> None:
    monkeypatch.setattr(bit_matrix, "HAS_FAISS", has_faiss and bit_matrix.HAS_FAISS)
    own = np.random.default_rng(1)
    vectors = own.standard_normal((900, WIDE), np.float32)
    vectors[100:140, :256] = vectors[0, :256]  # as near as can be, as far as the first signs tell
    vectors[120, 256:] = vectors[0, 256:]

    places, expected = snapshot(unit(vectors)).candidates(unit(vectors[0]), 30)

    assert sorted(places[:2].tolist()) == [0, 120]
    assert expected[0] == expected[1] > expected[2]


def test_candidates_come_in_the_order_of_what_their_signs_let_expect() -> None:
    own = np.random.default_rng(2)
    vectors = unit(own.standard_normal((500, WIDE), np.float32))
    query = unit(own.standard_normal(WIDE, np.float32))

    places, expected = snapshot(vectors).candidates(query, 50)

    by_hand = [float((query * np.sign(vectors[place])).sum() / np.abs(query).sum()) for place in places]
    assert expected.tolist() == pytest.approx(by_hand, abs=1e-5)
    assert by_hand == sorted(by_hand, reverse=True)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 1.0])
def test_a_filter_holds_before_the_ranking(share: float) -> None:
    own = np.random.default_rng(3)
    vectors = unit(own.standard_normal((1_000, WIDE), np.float32))
    held, wanted = snapshot(vectors), np.arange(int(100 * share))
    mask = held.mask(files=wanted)

    places, _ = held.candidates(unit(own.standard_normal(WIDE, np.float32)), 10, mask)

    assert len(places) == min(10, 10 * len(wanted))
    assert {place // 10 for place in places.tolist()} <= set(wanted.tolist())


def test_what_the_signs_judge_wrongly_is_found_all_the_same(wide_space: tuple[Space, Floats]) -> None:
    space, made = wide_space
    own = np.random.default_rng(6)
    first = list(Chunk.objects.order_by("pk").values_list("pk", flat=True))
    right = at_once = of_all_candidates = 0
    for query in unit(made[:20] + own.standard_normal((20, WIDE), np.float32) * 0.02):
        near = semantic.nearest(space, query, semantic.SearchScope(), limit=10)
        snapshot = bit_matrix.snapshot_of(space)
        candidates = snapshot.chunks[snapshot.candidates(query, semantic.RESCORED)[0]].tolist()
        truth = {first[place] for place in np.argsort(-(made @ query))[:10]}
        right += len(truth & {one.chunk_id for one in near})
        at_once += len(truth & set(candidates[: 10 + semantic.AT_ONCE]))
        of_all_candidates += len(truth & set(candidates))
        assert [one.similarity for one in near] == sorted((one.similarity for one in near), reverse=True)

    assert at_once < 0.7 * of_all_candidates, "the signs judge these well: the test shows nothing"
    assert right >= 0.98 * of_all_candidates


def test_where_the_signs_judge_well_few_vectors_are_read(make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    own = np.random.default_rng(8)
    query = unit(own.standard_normal(WIDE, np.float32))
    away = np.linspace(0.1, 3, 600, dtype=np.float32)[:, None]
    made = unit(query + away * unit(own.standard_normal((600, WIDE), np.float32)))
    space, chunks = stored("clear", made, make_file)
    read: list[int] = []
    look_up = store().look_up

    def counted(space_id: int, ids: Sequence[int], dimension: int) -> tuple[Places, Floats, int]:
        read.append(len(ids))
        return look_up(space_id, ids, dimension)

    monkeypatch.setattr(store(), "look_up", counted)

    near = semantic.nearest(space, query, semantic.SearchScope(), limit=10)

    assert [one.chunk_id for one in near] == [chunk.pk for chunk in chunks[:10]]
    assert sum(read) < semantic.RESCORED / 2


def test_vectors_that_are_lost_are_no_hits_and_others_keep_their_place(wide_space: tuple[Space, Floats]) -> None:
    space, made = wide_space
    before = semantic.nearest(space, made[0], semantic.SearchScope(), limit=10)
    snapshot = bit_matrix.snapshot_of(space)
    gone = snapshot.candidates(made[0], 50)[0][:5]
    lost = set(snapshot.chunks[gone].tolist())
    store().delete(space.pk, snapshot.ids[gone].tolist())  # as a damaged table would: the generation stays

    after = semantic.nearest(space, made[0], semantic.SearchScope(), limit=10)

    assert len(after) == 10
    assert lost & {one.chunk_id for one in before}
    assert not lost & {one.chunk_id for one in after}
    kept = [one for one in before if one.chunk_id not in lost]
    assert after[: len(kept)] == kept


def test_an_answer_is_of_the_generation_at_its_end(wide_space: tuple[Space, Floats], make_file: MakeFile) -> None:
    """Another process wrote since this one last read the signs: who asks now finds it."""
    space, _ = wide_space
    query = unit(np.random.default_rng(9).standard_normal(WIDE, np.float32))
    held = bit_matrix.at_hand(space)
    assert semantic.nearest(space, query, semantic.SearchScope(), limit=1)[0].similarity < 0.5
    chunk = Chunk.objects.create(
        file=make_file("late.mp4"), source_kind="transcript", source_id=2, ordinal=0, text="late", content_hash="late"
    )
    index.insert_vectors(space, [chunk], query[None, :])

    assert bit_matrix.at_hand(space) is held
    assert semantic.nearest(space, query, semantic.SearchScope(), limit=1)[0].chunk_id == chunk.pk


def test_without_any_vector_the_answer_is_empty(wide_space: tuple[Space, Floats]) -> None:
    space, made = wide_space
    store().delete(space.pk, sorted(store().ids(space.pk)))

    assert semantic.nearest(space, made[0], semantic.SearchScope(), limit=10) == []
    assert semantic.nearest(space, made[0], semantic.SearchScope(files=np.array([], np.int64)), limit=10) == []


@pytest.mark.parametrize(
    ("dimension", "vectors", "least", "most"),
    [(1024, 57_000, 256, 256), (768, 57_000, 380, 400), (384, 57_000, 1000, 1050), (384, 617_000, 3000, 4000)],
)
def test_fewer_numbers_and_more_vectors_need_more_candidates(
    dimension: int, vectors: int, least: int, most: int
) -> None:
    assert least <= semantic.coarse_count(dimension, vectors) <= most
