"""A small real library for the browser: a clip with subtitles, a sound, and a name that means harm."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings

from files.import_tasks import import_now
from files.models import File
from jobs.execution.running import run_until_idle
from tests.files.factories import make_file, make_proxy_row, make_root
from tests.media import make_audio, make_clip
from transcription.models import Segment, Transcript

HOSTILE = "<img src=x onerror=alert(1)>.mp4"
CLIP_S = 9.0
LINES = (
    (0.5, 2.0, "The pond loses water every day."),
    (4.0, 6.0, "The dye is drawn into the liner seam."),
    (7.0, 8.5, "We patch it with a cover strip."),
)


@cache
def clip() -> Path:
    """One clip for all of these tests."""
    path = Path(mkdtemp(prefix="novaproject-e2e-")) / "clip.mp4"
    make_clip(path, seconds=CLIP_S)
    return path


def fill(folder: Path) -> None:
    """Write the files; nothing is imported yet."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(clip(), folder / "leak-hunt.mp4")
    cues = (f"{n}\n00:00:{a:06.3f} --> 00:00:{b:06.3f}\n{text}\n" for n, (a, b, text) in enumerate(LINES, start=1))
    (folder / "leak-hunt.srt").write_text("\n".join(cues).replace(".", ",", 0))
    shutil.copy(clip(), folder / HOSTILE)
    make_audio(folder / "talk.wav", seconds=2)


def run_the_line(folder: Path) -> dict[str, File]:
    """Import such a folder and do all that follows: proxies, transcripts, analyses, vectors. Takes seconds."""
    import_now(folder)
    run_until_idle()
    return {file.name: file for file in File.objects.all()}


def ready_file(folder: Path, name: str = "leak-hunt.mp4") -> File:
    """A file with a proxy that plays and a transcript, put there without any job."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(clip(), folder / name)
    file = make_file(make_root(folder), name, duration_s=CLIP_S, size_bytes=clip().stat().st_size)
    proxy = make_proxy_row(file)
    shutil.copy(clip(), Path(settings.PROXY_DIR) / proxy.path)
    transcript = Transcript.objects.create(file=file, provider="sidecar", language="en", text="words", is_current=True)
    for index, (start_s, end_s, text) in enumerate(LINES):
        Segment.objects.create(transcript=transcript, index=index, start_s=start_s, end_s=end_s, text=text)
    return file
