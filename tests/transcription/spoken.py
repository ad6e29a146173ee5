"""Speech that espeak-ng says, how far a transcript is from what was said, and the sentences of the tests."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SENTENCES = {
    "en": "The weather is nice today and we are going to the garden to plant tulips before the frost comes.",
    "de": "Das Wetter ist heute schön und wir gehen in den Garten, um Tulpen zu pflanzen, bevor der Frost kommt.",
    "es": "Hoy hace buen tiempo y vamos al jardín a plantar tulipanes antes de la helada.",
}
#: A sentence with names that no dictionary has.
TRADE, TERMS = "The Novatrex engine was built by doctor Lindqvist in Malmo.", ("Novatrex", "Lindqvist")
#: More of them: language, sentence, names and terms. One sentence alone says little of what a vocabulary is worth.
TRADES = (
    ("en", TRADE, TERMS),
    ("en", "Ask Priya to set the Kaltwell pump to mode seven before the Zermani inspection.", ("Kaltwell", "Zermani")),
    ("en", "The Brightleaf grotto in Scottsdale uses two Aquaflo lights.", ("Brightleaf", "grotto", "Aquaflo")),
    ("de", "Der Kaltwell Verdichter von Herrn Lindqvist wird morgen in Herzogenrath geprüft.",
     ("Kaltwell", "Verdichter", "Lindqvist", "Herzogenrath")),
    ("es", "La bomba Novatrex de la doctora Lindqvist llega mañana a Zaragoza.", ("Novatrex", "Lindqvist", "Zaragoza")),
)  # fmt: skip
#: Variants of espeak-ng's voices.
VOICES = ("", "+f3", "+m7")


def say(text: str, language: str, path: Path, *, variant: str = "") -> Path:
    """A WAV file in which a synthetic voice says this; skips the test where there is no espeak-ng."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: no speech can be made")
    voice = ("en-us" if language == "en" else language) + variant
    subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "-w", str(path), text], check=True)
    return path


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation, doctors in full."""
    return re.findall(r"\w+", text.casefold().replace("dr.", "doctor"))


def word_error_rate(said: str, heard: str) -> float:
    """Words that were put in, left out or changed, by the words that were said. Source: Levenshtein's distance."""
    wanted, got = words_of(said), words_of(heard)
    row = list(range(len(got) + 1))
    for index, word in enumerate(wanted, start=1):
        before, row[0] = row[0], index
        for column, other in enumerate(got, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (word != other))
    return row[-1] / max(1, len(wanted))


def text_of(segments: Sequence[object]) -> str:
    """What segments say, in one line."""
    return " ".join(str(getattr(segment, "text", "")).strip() for segment in segments)
