"""Rows for the tests of this floor."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from files.models import File, Root
from transcription.segments import SpokenSegment
from transcription.signals import transcript_settled
from transcription.writing import NewTranscript


def make_file(folder: Path | str = "/media/talks", name: str = "talk.mp4", **fields: Any) -> File:
    """A video of ten seconds with sound, unless told otherwise; the file itself is not made."""
    root, _ = Root.objects.get_or_create(path=str(folder), defaults={"name": Path(folder).name})
    defaults = {"media_type": "video", "audio_codec": "aac", "duration_s": 10.0, "size_bytes": 1000}
    return File.objects.create(root=root, path=name, name=name, **{**defaults, **fields})


def segment(text: str, start_s: float = 0.0, end_s: float = 2.0, **more: Any) -> SpokenSegment:
    return SpokenSegment(start_s=start_s, end_s=end_s, text=text, **more)


def new_transcript(*texts: str, **more: Any) -> NewTranscript:
    """What Whisper heard: two seconds a text."""
    segments = [segment(text, index * 2.0, index * 2.0 + 2.0) for index, text in enumerate(texts)]
    defaults = {"provider": "whisper", "engine": "faster-whisper", "model": "base", "language": "en"}
    return NewTranscript(**{**defaults, "segments": segments, **more})


@contextmanager
def settled() -> Iterator[list[tuple[int, int | None, str]]]:
    """Collects (file id, transcript id or None, reason) of every `transcript_settled` inside the block."""
    news: list[tuple[int, int | None, str]] = []

    def receive(*, file: File, transcript: Any, reason: str, **_: Any) -> None:
        news.append((file.pk, transcript.pk if transcript else None, reason))

    transcript_settled.connect(receive, weak=False)
    try:
        yield news
    finally:
        transcript_settled.disconnect(receive)
