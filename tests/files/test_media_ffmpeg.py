"""The door to ffmpeg: what it lets through, and how a run ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from django.conf import settings as django_settings

from files.errors import FfmpegFailedError, FfmpegMissingError, FfmpegStalledError, NoSpaceError
from files.media import ffmpeg, filter_graphs, profiles, sprites
from files.media.info import MediaInfo, VideoTrack
from jobs.errors import Cancelled
from tests import media

pytestmark = pytest.mark.usefixtures("whichever_ffmpeg")

#: An endless picture at the speed of life: as slow as a run can be, and its progress still advances.
ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10", "-f", "null", "-")


class Watcher:
    """A progress handle that does something with the first report, and collects all."""

    def __init__(self, act: Any = None) -> None:
        self.act = act
        self.fractions: list[float] = []

    def update(self, fraction: float, message: str = "") -> None:
        self.fractions.append(fraction)
        if self.act:
            self.act()

    def check(self) -> None:
        return None


def children() -> list[int]:
    """Process ids of the ffmpegs that this process started, by every thread of it. Helpers that decode stay."""
    started = [pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]
    return [int(pid) for pid in started if Path("/proc", pid, "comm").read_text().startswith("ffmpeg")]


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def convert(source: Path, target: Path) -> ffmpeg.Outcome:
    """A real run, past the probe that would refuse the source."""
    info = MediaInfo(
        media_type="video", container="", width=64, height=64, video=VideoTrack(codec="", width=64, height=64)
    )
    look = filter_graphs.PictureTreatment(
        profile=profiles.parse("720p15"), encoder="libx264", quality=ffmpeg.quality("libx264"), size=(64, 64),
        sprite=sprites.plan(2, 64, 64), can_tonemap=False,
    )  # fmt: skip
    arguments = filter_graphs.arguments(
        ffmpeg.source_args(source), info, filter_graphs.Targets(proxy=target), look=look, sound=None
    )
    return ffmpeg.run(arguments)


def test_playlist_named_mp4_reads_no_other_file(tmp_path: Path) -> None:
    media.make_clip(tmp_path / "private.ts", extra=("-f", "mpegts"))
    for name, text in (
        ("hls.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{tmp_path}/private.ts\n#EXT-X-ENDLIST\n"),
        ("relative.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nprivate.ts\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile private.ts\n"),
    ):
        (tmp_path / name).write_text(text)

        with pytest.raises(FfmpegFailedError):
            convert(tmp_path / name, tmp_path / "out.part")

        assert not (tmp_path / "out.part").exists()


def test_playlist_named_mp4_asks_no_server(tmp_path: Path, requests: tuple[str, list[str]]) -> None:
    address, asked = requests
    playlist = tmp_path / "net.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}/secret.ts\n#EXT-X-ENDLIST\n")

    with pytest.raises(FfmpegFailedError):
        convert(playlist, tmp_path / "out.part")

    assert asked == []


def test_an_ordinary_clip_goes_through_the_same_door(tmp_path: Path) -> None:
    outcome = convert(media.make_clip(tmp_path / "a.mp4", audio=False), tmp_path / "out.part")

    assert outcome.is_ended
    assert outcome.out_time_s == pytest.approx(2, abs=0.2)


def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    watcher = Watcher()
    source = ("-f", "lavfi", "-i", "testsrc2=size=640x360:duration=20")

    ffmpeg.run([*source, "-f", "null", "-"], duration_s=20, progress=watcher)

    assert watcher.fractions == sorted(watcher.fractions)
    assert watcher.fractions[-1] == 1.0


def test_failure_has_the_words_of_ffmpeg_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FfmpegFailedError, match="No such file") as caught:
        ffmpeg.run(["-i", f"file:{tmp_path}/none.mp4", "-f", "null", "-"])

    assert str(tmp_path) not in str(caught.value)
    assert not caught.value.retryable


def test_full_disk_is_named() -> None:
    with pytest.raises(NoSpaceError):
        ffmpeg.run(["-f", "lavfi", "-i", "testsrc2=duration=3", "-f", "matroska", "file:/dev/full"])


def test_cancel_ends_the_child_at_once() -> None:
    asked_at: list[float] = []

    def stop() -> None:
        asked_at.append(time.monotonic())
        raise Cancelled

    with pytest.raises(Cancelled):
        ffmpeg.run(ENDLESS, duration_s=1000, progress=Watcher(stop))

    # TERM is enough: KILL would come after five seconds.
    assert time.monotonic() - asked_at[0] < ffmpeg.TERM_PATIENCE_S
    assert children() == []


def test_child_killed_from_outside_may_be_tried_again() -> None:
    def kill() -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(FfmpegFailedError, match="ended from outside") as caught:
        ffmpeg.run(ENDLESS, duration_s=1000, progress=Watcher(kill))

    assert caught.value.retryable


def test_run_that_stands_still_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "TERM_PATIENCE_S", 0.3)
    pipe = tmp_path / "never.mp4"
    os.mkfifo(pipe)

    with pytest.raises(FfmpegStalledError, match="stood still") as caught:
        ffmpeg.run(["-i", f"file:{pipe}", "-f", "null", "-"], stall_s=0.5)

    assert caught.value.retryable
    assert children() == []


def test_run_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "LONGEST_AT_LEAST_S", 0.5)
    monkeypatch.setattr(ffmpeg, "LONGEST_RATIO", 1)

    with pytest.raises(FfmpegStalledError, match="took more than") as caught:
        ffmpeg.run(ENDLESS, duration_s=0.1)

    assert not caught.value.retryable


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_child_dies_with_a_parent_that_is_killed() -> None:
    script = (
        "import django; django.setup()\n"
        "from files.media import ffmpeg\n"
        "from tests.files.test_media_ffmpeg import ENDLESS, Watcher, children\n"
        "ffmpeg.run(ENDLESS, duration_s=1000, progress=Watcher(lambda: print(*children(), flush=True)))\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=django_settings.BASE_DIR, env=environment
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline().split()[0])
        parent.kill()
        parent.wait()

        assert wait_until(lambda: not is_running(child))


def wait_until(condition: Any, timeout_s: float = 10) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Makes a program that answers in place of ffmpeg."""

    def make(answer: str) -> str:
        path = tmp_path / "ffmpeg"
        path.write_text(f"#!/bin/sh\n{answer}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("echo 'ffmpeg version 5.1.9-0+deb12u1 Copyright'", (5, 1)),
        ("echo 'ffmpeg version n9.0.2-17-g2a57'", (9, 0)),
        ("echo 'ffmpeg version 4.4.2-0ubuntu0.22.04.1'", (4, 4)),
        ("echo 'ffmpeg version N-118000-gabc'", (99, 0)),
        ("echo 'something else'", (0, 0)),
        ("exit 3", (0, 0)),
    ],
)
def test_version_is_read(script: Any, answer: str, expected: tuple[int, int]) -> None:
    assert ffmpeg.version.__wrapped__(script(answer)) == expected


@pytest.mark.parametrize(("number", "is_taken"), [("4.4", False), ("5.1", True)])
def test_old_one_in_path_is_passed_over(
    script: Any, monkeypatch: pytest.MonkeyPatch, number: str, is_taken: bool
) -> None:
    own = script(f"echo 'ffmpeg version {number}'")
    monkeypatch.setenv("PATH", str(Path(own).parent) + os.pathsep + os.environ["PATH"])
    ffmpeg.version.cache_clear()

    assert (ffmpeg.find_program.__wrapped__("").path == own) is is_taken
    if not is_taken:
        assert "PATH has version 4.4, and 5.1 is the oldest" in ffmpeg.find_program.__wrapped__("").reason


def test_program_of_the_settings_must_be_there(script: Any) -> None:
    own = script("exit 0")

    assert ffmpeg.find_program.__wrapped__(own) == ffmpeg.Program(own, "named by FFMPEG_PATH")
    with pytest.raises(FfmpegMissingError, match="no program there"):
        ffmpeg.find_program.__wrapped__("/nowhere/ffmpeg")


def test_machine_without_any_ffmpeg_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise RuntimeError

    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)

    with pytest.raises(FfmpegMissingError, match="no ffmpeg") as caught:
        ffmpeg.find_program.__wrapped__("")

    assert "imageio-ffmpeg" in caught.value.remedy


def test_gpu_is_used_only_where_a_test_encode_works(script: Any) -> None:
    listed = "case \"$*\" in *-encoders*) echo ' V....D h264_nvenc  NVIDIA';; *nvenc*) {end};; esac"

    works = ffmpeg.proven_encoder.__wrapped__(script(listed.format(end="echo progress=end")))
    fails = ffmpeg.proven_encoder.__wrapped__(script(listed.format(end="exit 1")))

    assert (works, fails) == ("h264_nvenc", "libx264")
    assert ffmpeg.quality("h264_nvenc") != ffmpeg.quality("libx264")


@pytest.mark.parametrize(("wanted", "encoder"), [("cpu", "libx264"), ("h264_qsv", "h264_qsv")])
def test_encoder_can_be_set(settings: Any, wanted: str, encoder: str) -> None:
    settings.PROXY_ENCODER = wanted

    assert ffmpeg.h264_encoder() == encoder
