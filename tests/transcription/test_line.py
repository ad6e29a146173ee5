"""From a file that is ready to a settled transcript: subtitle file, Whisper, or a reason why not."""

import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError

from files.errors import NoSuchTrackError
from files.media.probe import probe
from files.models import File, Root
from files.signals import media_ready, root_scanned
from jobs.execution import running
from jobs.models import Batch, Job, Notice
from jobs.notices import standing
from tests.media import run_ffmpeg
from tests.transcription.factories import make_file, new_transcript, settled
from tests.transcription.hub import serving
from tests.transcription.voices import noise, silence, voice, write_wav
from transcription import weights_wait
from transcription.errors import NoSoundError, ProviderNotReadyError
from transcription.models import Transcript
from transcription.tasks import request_download, request_transcription
from transcription.transcribe import TranscriptionRequest, transcribe
from transcription.writing import correct_segments, save_transcript

pytestmark = pytest.mark.django_db

SRT = "1\n00:00:01,000 --> 00:00:03,000\nGood morning\n"


@pytest.fixture(autouse=True)
def _whisper(folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models)
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")
    # The floors above would add their own jobs.
    monkeypatch.setattr(settings, "IMPORT_STEPS", ["proxy", "transcribe"])


@pytest.fixture
def no_weights(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = folders / "data" / "models" / "whisper"
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", place)
    return place


@pytest.fixture
def talk(folders: Path) -> File:
    """A sound file of six seconds of speech, where it lies."""
    (folders / "media").mkdir()
    write_wav(folders / "media" / "talk.wav", voice(6))
    return make_file(
        folders / "media", "talk.wav", media_type="audio", audio_codec="pcm_s16le", duration_s=6.0, sampled_hash="a1"
    )


def ready(file: File) -> list[tuple[int, int | None, str]]:
    """Say that the file is ready, and do what follows; returns what was settled."""
    with settled() as news:
        media_ready.send(File, file=file, reason="")
        running.run_until_idle()
    return news


@pytest.fixture(autouse=True)
def _commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to happen after commit happens at once: the tests run inside a transaction."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_: run())


# --- what an import goes on to do ---------------------------------------------------------------------------------


def test_what_is_said_after_the_length_that_a_container_guesses_is_heard(folders: Path) -> None:
    """An MP3 of varying rate and without a header: noise at first makes its length look half as long."""
    place = folders / "media"
    place.mkdir()
    wav = write_wav(place / "talk.wav", noise(10), silence(20), voice(6))
    run_ffmpeg("-i", wav, "-c:a", "libmp3lame", "-q:a", "6", "-write_xing", "0", place / "talk.mp3")
    guessed = probe(place / "talk.mp3").duration_s or 0.0
    file = make_file(place, "talk.mp3", media_type="audio", audio_codec="mp3", duration_s=guessed, sampled_hash="a1")

    transcript = transcribe(file, TranscriptionRequest())

    assert guessed < 28
    assert [row.start_s > guessed for row in transcript.segments.all()] == [True, True]


def test_a_subtitle_file_becomes_the_transcript_at_once(talk: File) -> None:
    (talk.local_path.parent / "talk.EN.srt").write_text(SRT)

    news = ready(talk)

    transcript = Transcript.objects.get()
    assert news == [(talk.pk, transcript.pk, "")]
    assert (transcript.provider, transcript.language, transcript.text) == ("sidecar", "en", "Good morning")
    assert transcript.is_current
    assert not Job.objects.exists()


def test_else_whisper_listens(talk: File) -> None:
    news = ready(talk)

    transcript = Transcript.objects.get()
    assert news == [(talk.pk, transcript.pk, "")]
    assert (transcript.provider, transcript.engine, transcript.model) == ("whisper", "faster-whisper", "base")
    assert transcript.text == "Ask not what your country can do for you"
    assert (transcript.language, transcript.source_hash, transcript.word_count) == ("en", "a1", 9)
    assert transcript.took_s
    assert Job.objects.get().message == "2 segments, en"


def test_the_sound_of_the_proxys_decode_is_used_where_it_is(talk: File, folders: Path) -> None:
    from files.media import derived

    place = folders / "data" / "derived" / str(talk.pk)
    place.mkdir(parents=True)
    shutil.copy(talk.local_path, place / "audio.flac")
    derived.write_made(talk.pk, derived.DerivedManifest(source_hash="a1", audio_track=0, names=("audio.flac",)))
    talk.local_path.unlink()

    ready(talk)

    assert Transcript.objects.get().segment_count == 2


def test_a_second_time_nothing_is_done_again(talk: File) -> None:
    ready(talk)

    news = ready(talk)

    assert news == [(talk.pk, Transcript.objects.get().pk, "")]
    assert Job.objects.count() == 1


def test_changed_content_is_heard_again(talk: File) -> None:
    ready(talk)
    File.objects.filter(pk=talk.pk).update(sampled_hash="b2")
    talk.refresh_from_db()

    ready(talk)

    assert Transcript.objects.get().source_hash == "b2"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"media_type": "image", "audio_codec": ""}, "not for images"), ({"audio_codec": ""}, "no sound")],
)
def test_what_cannot_be_heard_settles_with_the_reason(folders: Path, fields: dict[str, str], reason: str) -> None:
    file = make_file(folders, "still", **fields)

    assert ready(file) == [(file.pk, None, reason)]
    assert not Job.objects.exists()


def test_a_step_that_is_off_settles(talk: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "IMPORT_STEPS", ["proxy"])

    assert ready(talk) == [(talk.pk, None, "transcribing on import is switched off")]


def test_without_weights_there_is_one_notice_and_the_line_goes_on(talk: File, no_weights: Path) -> None:
    others = [make_file(talk.root.path, f"other{number}.wav") for number in range(3)]

    news = [line for file in (talk, *others) for line in ready(file)]

    (notice,) = standing()
    assert notice.key == "whisper-weights"
    assert "download_model base" in notice.remedy
    assert [line[:2] for line in news] == [(file.pk, None) for file in (talk, *others)]
    assert all("waiting" in line[2] for line in news)
    assert not Job.objects.exists()


def test_when_the_weights_arrive_what_waited_is_made(talk: File, no_weights: Path, models: Path) -> None:
    ready(talk)
    assert weights_wait.transcribe_what_waited() == 0

    no_weights.mkdir(parents=True)
    (no_weights / "faster-whisper-base").symlink_to(models / "faster-whisper-base")

    assert weights_wait.transcribe_what_waited() == 1
    assert not Notice.objects.exists()
    running.run_until_idle()
    assert Transcript.objects.get().segment_count == 2
    assert Batch.objects.get().jobs.count() == 1
    assert weights_wait.transcribe_what_waited() == 0


def test_what_waited_is_not_forgotten_by_a_worker_that_dies_on_the_way(
    talk: File, no_weights: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> int:
        raise OperationalError("database is locked")

    ready(talk)
    no_weights.mkdir(parents=True)
    (no_weights / "faster-whisper-base").symlink_to(models / "faster-whisper-base")
    with monkeypatch.context() as patched:
        patched.setattr(weights_wait, "enqueue_many", die)
        with pytest.raises(OperationalError):
            weights_wait.transcribe_what_waited()

    assert weights_wait.transcribe_what_waited() == 1


def test_download_fetches_them_and_makes_what_waited(
    talk: File, no_weights: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(talk)
    with serving(models / "faster-whisper-base") as hub:
        monkeypatch.setattr(settings, "WHISPER_WEIGHTS_URL", hub.url)
        request_download("base")
        running.run_until_idle()

    assert [job.state for job in Job.objects.all()] == ["succeeded", "succeeded"]
    assert Transcript.objects.get().text


def test_an_automatic_job_whose_weights_went_away_waits(
    talk: File, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_ready.send(File, file=talk, reason="")
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models / "gone")

    with settled() as news:
        running.run_until_idle()

    assert Job.objects.get().state == "succeeded"
    assert "waiting" in news[0][2]


def test_a_transcription_that_fails_settles_too(talk: File) -> None:
    talk.local_path.write_bytes(b"RIFF but broken")

    news = ready(talk)

    assert Job.objects.get().state == "failed"
    assert news[0][:2] == (talk.pk, None)
    assert news[0][2]


# --- subtitle files over time -------------------------------------------------------------------------------------


def scanned(file: File) -> None:
    """What follows a scan of the file's folder."""
    root_scanned.send(Root, root_id=file.root_id)
    running.run_until_idle()


def test_a_scan_in_a_shell_looks_for_subtitle_files_too(talk: File) -> None:
    call_command("scan", str(talk.root_id), stdout=StringIO())

    assert Job.objects.get(kind="read_sidecars").subject_id == talk.root_id


def test_a_changed_subtitle_file_is_read_again_on_a_scan(talk: File) -> None:
    sidecar = talk.local_path.with_suffix(".srt")
    sidecar.write_text(SRT)
    ready(talk)
    with settled() as news:
        scanned(talk)
        assert news == []
        sidecar.write_text(SRT.replace("morning", "evening"))
        os.utime(sidecar, ns=(1, 10**18))
        Job.objects.all().delete()
        scanned(talk)

    transcript = Transcript.objects.get()
    assert transcript.text == "Good evening"
    assert news == [(talk.pk, transcript.pk, "")]
    assert Job.objects.get().message == "1 transcript from subtitle files"


def test_a_new_subtitle_file_is_found_on_a_scan_and_a_gone_one_is_kept(talk: File) -> None:
    make_file(talk.root.path, "still.jpg", media_type="image")
    sidecar = talk.local_path.with_suffix(".vtt")
    sidecar.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n")
    scanned(talk)
    assert Transcript.objects.get().text == "Hi"

    sidecar.unlink()
    Job.objects.all().delete()
    scanned(talk)

    assert Transcript.objects.get().text == "Hi"


def test_a_subtitle_file_does_not_push_a_wanted_transcript_aside(talk: File) -> None:
    sidecar = talk.local_path.with_suffix(".srt")
    sidecar.write_text(SRT)
    ready(talk)
    made = save_transcript(talk, new_transcript("By Whisper"))

    sidecar.write_text(SRT + "\n")
    os.utime(sidecar, ns=(1, 10**18))
    scanned(talk)

    assert Transcript.objects.current_for(talk) == made


def test_an_unreadable_subtitle_file_is_passed_over(talk: File) -> None:
    talk.local_path.with_suffix(".srt").write_bytes(b"\x00\x01\x02 nothing")

    ready(talk)
    Job.objects.all().delete()
    scanned(talk)

    assert Transcript.objects.get().provider == "whisper"
    said = "1 could not be read: talk.srt holds no subtitle that can be read: it is no text."
    assert Job.objects.get(kind="read_sidecars").message.endswith(said)


# --- what a person asks for ---------------------------------------------------------------------------------------


def test_a_person_chooses_model_and_language(talk: File) -> None:
    request_transcription(talk, TranscriptionRequest(model="small", language="fr"))
    running.run_until_idle()

    transcript = Transcript.objects.get()
    assert (transcript.model, transcript.language) == ("small", "fr")


def test_force_keeps_corrections(talk: File) -> None:
    first = transcribe(talk, TranscriptionRequest())
    correct_segments(first, {first.segments.get(index=0).pk: "Ask what you can do"})

    same, again = transcribe(talk, TranscriptionRequest()), transcribe(talk, TranscriptionRequest(force=True))

    assert same == again == first
    assert [s.text for s in again.segments.all()] == ["Ask what you can do", "can do for you"]


def test_choosing_an_earlier_one_makes_it_current_again(talk: File) -> None:
    first = transcribe(talk, TranscriptionRequest())
    save_transcript(talk, new_transcript("another", model="large"))

    transcribe(talk, TranscriptionRequest())

    assert Transcript.objects.current_for(talk) == first


def test_missing_weights_are_fetched_when_a_person_asks(
    talk: File, no_weights: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(models / "faster-whisper-base") as hub:
        monkeypatch.setattr(settings, "WHISPER_WEIGHTS_URL", hub.url)
        request_transcription(talk, TranscriptionRequest())
        running.run_until_idle()

    assert Transcript.objects.get().segment_count == 2


def test_a_file_where_nobody_speaks_says_no_speech(folders: Path) -> None:
    (folders / "media").mkdir()
    write_wav(folders / "media" / "quiet.wav", silence(3))
    file = make_file(folders / "media", "quiet.wav", media_type="audio", audio_codec="pcm_s16le", duration_s=3.0)

    request_transcription(file, TranscriptionRequest())
    running.run_until_idle()

    assert Job.objects.get().message == "No speech"
    assert Transcript.objects.get().notes == ["No speech."]


def test_a_track_that_is_not_there_is_named(talk: File) -> None:
    with pytest.raises(NoSuchTrackError) as caught:
        transcribe(talk, TranscriptionRequest(audio_track=7))

    assert "It has 1" in caught.value.remedy
    assert not list((settings.DATA_DIR / "derived").rglob("*.flac"))


def test_a_folders_rule_for_the_track_holds_for_files_that_have_it(talk: File) -> None:
    talk.root.audio_track = 7

    assert transcribe(talk, TranscriptionRequest()).segment_count == 2


def test_a_request_that_cannot_be_served_is_refused_at_the_door(talk: File) -> None:
    with pytest.raises(NoSoundError):
        request_transcription(make_file(talk.root.path, "still.jpg", media_type="image"), TranscriptionRequest())
    with pytest.raises(NoSoundError):
        request_transcription(make_file(talk.root.path, "mute.mp4", audio_codec=""), TranscriptionRequest())
    with pytest.raises(ProviderNotReadyError):
        request_transcription(talk, TranscriptionRequest(model="enormous"))
    assert not Job.objects.exists()
