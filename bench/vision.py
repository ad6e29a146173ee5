"""Frames a second through each part of seeing, on models of real size with random weights, against bare onnxruntime on
ready tensors; bytes of the index an hour; and the search over 360,000 frames, beside the same number of texts.

`make bench-vision` (SMALL=1: fewer frames and rounds). Ours and the bare run alternate in one process.
"""

import argparse
import io
import json
import os
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

#: Ours must reach this part of bare onnxruntime's frames a second.
LEAST_OF_BARE = 0.8
#: A hundredth of what the nearest peer says: a megabyte for ten seconds.
MOST_BYTES_AN_HOUR = 3_600_000
LEAST_RECALL = 0.99
#: Both spaces may take this much of what as many texts take alone.
MOST_OF_TEXTS_ALONE = 1.5
#: Frames an hour of a video whose shots are long: one every three and a half seconds.
FRAMES_AN_HOUR = 1030
SIZE = (455, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--index-only", action="store_true", help="leave the models out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-vision-") as folder:
        _set_up(Path(folder))
        frames, rounds = (32, 3) if options.small else (64, 5)
        speeds = {} if options.index_only else _speeds(Path(folder), frames, rounds)
        vectors = 40_000 if options.small else 360_000
        index = _index(vectors, rounds)
    ratios = {f"of_bare_{name}": row["ratio"] for name, row in speeds.items()} | index
    ok = (
        all(row["ratio"] >= LEAST_OF_BARE for row in speeds.values())
        and index["bytes_an_hour"] <= MOST_BYTES_AN_HOUR
        and index["recall_at_10"] >= LEAST_RECALL
        and index["both_to_alone"] <= MOST_OF_TEXTS_ALONE
    )
    shown = {name: round(value, 4) for name, value in ratios.items()}
    print(json.dumps({"bench": "vision", "ok": ok, "ratios": shown, "cores": os.cpu_count(), "n": vectors}))


def _set_up(folder: Path) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="novaproject.settings", NOVAPROJECT_ENV_FILE="", SECRET_KEY="x" * 60, LOG_KEEP_DAYS="0",
        DATA_DIR=str(folder / "data"), UPLOAD_DIR=str(folder / "uploads"), PROXY_DIR=str(folder / "proxies"),
        DATABASE_URL=f"sqlite:///{folder / 'data' / 'app.db'}",
    )  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _stills(count: int) -> list[bytes]:
    from PIL import Image

    random = np.random.default_rng(1)
    made = []
    for _ in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (9, 16, 3), dtype=np.uint8))
        out = io.BytesIO()
        coarse.resize(SIZE, Image.Resampling.BICUBIC).save(out, "JPEG", quality=80)
        made.append(out.getvalue())
    return made


def _speeds(folder: Path, frames: int, rounds: int) -> dict[str, dict[str, float]]:
    """Stills to vectors, ours and bare, for both sizes of patches on one and two threads."""
    import onnxruntime
    from PIL import Image

    from bench.vision_model import DIMENSION, SIDE, write_vit
    from embeddings.providers.onnx_pictures import BATCH_PICTURES, _Pictures
    from embeddings.providers.onnx_sessions import OnnxModel
    from embeddings.providers.picture_preprocessing import PicturePreprocessing

    told = {"size": SIDE, "mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
    stills = _stills(frames)
    tensors = np.random.default_rng(2).standard_normal((frames, 3, SIDE, SIDE)).astype(np.float32)
    rows: dict[str, dict[str, float]] = {}
    for patch in (32, 16):
        path = write_vit(folder / f"b{patch}" / "model.onnx", patch=patch)
        for threads in (1, 2):
            half = _Pictures(OnnxModel(path, threads=threads), PicturePreprocessing.of(told))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            bare = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

            def ours(half: Any = half) -> None:
                for first in range(0, frames, BATCH_PICTURES):
                    batch = stills[first : first + BATCH_PICTURES]
                    pictures = [Image.open(io.BytesIO(still)).convert("RGB") for still in batch]
                    assert half.vectors(pictures).shape[1] == DIMENSION

            def ready(bare: Any = bare) -> None:
                for first in range(0, frames, BATCH_PICTURES):
                    bare.run(None, {"image": tensors[first : first + BATCH_PICTURES]})

            mine, theirs = _alternating(ours, ready, rounds)
            name = f"b{patch}_{threads}"
            rows[name] = {"ours": frames / mine, "bare": frames / theirs, "ratio": theirs / mine}
            print(f"ViT-B/{patch}, {threads} threads: ours {frames / mine:6.1f} frames/s, bare {frames / theirs:6.1f}")
    return rows


def _alternating(one: Callable[[], None], other: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Medians of seconds, each run beside the other."""
    times: tuple[list[float], list[float]] = ([], [])
    for call in (one, other):
        call()
    for _ in range(rounds):
        for place, call in enumerate((one, other)):
            began = time.perf_counter()
            call()
            times[place].append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


class GivenVectors:
    """A model that knows its questions: what a real one takes to read them is measured elsewhere."""

    is_paid: ClassVar[bool] = False
    floor: ClassVar[float] = 0.2
    name_floor: ClassVar[float] = 0.2
    #: float32 (dimension,) by dimension and question.
    known: ClassVar[dict[tuple[int, str], NDArray[np.float32]]] = {}

    def __init__(self, key: Any) -> None:
        self.key = key

    def fingerprint(self) -> str:
        return "bench"

    def problem(self) -> str:
        return ""

    def embed(self, texts: Sequence[str], *, purpose: str) -> NDArray[np.float32]:
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        dimension = self.key.dimension
        if (dimension, text) in self.known:
            return self.known[dimension, text]
        made = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(dimension).astype(np.float32)
        unit: NDArray[np.float32] = made / np.linalg.norm(made)
        return unit


class GivenPictures(GivenVectors):
    """The same for pictures."""

    def side(self) -> int:
        return 224

    def embed_pictures(self, pictures: Sequence[Any]) -> NDArray[np.float32]:
        raise NotImplementedError


def _made(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Unit vectors in 2,000 clusters with noise that no direction explains, and what all of a model have in common."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((2000, dimension)).astype(np.float32)
    vectors = centres[random.integers(0, 2000, count)]
    for first in range(0, count, 20_000):
        these = vectors[first : first + 20_000]
        these += 0.7 * random.standard_normal(these.shape, dtype=np.float32)
    vectors[:, 0] += 3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _fill(space: Any, vectors: NDArray[np.float32], *, kind: str) -> None:
    """Files of an hour each with frames, or with lines of a transcript, and their vectors in the real index."""
    from django.db import transaction

    from embeddings.indexing import index
    from embeddings.models import Chunk
    from embeddings.words.registry import word_index
    from files.models import File, Root
    from vision.models import Frame

    root, _ = Root.objects.get_or_create(path="/bench", defaults={"name": "bench"})
    words = np.random.default_rng(4).integers(0, 30_000, (len(vectors), 8)) if kind == "transcript" else None
    for first in range(0, len(vectors), FRAMES_AN_HOUR):
        these = vectors[first : first + FRAMES_AN_HOUR]
        name = f"{kind}-{first}.mp4"
        with transaction.atomic():
            file = File.objects.create(
                root=root, path=name, name=name, media_type="video", size_bytes=1, duration_s=3600.0
            )
            if words is None:
                Frame.objects.bulk_create(
                    Frame(file=file, n=n, at_s=n * 3.5, hash=bytes(8), still_offset=n * 15000, still_bytes=15000)
                    for n in range(len(these))
                )
            chunks = Chunk.objects.bulk_create(
                Chunk(
                    file=file, source_kind=kind, source_id=file.pk, ordinal=n, start_s=n * 3.5, end_s=n * 3.5 + 3.5,
                    text="" if words is None else " ".join(f"w{word}" for word in words[first + n]),
                    content_hash=f"{first + n:032x}",
                )
                for n in range(len(these))
            )  # fmt: skip
            if words is not None:
                word_index().add((chunk.pk, chunk.text) for chunk in chunks)
            index.insert_vectors(space, chunks, these)


def _index(count: int, rounds: int) -> dict[str, float]:
    """The frames of a library in the real index: its bytes, the search's time and recall, also beside as many texts."""
    from django.conf import settings
    from django.db import connection

    from embeddings.indexing import spaces
    from embeddings.models import Chunk
    from embeddings.searching import semantic
    from embeddings.searching.semantic import SearchScope
    from embeddings.vectors import SpaceKey

    settings.EMBEDDING_PROVIDERS = {"bench": f"{__name__}.GivenVectors", "frames": f"{__name__}.GivenPictures"}
    space = spaces.get_or_make(SpaceKey(provider="frames", model="bench", dimension=512))
    vectors = _made(count, 512, seed=3)
    before = _size(settings.DATABASES["default"]["NAME"])
    _fill(space, vectors, kind="seen")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    per_hour = (_size(settings.DATABASES["default"]["NAME"]) - before) / count * FRAMES_AN_HOUR
    ids = np.array(list(Chunk.objects.order_by("pk").values_list("pk", flat=True)))
    random = np.random.default_rng(5)
    questions = vectors[random.integers(0, count, 20 * rounds)] + 0.03 * random.standard_normal(
        (20 * rounds, 512)
    ).astype(np.float32)
    questions /= np.linalg.norm(questions, axis=1, keepdims=True)
    semantic.nearest(space, questions[0], SearchScope(), limit=10)
    took, hits = [], 0
    for question in questions:
        began = time.perf_counter()
        found = semantic.nearest(space, question, SearchScope(), limit=10)
        took.append(time.perf_counter() - began)
        best = set(ids[np.argpartition(-(vectors @ question), 10)[:10]].tolist())
        hits += len(best & {hit.chunk_id for hit in found})
    recall = hits / (10 * len(questions))
    print(f"{count:,} frames: {per_hour / 1e6:.2f} MB of index an hour, stills {FRAMES_AN_HOUR * 15.7 / 1000:.0f} MB;")
    print(f"search p50 {1000 * statistics.median(took):.1f} ms, recall@10 {recall:.3f}", flush=True)
    of_both = _both(space, questions, count)
    return {"bytes_an_hour": per_hour, "recall_at_10": recall, "search_ms": 1000 * statistics.median(took), **of_both}


def _both(pictures: Any, questions: NDArray[np.float32], count: int) -> dict[str, float]:
    """The whole search over as many texts alone, and with the frames beside them, question by question in turn."""
    from embeddings.indexing import spaces
    from embeddings.models import Space
    from embeddings.searching import calibration
    from embeddings.searching.search import search
    from embeddings.vectors import SpaceKey

    texts = spaces.get_or_make(SpaceKey(provider="bench", model="bench", dimension=384))
    vectors = _made(count, 384, seed=6)
    _fill(texts, vectors, kind="transcript")
    spaces.switch_to(texts)
    calibration.learn_if_due(texts)
    random = np.random.default_rng(7)
    asked = [" ".join(f"w{word}" for word in random.integers(0, 30_000, 4)) for _ in questions]
    for text, of_frames, of_text in zip(asked, questions, random.integers(0, count, len(asked)), strict=True):
        GivenVectors.known[512, text] = of_frames
        GivenVectors.known[384, text] = vectors[of_text]

    def alone(text: str) -> None:
        Space.objects.filter(pk=pictures.pk).update(is_used_for_pictures=False)
        began = time.perf_counter()
        search(text)
        times[0].append(time.perf_counter() - began)

    def both(text: str) -> None:
        Space.objects.filter(pk=pictures.pk).update(is_used_for_pictures=True)
        began = time.perf_counter()
        kinds = search(text).counts
        times[1].append(time.perf_counter() - began)
        seen.append("seen" in kinds)

    times: tuple[list[float], list[float]] = ([], [])
    seen: list[bool] = []
    both(asked[0])
    times[1].clear()
    for text in asked:
        alone(text)
        both(text)
    of_alone, of_both = (1000 * statistics.median(each) for each in times)
    print(f"{count:,} texts alone {of_alone:.1f} ms, with as many frames beside them {of_both:.1f} ms")
    return {
        "texts_alone_ms": of_alone,
        "both_ms": of_both,
        "both_to_alone": of_both / of_alone,
        "seen": sum(seen) / len(seen),
    }


def _size(path: str) -> int:
    return Path(path).stat().st_size


if __name__ == "__main__":
    main()
