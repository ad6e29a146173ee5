"""How sure a guess of the language has to be: `make bench-languages`, on Whisper's real weights (base).

Sentences in fourteen languages, said by espeak-ng in several voices, clean and in noise, and recordings of people from
NOVA_TEST_MEDIA. For each threshold: of the wrong guesses, how many are told as uncertain; of the right ones, how many
are told so in vain. Ends with one line of JSON.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
django.setup()

from tests.transcription import real_weights  # noqa: E402
from transcription.audio import RATE, Samples, read_blocks  # noqa: E402
from transcription.models import CERTAIN_LANGUAGE  # noqa: E402
from transcription.providers.engines import FasterWhisper, Loaded  # noqa: E402

#: Of each language: two sentences, one short and one longer.
SAID = {
    "en": (
        "Good morning, where is the station?",
        "The weather is nice today and we are going to plant tulips before the frost comes.",
    ),
    "de": (
        "Guten Morgen, wo ist der Bahnhof?",
        "Das Wetter ist heute schön und wir pflanzen Tulpen, bevor der Frost kommt.",
    ),
    "es": (
        "Buenos días, ¿dónde está la estación?",
        "Hoy hace buen tiempo y vamos al jardín a plantar tulipanes antes de la helada.",
    ),
    "fr": (
        "Bonjour, où est la gare?",
        "Il fait beau aujourd'hui et nous allons planter des tulipes avant le gel.",
    ),
    "it": (
        "Buongiorno, dov'è la stazione?",
        "Oggi il tempo è bello e andiamo in giardino a piantare i tulipani prima del gelo.",
    ),
    "pt": (
        "Bom dia, onde fica a estação?",
        "O tempo está bom hoje e vamos ao jardim plantar tulipas antes da geada.",
    ),
    "nl": (
        "Goedemorgen, waar is het station?",
        "Het is vandaag mooi weer en we gaan tulpen planten voordat de vorst komt.",
    ),
    "pl": (
        "Dzień dobry, gdzie jest dworzec?",
        "Dzisiaj jest ładna pogoda i idziemy do ogrodu sadzić tulipany przed mrozem.",
    ),
    "ru": (
        "Доброе утро, где вокзал?",
        "Сегодня хорошая погода, и мы идём в сад сажать тюльпаны до мороза.",
    ),
    "sv": (
        "God morgon, var ligger stationen?",
        "Vädret är fint idag och vi ska plantera tulpaner innan frosten kommer.",
    ),
    "tr": (
        "Günaydın, istasyon nerede?",
        "Bugün hava güzel ve don gelmeden önce bahçeye lale dikmeye gidiyoruz.",
    ),
    "hu": (
        "Jó reggelt, hol van az állomás?",
        "Ma szép idő van, és kimegyünk a kertbe tulipánt ültetni a fagy előtt.",
    ),
    "el": (
        "Καλημέρα, πού είναι ο σταθμός;",
        "Σήμερα ο καιρός είναι καλός και πάμε στον κήπο να φυτέψουμε τουλίπες.",
    ),
    "hi": (
        "सुप्रभात, स्टेशन कहाँ है?",
        "आज मौसम अच्छा है और हम बगीचे में फूल लगाने जा रहे हैं।",
    ),
}
#: Variants of espeak-ng's voices, with their pitch and words a minute.
VOICES = (("", "50", "140"), ("+f3", "60", "150"), ("+m7", "35", "170"))
#: Loudness of the noise below that of the voice, in dB; None: clean.
NOISE_DB = (None, 10.0)
THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Recordings of people, and what they speak.
BY_PEOPLE = {"jfk.flac": "en", "sr_english.wav": "en", "friday.mp4": "en"}


@dataclass(frozen=True)
class Guess:
    spoken: str
    guessed: str
    probability: float

    @property
    def is_right(self) -> bool:
        return self.spoken == self.guessed


def recordings(folder: Path) -> Iterator[tuple[str, str, Samples]]:
    """Name, language and samples."""
    media = Path(os.environ.get("NOVA_TEST_MEDIA", ""))
    for name, code in BY_PEOPLE.items():
        if os.environ.get("NOVA_TEST_MEDIA") and (media / name).is_file():
            yield name, code, next(read_blocks(media / name, longest_s=60)).samples
    noise = np.random.default_rng(1).standard_normal(60 * RATE).astype(np.float32)
    path = folder / "said.wav"
    for code, sentences in SAID.items():
        for variant, pitch, pace in VOICES:
            voice = ("en-us" if code == "en" else code) + variant
            for sentence in sentences:
                options = ("-v", voice, "-p", pitch, "-s", pace, "-w", str(path))
                subprocess.run(["espeak-ng", *options, sentence], check=True)
                samples = next(read_blocks(path, longest_s=60)).samples
                loudness = float(np.sqrt(np.square(samples).mean()))
                for below_db in NOISE_DB:
                    level = 0.0 if below_db is None else loudness * 10 ** (-below_db / 20)
                    yield f"{voice}, {below_db} dB", code, samples + level * noise[: len(samples)]


def guesses(model: Loaded, folder: Path, among: tuple[str, ...]) -> list[Guess]:
    made = []
    for _, code, samples in recordings(folder):
        if among and code not in among:
            continue
        heard = model.transcribe(samples, among=among)
        made.append(Guess(code, heard.language, heard.language_probability or 0.0))
    return made


def table(made: list[Guess]) -> dict[str, tuple[float, float]]:
    """For each threshold: the share of wrong guesses below it, and of right ones."""
    shares = {}
    right = [guess.probability for guess in made if guess.is_right]
    wrong = [guess.probability for guess in made if not guess.is_right]
    print(f"{len(right)} right, {len(wrong)} wrong")
    for threshold in THRESHOLDS:
        caught, in_vain = (sum(p < threshold for p in ps) / max(1, len(ps)) for ps in (wrong, right))
        shares[str(threshold)] = (round(caught, 3), round(in_vain, 3))
        print(f"  below {threshold}: {caught:5.0%} of the wrong are told, {in_vain:5.0%} of the right in vain")
    return shares


def main() -> None:
    if not real_weights.are_installed() or shutil.which("espeak-ng") is None:
        print("This needs Whisper's real weights (requirements-speech.txt) and espeak-ng.")
        print(json.dumps({"bench": "languages", "ok": False, "ratios": {}, "cores": os.cpu_count(), "n": 0}))
        sys.exit(1)
    engine = FasterWhisper()
    path = engine.find("base", real_weights.model_dir())
    assert path is not None
    model = engine.load(path, device="cpu", compute_type="auto", threads=len(os.sched_getaffinity(0)))
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, among in (("among all", ()), ("among the four of the library", ("de", "en", "es", "fr"))):
            made = guesses(model, Path(folder), among)
            print(f"\nGuessed {name}:")
            for code in SAID:
                own = [guess for guess in made if guess.spoken == code]
                if own:
                    others = sorted({guess.guessed for guess in own if not guess.is_right})
                    print(f"  {code}: {sum(guess.is_right for guess in own)} of {len(own)}, else {', '.join(others)}")
            ratios[name] = table(made)
    caught, in_vain = ratios["among all"][str(CERTAIN_LANGUAGE)]
    count = sum(2 * len(VOICES) * len(NOISE_DB) for _ in SAID)
    ok = caught >= 0.8 and in_vain <= 0.5
    print(json.dumps({"bench": "languages", "ok": ok, "ratios": ratios, "cores": os.cpu_count(), "n": count}))


if __name__ == "__main__":
    main()
