"""Word error rate and speed of Whisper's engines on real weights: `make bench-speech` (FULL=1: openai-whisper, too).

Recordings of people from NOVA_TEST_MEDIA where they are there, and sentences that espeak-ng says, each in the language
that is guessed; sentences of a trade with and without its vocabulary, by several voices. Ends with one line of JSON.
"""

import importlib.util
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
django.setup()

from files.media.probe import probe  # noqa: E402
from jobs.progress import NO_PROGRESS  # noqa: E402
from tests.transcription import real_weights  # noqa: E402
from tests.transcription.spoken import SENTENCES, TRADES, VOICES, say, text_of, word_error_rate  # noqa: E402
from transcription.providers.base import EngineRequest  # noqa: E402
from transcription.providers.whisper import WhisperProvider  # noqa: E402

SPOKEN_BY_PEOPLE = {
    "jfk.flac": "And so my fellow Americans ask not what your country can do for you, "
    "ask what you can do for your country.",
    "sr_english.wav": "1, 2, 3.",
}
ROUNDS = 3


@dataclass(frozen=True)
class Recording:
    name: str
    path: Path
    said: str
    language: str
    vocabulary: tuple[str, ...] = ()
    #: Heard once, in the language that is given: what counts is the vocabulary.
    is_trade: bool = False


def recordings(folder: Path) -> list[Recording]:
    media = Path(os.environ.get("NOVA_TEST_MEDIA", ""))
    if not os.environ.get("NOVA_TEST_MEDIA"):
        print("NOVA_TEST_MEDIA names no folder of recordings: only sentences that espeak-ng says are heard.")
    made = [
        Recording(name, media / name, said, "en") for name, said in SPOKEN_BY_PEOPLE.items() if (media / name).is_file()
    ]
    if shutil.which("espeak-ng"):
        for code, sentence in SENTENCES.items():
            made.append(Recording(f"espeak {code}", say(sentence, code, folder / f"{code}.wav"), sentence, code))
        for number, (code, sentence, terms) in enumerate(TRADES, start=1):
            for voice in VOICES:
                path = say(sentence, code, folder / f"trade{number}{voice}.wav", variant=voice)
                name = f"trade {number} {code}{voice}"
                made.append(Recording(name, path, sentence, code, is_trade=True))
                made.append(Recording(f"{name}, terms", path, sentence, code, terms, is_trade=True))
    else:
        print("espeak-ng is not installed: only recordings of people are heard.")
    return made


def measured(engine: str, recording: Recording, weights: Path) -> tuple[float, float, str, float | None]:
    """(word error rate, seconds of sound a second, language guessed, its probability), medians over the rounds."""
    provider = WhisperProvider(model="base", model_dir=weights, device="cpu", threads=len(os.sched_getaffinity(0)))
    duration_s = probe(recording.path).duration_s or 0.0
    request = EngineRequest(
        engine=engine,
        language=recording.language if recording.is_trade else "",
        duration_s=duration_s,
        vocabulary=recording.vocabulary,
    )
    speeds, error_rate, language, probability = [], 1.0, "", None
    for _ in range(1 if recording.is_trade else ROUNDS):
        began = time.monotonic()
        result = provider.transcribe(recording.path, request, NO_PROGRESS)
        heard = text_of(list(result.segments))
        speeds.append(duration_s / (time.monotonic() - began))
        error_rate, language, probability = (
            word_error_rate(recording.said, heard), result.language, result.language_probability,
        )  # fmt: skip
    return error_rate, statistics.median(speeds), language, probability


def means_of(rates: dict[str, float]) -> dict[str, float]:
    """The word error rates by recording; those of the trade's sentences as one figure without terms, and one with."""
    row = {name: rate for name, rate in rates.items() if not name.startswith("trade")}
    for name, is_with in (("trade", False), ("trade, terms", True)):
        trade = [rates[key] for key in rates if key.startswith("trade") and key.endswith(", terms") is is_with]
        if trade:
            row[name] = statistics.mean(trade)
    return {name: round(rate, 3) for name, rate in row.items()}


def main() -> None:
    if not real_weights.are_installed():
        print(real_weights.MISSING)
        print(json.dumps({"bench": "speech", "ok": False, "ratios": {}, "cores": os.cpu_count(), "n": 0}))
        return
    engines = ["faster-whisper"]
    if "--full" in sys.argv and importlib.util.find_spec("whisper") is not None:
        engines.append("openai-whisper")
    else:
        print("openai-whisper is not measured: it needs FULL=1 and the full requirements.")
    weights = real_weights.model_dir()
    rates: dict[str, dict[str, float]] = {}
    print(f"{'engine':16} {'recording':24} {'WER':>6} {'x real time':>12}  language")
    with tempfile.TemporaryDirectory() as folder:
        for recording in recordings(Path(folder)):
            for engine in engines:  # alternating, so that what else runs hinders both
                error_rate, speed, language, sure = measured(engine, recording, weights)
                rates.setdefault(engine, {})[recording.name] = error_rate
                guess = f"{language} ({sure:.2f})" if sure is not None else language
                print(f"{engine:16} {recording.name:24} {error_rate:6.2f} {speed:12.1f}  {guess}", flush=True)
    ratios = {engine: means_of(row) for engine, row in rates.items()}
    helped = all(row["trade, terms"] < row["trade"] for row in ratios.values() if "trade" in row)
    for engine, row in ratios.items():
        print(f"{engine}: " + ", ".join(f"{name} {rate:.2f}" for name, rate in row.items()))
    count = sum(map(len, rates.values()))
    print(json.dumps({"bench": "speech", "ok": helped, "ratios": ratios, "cores": os.cpu_count(), "n": count}))


if __name__ == "__main__":
    main()
