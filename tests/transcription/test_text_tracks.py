"""Subtitles inside a container: from the file to its transcript, and on to Whisper where they cannot be read."""

from pathlib import Path

import pytest
from django.conf import settings

from files.media.probe import probe
from files.models import File
from files.signals import media_ready
from jobs.execution import running
from jobs.models import Job
from tests.media import run_ffmpeg
from tests.transcription.factories import make_file, settled
from transcription.models import SubtitleSource, Transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whichever_ffmpeg")]

SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n2\n00:00:03,000 --> 00:00:04,000\nAT&T is < 5 & größer\n"


@pytest.fixture(autouse=True)
def _at_once(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_: run())
    monkeypatch.setattr(settings, "IMPORT_STEPS", ["proxy"])
    (folders / "media").mkdir()


def movie(folder: Path, name: str, codec: str, *tracks: tuple[str, str, str]) -> File:
    """A clip of five seconds with these subtitles inside: text, language and dispositions each."""
    clip = folder / "media" / name
    args: list[str | Path] = ["-f", "lavfi", "-i", "testsrc2=duration=5:size=64x64:rate=5"]
    for number, (text, _, _) in enumerate(tracks):
        path = folder / f"{name}-{number}.srt"
        path.write_text(SRT.format(text))
        args += ["-i", path]
    args += ["-map", "0:v", *(word for number in range(len(tracks)) for word in ("-map", str(number + 1)))]
    for number, (_, language, disposition) in enumerate(tracks):
        args += [f"-metadata:s:s:{number}", f"language={language}", f"-disposition:s:{number}", disposition]
    run_ffmpeg(*args, "-c:v", "mpeg4", "-c:s", codec, clip)
    info = probe(clip)
    return make_file(
        folder / "media", name, duration_s=5.0, audio_codec="", sampled_hash=name, metadata=info.as_metadata()
    )


def ready(file: File) -> list[tuple[int, int | None, str]]:
    with settled() as news:
        media_ready.send(File, file=file, reason="")
        running.run_until_idle()
    return news


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "srt"), ("b.mkv", "ass"), ("c.mkv", "webvtt"), ("d.mp4", "mov_text"), ("e.mov", "mov_text")],
)
def test_a_text_track_becomes_the_transcript(folders: Path, name: str, codec: str) -> None:
    file = movie(folders, name, codec, ("Guten Morgen", "ger", "default"))

    news = ready(file)

    transcript = Transcript.objects.get()
    assert (transcript.provider, transcript.language, transcript.is_current) == ("text_track", "de", True)
    lines = [(row.start_s, row.end_s, row.text) for row in transcript.segments.all()]
    assert lines == [(1.0, 2.0, "Guten Morgen"), (3.0, 4.0, "AT&T is < 5 & größer")]
    assert news == [(file.pk, transcript.pk, "")]
    assert str(transcript.made_by) == "subtitles inside it"
    ready(file)
    assert Job.objects.count() == 1


def test_the_whole_goes_before_the_forced_and_the_folders_language_first(folders: Path) -> None:
    tracks = (("Sign", "eng", "forced"), ("Good morning", "eng", "0"), ("Guten Morgen", "ger", "0"))
    file = movie(folders, "many.mkv", "srt", *tracks)
    file.root.language = "de"
    file.root.save()

    ready(file)

    assert Transcript.objects.get().segments.all()[0].text == "Guten Morgen"
    listed = list(SubtitleSource.objects.values_list("origin", "name", "language", "state"))
    assert listed == [
        ("inside", "Track 3", "de", "used"), ("inside", "Track 2", "en", "other"), ("inside", "Track 1", "en", "other"),
    ]  # fmt: skip


def test_a_file_beside_it_goes_first(folders: Path) -> None:
    file = movie(folders, "both.mkv", "srt", ("inside", "eng", "0"))
    file.local_path.with_suffix(".srt").write_text(SRT.format("beside"))

    ready(file)

    assert Transcript.objects.get().provider == "sidecar"


def test_where_none_can_be_read_the_import_goes_on(folders: Path) -> None:
    file = movie(folders, "gone.mkv", "srt", ("Good morning", "eng", "0"))
    file.metadata["text_tracks"][0]["stream"] = 7
    file.save()

    news = ready(file)

    assert news == [(file.pk, None, "no sound")]
    assert not Transcript.objects.exists()
    assert SubtitleSource.objects.get().state == "unreadable"
    assert Job.objects.get().state == "succeeded"
