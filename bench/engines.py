"""Our vector search beside other engines: recall at 10, time and memory, by dimension, number and shape of the vectors.

Part of `make bench-search` (57,000 vectors; `FULL=1`: 617,000 too). All engines answer the same questions in turn. Ours
is the real path, rows on record included; the others hold everything in memory. LanceDB, usearch and hnswlib take part
where they are installed.
"""

import importlib.util
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.timing import alternate

Floats = NDArray[np.float32]
DIMENSIONS, K, QUESTIONS = (384, 768, 1024), 10, 60
COUNT, FULL_COUNT = 57_000, 617_000
#: Sentences that the local model embeds: of more, most of the run would be the model's.
SENTENCES, FULL_SENTENCES = 6_000, 57_000
#: What must hold: recall, and the time against a fixed number of candidates, which was too few at 384 numbers.
RECALL, TIMES_FIXED, FIXED = 0.99, 2.0, 256


class Engine(Protocol):
    """One engine, filled with the vectors (unit rows)."""

    def nearest(self, question: Floats) -> list[int]:
        """The places of the K nearest rows."""


def clustered(count: int, dimension: int, seed: int) -> Floats:
    """Around shared centroids, with noise along fading directions, as sentence vectors lie."""
    shared, own = np.random.default_rng(7), np.random.default_rng(seed)
    centroids = shared.standard_normal((500, dimension), dtype=np.float32)
    directions = shared.standard_normal((96, dimension), dtype=np.float32) / np.float32(np.sqrt(dimension))
    fading = np.float32(18) / np.sqrt(np.arange(1, 97, dtype=np.float32))
    made = np.empty((count, dimension), np.float32)
    for first in range(0, count, 20_000):
        n = min(20_000, count - first)
        along = (own.standard_normal((n, 96), dtype=np.float32) * fading) @ directions
        noise = own.standard_normal((n, dimension), dtype=np.float32) * 0.35
        made[first : first + n] = centroids[own.integers(0, 500, n)] + along + noise
    return unit(made)


def noisy_copies(count: int, dimension: int, seed: int) -> Floats:
    """Each of a tenth as many ten times, with noise: takes of one scene, copies of one clip."""
    shared, own = np.random.default_rng(8), np.random.default_rng(seed)
    originals = shared.standard_normal((max(1, count // 10), dimension), dtype=np.float32)
    made = originals[np.arange(count) % len(originals)]
    for first in range(0, count, 20_000):
        part = made[first : first + 20_000]
        part += own.standard_normal(part.shape, dtype=np.float32) * 0.6
    return unit(made)


def unit(rows: Floats) -> Floats:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def sentences(count: int) -> list[str]:
    """Plain sentences, each once, in an order without meaning."""
    who = [
        "the mechanic",
        "my sister",
        "a diver",
        "the night guard",
        "an old baker",
        "the pilot",
        "our teacher",
        "a nurse",
    ]
    does = ["repairs", "paints", "lifts", "hides", "sells", "photographs", "measures", "cleans", "follows", "describes"]
    what = ["a pump", "the red boat", "an apple tree", "two ladders", "the church bell", "a violin", "the wet floor",
            "a stack of letters", "the broken window", "a sleeping dog", "the last train", "a copper pipe"]  # fmt: skip
    where = [
        "in the harbour",
        "behind the school",
        "on the roof",
        "beside the river",
        "in the kitchen",
        "at the station",
    ]
    when = ["at dawn", "in winter", "after the storm", "every Friday", "before lunch", "while it rains", "in 1962",
            "for the third time", "without a word", "as in the film"]  # fmt: skip
    every = [" ".join(parts) + "." for parts in itertools.product(who, does, what, where, when)]
    return [every[place] for place in np.random.default_rng(5).permutation(len(every))[:count]]


class Numpy:
    """Brute force: one product, then the largest."""

    def __init__(self, rows: Floats) -> None:
        self.rows = rows

    def nearest(self, question: Floats) -> list[int]:
        scores = self.rows @ question
        top = np.argpartition(-scores, K)[:K]
        found: list[int] = top[np.argsort(-scores[top])].tolist()
        return found


class Faiss:
    """An index of faiss by its factory string, on one thread as ours."""

    def __init__(self, rows: Floats, factory: str, probes: int = 0) -> None:
        import faiss

        self.index: Any = faiss.index_factory(rows.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
        self.index.train(rows[:100_000])
        self.index.add(rows)
        if probes:
            faiss.extract_index_ivf(self.index).nprobe = probes

    def nearest(self, question: Floats) -> list[int]:
        found: list[int] = self.index.search(question[None, :], K)[1][0].tolist()
        return found


class Usearch:
    def __init__(self, rows: Floats) -> None:
        index = importlib.import_module("usearch.index")
        self.index = index.Index(ndim=rows.shape[1], metric="ip", dtype="f16")
        self.index.add(np.arange(len(rows)), rows)

    def nearest(self, question: Floats) -> list[int]:
        found: list[int] = self.index.search(question, K).keys.tolist()
        return found


class Hnswlib:
    def __init__(self, rows: Floats) -> None:
        hnswlib = importlib.import_module("hnswlib")
        self.index = hnswlib.Index(space="ip", dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), ef_construction=100, M=16)
        self.index.add_items(rows)
        self.index.set_ef(100)

    def nearest(self, question: Floats) -> list[int]:
        found: list[int] = self.index.knn_query(question, k=K)[0][0].tolist()
        return found


class Lance:
    def __init__(self, rows: Floats, folder: Path) -> None:
        table = importlib.import_module("lancedb").connect(str(folder))
        self.table = table.create_table("v", [{"id": place, "vector": row} for place, row in enumerate(rows)])
        self.table.create_index(metric="dot", num_partitions=256, num_sub_vectors=rows.shape[1] // 16)

    def nearest(self, question: Floats) -> list[int]:
        asked = self.table.search(question).distance_type("dot").nprobes(20).refine_factor(20).limit(K)
        return [row["id"] for row in asked.to_list()]


def others(rows: Floats, folder: Path) -> Iterator[tuple[str, Callable[[], Engine]]]:
    """The engines that are here, by name, each made when it is called."""
    lists = int(4 * np.sqrt(len(rows)))
    yield "numpy", lambda: Numpy(rows)
    yield "faiss IVF, 16 probes", lambda: Faiss(rows, f"IVF{lists},Flat", 16)
    yield "faiss SQ8", lambda: Faiss(rows, "SQ8")
    for name, module, make in (
        ("usearch", "usearch", lambda: Usearch(rows)),
        ("hnswlib", "hnswlib", lambda: Hnswlib(rows)),
        ("LanceDB", "lancedb", lambda: Lance(rows, folder)),
    ):
        if importlib.util.find_spec(module) is not None:
            yield name, make


def measure(library: Any, *, full: bool) -> dict[str, Any]:
    """Every row of the table. `library` is `bench.search.Library`, whose chunks these vectors belong to."""
    rows: list[dict[str, Any]] = []
    for count in (COUNT, FULL_COUNT)[: 2 if full else 1]:
        library.add_chunks(count)
        for dimension, (shape, make) in itertools.product(
            DIMENSIONS, (("clustered", clustered), ("copies", noisy_copies))
        ):
            rows += compare(library, shape, make(count, dimension, 1), make(QUESTIONS, dimension, 2))
    said = sentences(FULL_SENTENCES if full else SENTENCES)
    rows += compare(library, "sentences", *embedded(said))
    ours = [row for row in rows if row["engine"] == "ours"]
    fixed = {(row["shape"], row["n"], row["dimension"]): row["ms"] for row in rows if row["engine"] == f"ours, {FIXED}"}
    times = max(row["ms"] / fixed[row["shape"], row["n"], row["dimension"]] for row in ours if row["n"] <= COUNT)
    recall = min(row["recall"] for row in ours)
    return {"rows": rows, "recall": recall, "times_fixed": times, "ok": recall >= RECALL and times <= TIMES_FIXED}


def embedded(said: list[str]) -> tuple[Floats, Floats]:
    """Sentences by the local model: those to be found, and the last sixty as questions."""
    from embeddings.providers.local import LocalProvider

    provider = LocalProvider(LocalProvider.default_key())
    rows = provider.embed(said, purpose="index")
    return rows[:-QUESTIONS], rows[-QUESTIONS:]


def compare(library: Any, shape: str, data: Floats, asked: Floats) -> list[dict[str, Any]]:
    """All engines on these vectors, question by question in turn."""
    from embeddings.models import Chunk
    from embeddings.searching import semantic

    count, dimension = data.shape
    library.add_chunks(count)
    space, _ = library.add_space(count, data)
    places = {pk: place for place, pk in enumerate(Chunk.objects.order_by("pk").values_list("pk", flat=True)[:count])}
    folder = Path(tempfile.mkdtemp(dir=library.folder))
    usual_count = semantic.coarse_count

    def ours(question: Floats) -> list[int]:
        return [places[hit.chunk_id] for hit in semantic.nearest(space, question, semantic.SearchScope(), limit=K)]

    def with_fixed(question: Floats) -> list[int]:
        semantic.coarse_count = lambda dimension, vectors: FIXED
        try:
            return ours(question)
        finally:
            semantic.coarse_count = usual_count

    ways: dict[str, Callable[[Floats], list[int]]] = {}
    grew: dict[str, float] = {}
    for name, first in (("ours", ours), (f"ours, {FIXED}", with_fixed)):
        grew[name] = _growth(lambda first=first: first(asked[0])) / count  # type: ignore[misc]
        ways[name] = first
    for name, make in others(data, folder):
        made: list[Engine] = []
        grew[name] = _growth(lambda make=make, made=made: made.append(make())) / count  # type: ignore[misc]
        ways[name] = made[0].nearest
    calls: dict[str, Callable[[int], list[int]]] = {name: _at(way, asked) for name, way in ways.items()}
    timings = alternate(calls, queries=len(asked), rounds=2)
    truth = [set(Numpy(data).nearest(question)) for question in asked]
    print(f"\n{count:,} vectors of {dimension}, {shape}: recall at {K}, p50, bytes a vector in memory")
    found = []
    for name, way in ways.items():
        recall = float(
            np.mean([len(right & set(way(question))) / K for right, question in zip(truth, asked, strict=True)])
        )
        row = {"shape": shape, "n": count, "dimension": dimension, "engine": name, "recall": round(recall, 4)}
        found.append(row | {"ms": round(timings[name].p50_ms, 2), "bytes": round(grew[name])})
        print(f"  {name:22} {recall:.4f} {timings[name].p50_ms:8.2f} ms {grew[name]:7.0f}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _at(way: Callable[[Floats], list[int]], asked: Floats) -> Callable[[int], list[int]]:
    """The way by the question's number."""
    return lambda number: way(asked[number])


def _growth(make: Callable[[], object]) -> int:
    """By how much making it grew this process."""
    process = psutil.Process()
    before = int(process.memory_info().rss)
    make()
    return max(0, int(process.memory_info().rss) - before)
