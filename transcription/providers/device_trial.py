"""Whether Whisper really runs on a device, tried and timed: half a minute through its acoustic half, without a word."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from transcription.providers.engines import Engine

RATE, HALF_MINUTE_S = 16_000, 30
#: Frames of half a minute, as every Whisper takes them.
FRAMES = 3_000
ROUNDS = 3


def seconds_a_second(engine: Engine, path: Path, *, device: str, threads: int) -> float:
    """Seconds of sound that this engine takes in a second on a device. Raises whatever the engine does."""
    loaded: Any = engine.load(path, device=device, compute_type="auto", threads=threads)
    run = (_of_faster_whisper if engine.name == "faster-whisper" else _of_openai_whisper)(loaded)
    run()  # what a device does once is not its speed
    began = time.perf_counter()
    for _ in range(ROUNDS):
        run()
    return ROUNDS * HALF_MINUTE_S / (time.perf_counter() - began)


def _of_faster_whisper(loaded: Any) -> Callable[[], object]:
    features = loaded.model.feature_extractor(np.zeros(RATE * HALF_MINUTE_S, np.float32))[:, :FRAMES]
    return lambda: np.asarray(loaded.model.encode(features))


def _of_openai_whisper(loaded: Any) -> Callable[[], object]:
    from whisper.audio import log_mel_spectrogram

    model = loaded.model
    mel = log_mel_spectrogram(np.zeros(RATE * HALF_MINUTE_S, np.float32), model.dims.n_mels)[:, :FRAMES]
    mel = (mel.half() if loaded.is_half else mel).to(model.device)[None]
    return lambda: model.embed_audio(mel).cpu()
