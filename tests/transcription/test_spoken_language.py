"""Which language is heard: guessed among those of the library or the folder, shown with its probability, asked anew."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from files.models import File
from files.selection import actions, facets, resolving
from jobs.models import Job
from jobs.progress import NO_PROGRESS
from tests.transcription.factories import make_file, new_transcript
from tests.transcription.voices import silence, voice, write_wav
from transcription import registry
from transcription.models import Transcript
from transcription.providers import engines, whisper
from transcription.providers.base import EngineRequest
from transcription.providers.engines import BlockTranscript, likeliest
from transcription.providers.whisper import WhisperProvider
from transcription.segments import SpokenSegment
from transcription.transcribe import TranscriptionRequest, transcribe
from transcription.writing import save_transcript

GUESSES = {"th": 0.4, "de": 0.2, "en": 0.05, "fr": 0.35}


@pytest.mark.parametrize(
    ("among", "best", "probability"),
    [((), "th", 0.4), (("de", "en"), "de", 0.8), (("en",), "en", 1.0), (("xx",), "th", 0.4)],
)
def test_the_guess_is_made_among_the_languages_in_question(
    among: tuple[str, ...], best: str, probability: float
) -> None:
    language, share = likeliest(GUESSES, among)

    assert language == best
    assert share == pytest.approx(probability)


class Scripted(engines.FasterWhisper):
    """An engine that guesses what it is told, block by block, and remembers what it was asked."""

    block_s = 4.0

    def __init__(self, *guesses: tuple[str, float]) -> None:
        self.guesses, self.asked = list(guesses), list[dict[str, Any]]()

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> engines.Loaded:
        return self

    @property
    def languages(self) -> tuple[str, ...]:
        return ("de", "en", "no")

    def count_tokens(self, text: str) -> int:
        return len(text)

    def transcribe(
        self, samples: Any, *, language: str = "", among: Sequence[str] = (), prompt: str = ""
    ) -> BlockTranscript:
        self.asked.append({"language": language, "among": list(among), "prompt": prompt})
        code, probability = (language, None) if language else self.guesses.pop(0)
        segment = SpokenSegment(start_s=0, end_s=2, text=f"in {code}", no_speech=0.1, confidence=0.9)
        return BlockTranscript(language=code, language_probability=probability, segments=iter([segment]))


@pytest.fixture
def long_talk(tmp_path: Path) -> Path:
    """Twelve seconds: three blocks."""
    return write_wav(tmp_path / "talk.wav", voice(3.5), silence(0.5), voice(3.5), silence(0.5), voice(3.5))


@pytest.fixture(autouse=True)
def _fresh(nothing_in_memory: Iterator[None]) -> None:
    return None


def hear(engine: Scripted, path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, **request: Any) -> Any:
    monkeypatch.setattr(whisper, "ENGINES", (engine,))
    monkeypatch.setattr("transcription.providers.whisper_run.LANGUAGE_BLOCK_S", 4.0)
    provider = WhisperProvider(model="base", model_dir=models, device="cpu")
    result = provider.transcribe(path, EngineRequest(**request), NO_PROGRESS)
    return result, list(result.segments)


def test_one_guess_holds_for_the_file_where_one_language_is_spoken(
    long_talk: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Scripted(("de", 0.55))

    result, segments = hear(engine, long_talk, models, monkeypatch)

    assert (result.language, result.language_probability) == ("de", 0.55)
    assert [asked["language"] for asked in engine.asked] == ["", *["de"] * (len(engine.asked) - 1)]
    assert {segment.language for segment in segments} == {""}


def test_a_file_in_two_languages_keeps_both(long_talk: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted(*[("de", 0.9), ("en", 0.95), ("de", 0.9), ("de", 0.9), ("de", 0.9)])

    result, segments = hear(engine, long_talk, models, monkeypatch, languages=("de", "en"))

    assert [segment.text for segment in segments][:3] == ["in de", "in en", "in de"]
    assert [segment.language for segment in segments][:3] == ["de", "en", "de"]
    assert (result.language, result.language_probability) == ("de", 0.9)


def test_an_unsure_guess_changes_no_language(long_talk: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted(*[("de", 0.9), ("en", 0.6), ("de", 0.9), ("de", 0.9)])

    _, segments = hear(engine, long_talk, models, monkeypatch, languages=("de", "en"))

    assert {segment.language for segment in segments} == {"de"}


def test_a_language_has_whispers_own_code(long_talk: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted()

    hear(engine, long_talk, models, monkeypatch, language="nb")

    assert {asked["language"] for asked in engine.asked} == {"no"}


def test_a_vocabulary_is_cut_to_what_the_model_takes_and_told(
    long_talk: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Scripted(("de", 0.9))
    terms = tuple(f"Term{number:02}" for number in range(50))

    result, _ = hear(engine, long_talk, models, monkeypatch, vocabulary=terms)

    prompt = engine.asked[0]["prompt"]
    assert prompt == ", ".join(terms[: prompt.count(",") + 1])
    assert 200 < len(prompt) <= 220
    assert result.notes == [f"The first {prompt.count(',') + 1} of 50 names and terms were given: more do not fit."]


# --- in the library -----------------------------------------------------------------------------------------------


@pytest.fixture
def talk(folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> File:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models)
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")
    (folders / "media").mkdir()
    write_wav(folders / "media" / "talk.wav", voice(6))
    return make_file(
        folders / "media", "talk.wav", media_type="audio", audio_codec="pcm_s16le", duration_s=6.0, sampled_hash="a1"
    )


@pytest.mark.django_db
def test_the_folders_language_is_heard_and_its_vocabulary_names_the_transcript(
    talk: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Scripted()
    monkeypatch.setattr(whisper, "ENGINES", (engine,))
    monkeypatch.setattr(settings, "WHISPER_VOCABULARY", ["Elsewhere"])
    talk.root.language, talk.root.vocabulary = "de-CH", ["Zephyrix", "Novaline"]
    talk.root.save()

    transcript = transcribe(talk, TranscriptionRequest())

    assert {(asked["language"], asked["prompt"]) for asked in engine.asked} == {("de", "Zephyrix, Novaline")}
    assert transcript.language == "de-CH"
    assert transcript.metadata["vocabulary"] == "Zephyrix, Novaline"
    assert actions.estimate("transcribe", resolving.resolve(filter={}), {}).todo == 0
    talk.root.vocabulary = ["Zephyrix"]
    talk.root.save()
    assert actions.estimate("transcribe", resolving.resolve(filter={}), {}).todo == 1


@pytest.mark.django_db
def test_a_paid_engine_without_a_vocabulary_is_not_asked_again_for_it(talk: File) -> None:
    assert [provider.takes_vocabulary for provider in registry.all_providers()] == [True, False]


@pytest.mark.django_db
def test_the_library_can_be_asked_for_a_language_and_for_doubt() -> None:
    german, swiss, doubtful, mixed = (
        make_file(name=f"{name}.mp4") for name in ("german", "swiss", "doubtful", "mixed")
    )
    save_transcript(german, new_transcript("Hallo", language="de", language_probability=0.98))
    save_transcript(swiss, new_transcript("Grüezi", language="de-CH"))
    save_transcript(doubtful, new_transcript("?", language="th", language_probability=0.4))
    save_transcript(mixed, new_transcript("Hello", "Hallo", language="en"))
    Transcript.objects.get(file=mixed).segments.filter(index=1).update(language="de")

    def names(**parameters: str) -> list[str]:
        return sorted(resolving.resolve(filter=parameters).values_list("name", flat=True))

    assert names(language="de") == ["german.mp4", "mixed.mp4", "swiss.mp4"]
    assert names(language="German") == names(language="deu") == names(language="de")
    assert names(language="de-ch") == ["swiss.mp4"]
    assert names(language_uncertain="true") == ["doubtful.mp4"]
    assert "doubtful.mp4" not in names(language_uncertain="false")
    assert [badge.text for badge in facets.badges(doubtful)] == ["Transcript", "Language?"]


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann", password="a long password"))
    return client


@pytest.mark.django_db
def test_one_click_listens_again_in_another_language(talk: File, person: Client) -> None:
    save_transcript(talk, new_transcript("?", language="th", language_probability=0.4))
    talk.root.languages = ["de", "en"]
    talk.root.save()

    page = person.get(f"/files/{talk.pk}/").content.decode()
    person.post(f"/files/{talk.pk}/listen-again/", {"language": "de"})

    assert "may be wrong" in page
    assert "40" in page
    assert '<button class="btn" name="language" value="de">German</button>' in page
    job = Job.objects.get(kind="transcribe")
    assert (job.subject_id, job.options) == (talk.pk, {"language": "de", "force": True})


@pytest.mark.django_db
def test_all_uncertain_ones_of_a_folder_are_heard_again_together(talk: File, person: Client) -> None:
    names = ("here/a.mp4", "here/b.mp4", "here/sure.mp4", "elsewhere/c.mp4")
    files = {name: make_file(talk.root.path, name, sampled_hash=name) for name in names}
    for name, file in files.items():
        sure = 0.99 if "sure" in name else 0.4
        save_transcript(file, new_transcript("?", language="th", language_probability=sure))

    page = person.get(f"/files/{files['here/a.mp4'].pk}/").content.decode()
    person.post(f"/files/{files['here/a.mp4'].pk}/listen-again/", {"language": "de", "folder": "1"})

    assert "All 2 uncertain ones of this folder" in page
    again = set(Job.objects.filter(kind="transcribe").values_list("subject_id", flat=True))
    assert again == {files["here/a.mp4"].pk, files["here/b.mp4"].pk}


@pytest.mark.django_db
def test_who_may_not_transcribe_may_not_listen_again(talk: File, client: Client) -> None:
    client.force_login(User.objects.create_user("bob", password="a long password"))

    assert client.post(f"/files/{talk.pk}/listen-again/", {"language": "de"}).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_guesses_of_before_are_taken_over(talk: File) -> None:
    migration = import_module("transcription.migrations.0006_probability_of_guesses")
    guessed = save_transcript(talk, new_transcript("?", language="th", metadata={"language_probability": 0.41}))
    given = save_transcript(talk, new_transcript("Hallo", model="small", language="de"))

    migration.take_over_guesses(apps, None)

    guessed.refresh_from_db()
    given.refresh_from_db()
    assert (guessed.language_probability, guessed.is_language_uncertain) == (0.41, True)
    assert given.language_probability is None
