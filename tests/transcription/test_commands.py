"""`manage.py transcribe` and `download_model`: thin doors with an exit status."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from files.models import File
from jobs.models import Job
from tests.transcription.factories import make_file, new_transcript
from tests.transcription.hub import serving
from tests.transcription.voices import voice, write_wav
from transcription.models import Transcript
from transcription.writing import save_transcript

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _whisper(folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models)
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")


@pytest.fixture
def talk(folders: Path) -> File:
    (folders / "media").mkdir()
    write_wav(folders / "media" / "talk.wav", voice(6))
    return make_file(
        folders / "media", "talk.wav", media_type="audio", audio_codec="pcm", duration_s=6.0, sampled_hash="a1"
    )


def run(*words: Any) -> str:
    out = StringIO()
    call_command(*map(str, words), stdout=out)
    return out.getvalue()


def test_transcribes_here_and_says_what_came_of_it(talk: File) -> None:
    said = run("transcribe", talk.pk, "--model", "small")

    assert "[1/1]" in said
    assert "2 segments, de" in said
    assert Transcript.objects.get().model == "small"


def test_a_filter_takes_what_is_missing_and_json_counts(talk: File) -> None:
    done = make_file(talk.root.path, "done.wav", media_type="audio")
    save_transcript(done, new_transcript("done"))

    answer = json.loads(run("transcribe", "--filter", "has_transcript=false", "--background", "--json"))

    assert (answer["total"], answer["queued"]) == (1, 1)
    assert Job.objects.get().subject_id == talk.pk


def test_a_dry_run_changes_nothing(talk: File) -> None:
    make_file(talk.root.path, "mute.mp4", audio_codec="")

    said, as_json = run("transcribe", "--all", "--dry-run"), run("transcribe", "--all", "--dry-run", "--json")

    assert "1 of 2 files" in said
    assert "1 of 2 files have no sound" in said
    assert json.loads(as_json)["todo"] == 1
    assert not Job.objects.exists()


def test_what_failed_is_an_exit_status(talk: File) -> None:
    with pytest.raises(SystemExit):
        run("transcribe", talk.pk, "--audio-track", "3")
    assert "no sound track 3" in Job.objects.get().error
    talk.local_path.unlink()

    with pytest.raises(SystemExit):
        run("transcribe", talk.pk)
    assert Job.objects.latest("pk").state == "queued"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give the ids"),
        (["1", "--all"], "not both"),
        (["--filter", "nonsense"], "NAME=VALUE"),
        (["--filter", "colour=red"], "Not a filter"),
        (["--all", "--language", "Klingon!"], "Use a code such as en"),
        (["--all", "--provider", "nobody"], "provider"),
        (["--all", "--model", "enormous"], "enormous"),
    ],
)
def test_bad_words_get_a_clear_message(talk: File, words: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("transcribe", *words)


def test_download_fetches_once_and_names_what_is_missing(
    folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", folders / "data" / "models")
    with serving(models / "faster-whisper-base") as hub:
        monkeypatch.setattr(settings, "WHISPER_WEIGHTS_URL", hub.url)
        said = run("download_model", "base")
        answer = json.loads(run("download_model", "--json"))

    assert "“base” are here, for faster-whisper" in said
    assert answer == {"model": "base", "engine": "faster-whisper", "enqueued": 0}
    with pytest.raises(CommandError, match=r"could not be fetched: .* cannot be reached"):
        run("download_model", "tiny")
