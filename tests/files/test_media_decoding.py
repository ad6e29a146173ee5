"""What may be a bomb is decoded elsewhere, and takes nobody along."""

import os
import resource
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from files.errors import FfmpegFailedError, NotPictureError, TooManyPixelsError, UnreadableError
from files.media import decoding, ffmpeg
from files.media.decoding import Helper
from jobs import child_processes, no_network

LIMITED = """
import resource, sys
from jobs import child_processes
child_processes.limit_memory(300_000_000)
try:
    held = bytearray(1_000_000_000)
except MemoryError:
    print("refused")
"""


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def png_of_zeros(path: Path, side: int) -> Path:
    """A small PNG whose pixels fill gigabytes."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side * 4)) for _ in range(side)) + packer.flush()
    header = side.to_bytes(4, "big") * 2 + bytes([8, 6, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_a_poster_is_made_in_a_helper_and_the_same_one_again(tmp_path: Path) -> None:
    Image.new("RGB", (64, 32), (200, 80, 60)).save(tmp_path / "red.png")

    poster = decoding.poster_of_image(tmp_path / "red.png")
    helper = decoding._helper()

    assert poster.content.startswith(b"\xff\xd8")
    assert helper.is_alive
    assert decoding._helper() is helper
    helper.end()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_picture_that_unpacks_to_gigabytes_is_refused_and_the_helper_goes_on(tmp_path: Path) -> None:
    bomb = png_of_zeros(tmp_path / "bomb.png", 13_000)
    Image.new("RGB", (64, 32)).save(tmp_path / "good.png")
    assert bomb.stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with Helper(600_000_000) as helper:
        with pytest.raises(UnreadableError, match=r"bomb\.png"):
            helper.do("poster_of_image", bomb)
        if helper.is_alive:
            assert helper.do("poster_of_image", tmp_path / "good.png").content

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_what_kills_the_helper_is_an_error_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    with Helper() as helper:
        os.kill(helper._process.pid, 9)

        with pytest.raises(UnreadableError, match=r"clip\.mp4 is damaged: the program that reads it crashes"):
            helper.do("probe", tmp_path / "clip.mp4")


def test_what_the_helper_says_is_raised_here(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_bytes(b"no picture")

    with Helper() as helper, pytest.raises(UnreadableError, match=r"note\.png is no picture any more"):
        helper.do("poster_of_image", tmp_path / "note.png")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_beyond_the_limit_is_not_had() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    child = subprocess.run(
        [sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=child_processes.dying_with_parent(memory_bytes=123_000_000),
    )

    assert (done.stdout, child.stdout) == ("refused\n", "123000000\n")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something on this machine that can be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.skipif(not no_network.is_deniable(), reason="this system cannot deny a process the network")
def test_ffmpeg_reaches_nobody_whatever_it_is_told(listener: socket.socket) -> None:
    address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"

    with pytest.raises(FfmpegFailedError):
        ffmpeg.run(["-i", address, "-f", "null", "-"])

    assert not was_called(listener)


@pytest.mark.skipif(not no_network.is_deniable(), reason="this system cannot deny a process the network")
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_child_without_network_opens_no_connection(listener: socket.socket, family: str) -> None:
    call = f"import socket; socket.socket(socket.{family}).connect(('127.0.0.1', {listener.getsockname()[1]}))"
    command = [sys.executable, "-c", call]
    offline = child_processes.dying_with_parent(is_offline=True)
    refused = subprocess.run(command, check=False, capture_output=True, text=True, preexec_fn=offline)

    assert "PermissionError" in refused.stderr
    assert not was_called(listener)

    if family == "AF_INET":
        subprocess.run(command, check=True, preexec_fn=child_processes.dying_with_parent())
        assert was_called(listener)


@pytest.mark.skipif(not no_network.is_deniable(), reason="this system cannot deny a process the network")
def test_a_helper_has_no_network(tmp_path: Path) -> None:
    with Helper() as helper:
        Image.new("RGB", (8, 8)).save(tmp_path / "red.png")
        helper.do("poster_of_image", tmp_path / "red.png")
        status = Path(f"/proc/{helper._process.pid}/status").read_text()

    assert "Seccomp:\t2" in status


def test_probing_is_done_in_a_helper(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Helper, "do", lambda self, task, path, **options: asked.append((task, path.name)))

    decoding.media_info(clip)
    decoding.media_info_once(clip)

    assert asked == [("probe", clip.name)] * 2
    decoding._helper().end()


def test_a_picture_with_more_pixels_than_wanted_is_told_from_one_that_is_none(tmp_path: Path) -> None:
    Image.new("RGB", (64, 32)).save(tmp_path / "large.png")
    (tmp_path / "note.png").write_bytes(b"no picture")

    with pytest.raises(TooManyPixelsError):
        decoding.small_picture_once(tmp_path / "large.png", most_pixels=2000)
    with pytest.raises(NotPictureError):
        decoding.small_picture_once(tmp_path / "note.png", most_pixels=2000)
    assert decoding.small_picture_once(tmp_path / "large.png", most_pixels=3000).startswith(b"\xff\xd8")
