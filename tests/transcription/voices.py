"""Audio for the tests: a synthetic voice that voice detection takes for one, silence, and noise. 16 kHz mono."""

import os
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16_000
#: First three formants of some vowels, in Hz. Source: Peterson and Barney, 1952.
VOWELS = [(730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410), (300, 870, 2240)]
SYLLABLE_S = 0.22


def voice(duration_s: float, *, pitch_hz: float = 120.0) -> NDArray[np.float32]:
    """Syllables: a pulse train with a falling pitch through three resonators, with breaks between words."""
    samples = int(duration_s * RATE)
    out = np.zeros(samples)
    step = int(SYLLABLE_S * RATE)
    for index, start in enumerate(range(0, samples - step + 1, step)):
        if index % 4 != 3:
            out[start : start + step] = _syllable(
                VOWELS[(index * 7) % len(VOWELS)], pitch_hz * (1.1 - 0.02 * (index % 4))
            )
    return np.asarray(0.5 * out / max(np.abs(out).max(), 1e-9), dtype=np.float32)


def _syllable(formants: tuple[int, int, int], pitch_hz: float) -> NDArray[np.float64]:
    length = int(SYLLABLE_S * RATE)
    time = np.arange(length) / RATE
    sound = np.zeros(length)
    for harmonic in range(1, int(4000 / pitch_hz)):
        frequency = harmonic * pitch_hz
        gain = sum(1.0 / (1.0 + ((frequency - formant) / 80.0) ** 2) for formant in formants) + 0.02
        sound += gain / harmonic**0.5 * np.sin(2 * np.pi * frequency * time + 0.3 * np.sin(2 * np.pi * 5 * time))
    return np.asarray(sound * np.hanning(length) ** 0.5)


def silence(duration_s: float) -> NDArray[np.float32]:
    return np.zeros(int(duration_s * RATE), dtype=np.float32)


def noise(duration_s: float) -> NDArray[np.float32]:
    return (0.05 * np.random.default_rng(3).standard_normal(int(duration_s * RATE))).astype(np.float32)


def chord(duration_s: float, *notes_hz: float) -> NDArray[np.float32]:
    """These notes struck together, each with four overtones, fading as a piano's do."""
    time = np.arange(int(duration_s * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * note * over * time) / over**1.5 for note in notes_hz for over in range(1, 6))
    return np.asarray(0.2 * sound * np.exp(-1.5 * time), dtype=np.float32)


def write_wav(path: Path, *parts: NDArray[np.float32]) -> Path:
    """16-bit mono."""
    samples = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def sample_media(name: str) -> Path:
    """A clip of the sample media; skips the test where they are not there."""
    folder = os.environ.get("NOVA_TEST_MEDIA") or Path(__file__).resolve().parents[3] / "shared" / "media"
    path = Path(folder) / name
    if not path.is_file():
        pytest.skip(f"{name} is not here: set NOVA_TEST_MEDIA to the folder of sample media")
    return path
