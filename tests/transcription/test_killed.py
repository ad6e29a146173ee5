"""`kill -9` in the middle of listening: nothing half is there, and the next attempt makes it whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from files.models import File
from tests.transcription.factories import make_file
from tests.transcription.real_weights import ENGINES, model_dir
from tests.transcription.spoken import SENTENCES, say
from tests.transcription.voices import voice, write_wav
from transcription.models import Segment, Transcript
from transcription.transcribe import TranscriptionRequest, transcribe

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import sys, time
import django
django.setup()
from files.models import File
from transcription.transcribe import TranscriptionRequest, transcribe

class Slow:
    def update(self, fraction, message=""):
        print(message, flush=True)
        if message == "Listening":
            time.sleep(60)
    def check(self):
        return None

request = TranscriptionRequest(engine=sys.argv[2])
transcribe(File.objects.get(pk=int(sys.argv[1])), request, progress=Slow(), token="killed")
"""


def kill_while_it_listens(file: File, folders: Path, *, model: str = "base", engine: str = "") -> None:
    """A worker of its own begins to transcribe the file and is killed as soon as it listens."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "novaproject.settings",
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "DATA_DIR": str(folders / "data"),
        "WHISPER_MODEL_DIR": str(settings.WHISPER_MODEL_DIR),
        "WHISPER_MODEL": model,
        "WHISPER_DEVICE": "cpu",
    }
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(file.pk), engine],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            if line.strip() == "Listening":
                break
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL
    assert not Transcript.objects.exists()
    assert not Segment.objects.exists()


@pytest.mark.sqlite("its worker is given this file as database")
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_no_half_transcript(
    folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models)
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")
    (folders / "media").mkdir()
    write_wav(folders / "media" / "talk.wav", voice(6))
    file = make_file(
        folders / "media", "talk.wav", media_type="audio", audio_codec="pcm", duration_s=6.0, sampled_hash="a1"
    )

    kill_while_it_listens(file, folders)

    assert transcribe(file, TranscriptionRequest(), token="next").segment_count == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # torch warns
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ENGINES)
def test_real_speech_is_heard_whole_after_a_kill(folders: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", model_dir())
    monkeypatch.setattr(settings, "WHISPER_MODEL", "tiny.en")
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")
    (folders / "media").mkdir()
    said = say(SENTENCES["en"], "en", folders / "media" / "said.wav")
    file = make_file(said.parent, said.name, media_type="audio", audio_codec="pcm", duration_s=6.0, sampled_hash="a1")

    kill_while_it_listens(file, folders, model="tiny.en", engine=engine)

    transcript = transcribe(file, TranscriptionRequest(engine=engine), token="next")
    assert transcript.engine == engine
    assert "garden" in transcript.text
    assert "frost" in transcript.text
