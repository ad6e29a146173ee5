"""The whole line, with originals where nothing may be written."""

import os
import time
from pathlib import Path

import pytest

from embeddings.searching.search import search
from files.import_tasks import import_now
from files.models import File, Proxy
from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests import media

SUBTITLES = "1\n00:00:00,500 --> 00:00:01,500\nThe lighthouse keeper waves\n"


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Name, mode, time and content of everything in a folder, and of the folder itself."""
    found = {
        path.name: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.iterdir())
    }
    return {**found, ".": (folder.stat().st_mode, folder.stat().st_mtime_ns, b"")}


@pytest.mark.django_db(transaction=True)
def test_whole_line_reads_a_read_only_folder_and_leaves_it_as_it_was(folders: Path) -> None:
    drive = folders / "drive"
    media.make_clip(drive / "harbour.mp4", seconds=2)
    media.make_image(drive / "photo.jpg")
    (drive / "harbour.srt").write_text(SUBTITLES)
    long_ago = time.time() - 3600
    for path in drive.iterdir():
        os.utime(path, (long_ago, long_ago))
        path.chmod(0o440)
    drive.chmod(0o550)
    before = state_of(drive)
    try:
        import_now(drive)
        run_until_idle()
        answer = search("lighthouse", mode="keyword")
        after = state_of(drive)
    finally:
        drive.chmod(0o750)

    assert after == before
    assert list(Job.objects.exclude(error="").values_list("kind", "error")) == []
    assert Proxy.objects.count() == 1
    [hit] = [hit for hit in answer.results if hit.kind == "transcript"]
    assert (hit.file_name, hit.start_s) == ("harbour.mp4", 0.5)
    assert File.objects.count() == 2
