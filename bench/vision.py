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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: Ours must reach this part of bare onnxruntime's frames a second.
LEAST_OF_BARE = 0.8
#: A hundredth of what the nearest peer says: a megabyte for ten seconds.
MOST_BYTES_AN_HOUR = 3_600_000
LEAST_RECALL = 0.99
#: Frames an hour of a video whose shots are long: one every three and a half seconds.
FRAMES_AN_HOUR = 1030
SIZE = (455, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-vision-") as folder:
        _set_up(Path(folder))
        frames, rounds = (32, 3) if options.small else (64, 5)
        speeds = _speeds(Path(folder), frames, rounds)
        vectors = 40_000 if options.small else 360_000
        index = _index(vectors, rounds)
    ratios = {f"of_bare_{name}": row["ratio"] for name, row in speeds.items()} | index
    ok = (
        all(row["ratio"] >= LEAST_OF_BARE for row in speeds.values())
        and index["bytes_an_hour"] <= MOST_BYTES_AN_HOUR
        and index["recall_at_10"] >= LEAST_RECALL
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


def _index(count: int, rounds: int) -> dict[str, float]:
    """The frames of a library in the real index: its bytes, the search's time and recall."""
    from django.conf import settings
    from django.db import connection, transaction

    from embeddings.indexing import index, spaces
    from embeddings.models import Chunk
    from embeddings.searching import semantic
    from embeddings.searching.semantic import SearchScope
    from embeddings.vectors import SpaceKey
    from files.models import File, Root
    from vision.models import Frame

    random = np.random.default_rng(3)
    space = spaces.get_or_make(SpaceKey(provider="pictures", model="bench", dimension=512))
    root = Root.objects.create(path="/bench", name="bench")
    centres = random.standard_normal((2000, 512)).astype(np.float32)
    vectors = centres[random.integers(0, 2000, count)] + 0.7 * random.standard_normal((count, 512)).astype(np.float32)
    vectors[:, 0] += 3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    before = _size(settings.DATABASES["default"]["NAME"])
    for first in range(0, count, FRAMES_AN_HOUR):
        these = vectors[first : first + FRAMES_AN_HOUR]
        with transaction.atomic():
            file = File.objects.create(
                root=root, path=f"{first}.mp4", name=f"{first}.mp4", media_type="video", size_bytes=1, duration_s=3600.0
            )
            Frame.objects.bulk_create(
                Frame(file=file, n=n, at_s=n * 3.5, hash=bytes(8), still_offset=n * 15000, still_bytes=15000)
                for n in range(len(these))
            )
            chunks = Chunk.objects.bulk_create(
                Chunk(
                    file=file, source_kind="seen", source_id=file.pk, ordinal=n, start_s=n * 3.5, end_s=n * 3.5 + 3.5,
                    text="", content_hash=f"{first + n:032x}",
                )
                for n in range(len(these))
            )  # fmt: skip
            index.insert_vectors(space, chunks, these)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    per_hour = (_size(settings.DATABASES["default"]["NAME"]) - before) / count * FRAMES_AN_HOUR
    ids = np.array(list(Chunk.objects.order_by("pk").values_list("pk", flat=True)))
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
        hits += len(best & {one.chunk_id for one in found})
    recall = hits / (10 * len(questions))
    print(f"{count:,} frames: {per_hour / 1e6:.2f} MB of index an hour, stills {FRAMES_AN_HOUR * 15.7 / 1000:.0f} MB;")
    print(f"search p50 {1000 * statistics.median(took):.1f} ms, recall@10 {recall:.3f}")
    return {"bytes_an_hour": per_hour, "recall_at_10": recall, "search_ms": 1000 * statistics.median(took)}


def _size(path: str) -> int:
    return Path(path).stat().st_size


if __name__ == "__main__":
    main()
