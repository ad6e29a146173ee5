"""The one door to the ffmpeg program: found, started, watched, ended."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from files import conf
from files.errors import FfmpegFailedError, FfmpegMissingError, FfmpegStalledError, NoSpaceError
from files.media.info import FORMATS, MAX_VIDEO_PIXELS
from jobs import child_processes
from jobs.progress import NO_PROGRESS, Progress

#: The oldest that is supported: 5.1 brought `-fps_mode`. An older one in PATH is passed over.
MINIMUM_VERSION = (5, 1)
#: No advance for this long is a stall. A sleeping drive needs up to 30 s to spin up.
STALL_S = 120.0
#: The whole run may take this many times the clip's length; 4K on two slow cores stays well below.
LONGEST_RATIO, LONGEST_AT_LEAST_S = 60, 900
TERM_PATIENCE_S = 5.0
TICK_S = 0.5
STDERR_LINES = 200
#: 8K with sixteen frames of reference, decoded by as many threads, stays below; what asks for more is a bomb.
MOST_MEMORY_BYTES = 8 * 1024**3
_DAMAGE = re.compile(
    r"error while decoding|corrupt|concealing|Invalid data found|Invalid NAL|missing picture|truncat"
    r"|partial file|ended prematurely|growing file|invalid residual",
    re.I,
)
#: What ffmpeg adds to an error in each thread that it ends, and at the end of each file: it names no cause.
_ECHO = re.compile(
    r"Error while filtering|Failed to inject frame|Task finished with error|Terminating thread|before EOF"
    r"|Nothing was written|Error sending frames|while processing the decoded data|initializing output stream"
    r"|while opening encoder|Error opening output|Conversion failed|received no packets"
)
MOST_ERRORS = 50
CPU_ENCODER = "libx264"
#: Frames that an encoder is timed by.
TRIAL_FRAMES = 150
_CPU_QUALITY = ("-preset", "veryfast", "-crf", "28")
#: Encoders of GPUs, best first, each with its way to say "constant quality".
GPU_ENCODERS = {
    "h264_nvenc": ("-preset", "p4", "-rc", "vbr", "-cq", "30"),
    "h264_qsv": ("-global_quality", "28"),
    "h264_videotoolbox": ("-q:v", "50"),
}


@dataclass
class Outcome:
    """What a run said of itself."""

    out_time_s: float = 0.0
    is_ended: bool = False
    damaged_lines: int = 0
    #: The first errors, each once.
    errors: list[str] = field(default_factory=list)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=STDERR_LINES))


@dataclass(frozen=True)
class Program:
    """An ffmpeg, and why it is this one."""

    path: str
    reason: str


@cache
def find_program(configured: str) -> Program:
    """FFMPEG_PATH if given, else the one in PATH if it is new enough, else the wheel's."""
    if configured:
        path = shutil.which(configured)
        if not path:
            raise FfmpegMissingError(f"FFMPEG_PATH is {configured}, and there is no program there.")
        return Program(path, "named by FFMPEG_PATH")
    path = shutil.which("ffmpeg")
    least, own = ".".join(map(str, MINIMUM_VERSION)), ".".join(map(str, version(path))) if path else ""
    if path and version(path) >= MINIMUM_VERSION:
        return Program(path, f"found in PATH ({least} is the oldest that is supported)")
    reason = f"PATH has version {own}, and {least} is the oldest that is supported" if path else "PATH has none"
    try:
        return Program(str(imageio_ffmpeg.get_ffmpeg_exe()), f"the one that came with Python's packages: {reason}")
    except RuntimeError as error:
        raise FfmpegMissingError(f"There is no ffmpeg on this machine that can be used: {reason}.") from error


def program() -> str:
    """Path of the ffmpeg in use."""
    return find_program(conf.ffmpeg_path()).path


@cache
def version(path: str) -> tuple[int, int]:
    """(major, minor). A build from git has no number and counts as new; one that does not start as (0, 0)."""
    answer = _ask(path, "-version")
    if not answer.startswith("ffmpeg version"):
        return (0, 0)
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (99, 0)


def has_filter(name: str) -> bool:
    """Whether this ffmpeg was built with a filter; Linux distributions leave some out."""
    return name in _filters(program())


def h264_encoder() -> str:
    """The encoder to use: a GPU's where a test encode proves it works, else `libx264`."""
    wanted = conf.proxy_encoder()
    if wanted != "auto":
        return CPU_ENCODER if wanted == "cpu" else wanted
    return proven_encoder(program())


def quality(encoder: str) -> tuple[str, ...]:
    """Options (name, value, …) for a proxy's quality with this encoder."""
    return _CPU_QUALITY if encoder == CPU_ENCODER else GPU_ENCODERS.get(encoder, ())


def source_args(path: Path) -> dict[str, str]:
    """Options in front of `-i` (without the dash): nothing but this file is opened, as one of the formats we know."""
    return {
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "max_pixels": str(MAX_VIDEO_PIXELS),
        "filename": f"file:{path}",
    }


def run(
    args: Sequence[str],
    *,
    duration_s: float | None = None,
    progress: Progress = NO_PROGRESS,
    message: str = "",
    stall_s: float = STALL_S,
) -> Outcome:
    """Run ffmpeg with `args` and wait, reporting how far it is of `duration_s`.

    Success is exit status 0 and its own `progress=end`; what was written is the caller's to check. Raises Cancelled,
    NoSpaceError, FfmpegStalledError, FfmpegFailedError (retryable if something killed it).
    """
    argv = [program(), "-hide_banner", "-nostdin", "-y", "-v", "level+warning", "-nostats"]
    argv += ["-stats_period", "0.5", "-progress", "pipe:1", *args]
    child = subprocess.Popen(  # its process group stays ours, so that Ctrl-C reaches it
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A few system calls, and nothing that takes a lock.
        preexec_fn=child_processes.dying_with_parent(memory_bytes=MOST_MEMORY_BYTES, is_offline=True),  # noqa: PLW1509
    )
    try:
        with child:
            try:
                outcome = _Watch(child, duration_s, progress, message, stall_s).to_the_end()
                status = child.wait(timeout=TERM_PATIENCE_S)
            finally:
                _end(child)
    except subprocess.TimeoutExpired as error:
        raise FfmpegStalledError("ffmpeg closed its pipes but did not end.") from error
    _judge(status, outcome)
    return outcome


class _Watch:
    """Reads both pipes of one run and keeps an eye on the clock."""

    def __init__(
        self, child: subprocess.Popen[bytes], duration_s: float | None, progress: Progress, message: str, stall_s: float
    ) -> None:
        self.child = child
        self.duration_s = duration_s
        self.progress = progress
        self.message = message
        self.stall_s = stall_s
        self.outcome = Outcome()
        self.signs: dict[str, str] = {}
        self.started = self.last_advance = time.monotonic()

    def to_the_end(self) -> Outcome:
        pipes = ((self.child.stdout, self._progress_line), (self.child.stderr, self._error_line))
        readers = {pipe.fileno(): reader for pipe, reader in pipes if pipe}
        rest = dict.fromkeys(readers, b"")
        longest_s = max(LONGEST_AT_LEAST_S, LONGEST_RATIO * self.duration_s) if self.duration_s else None
        with selectors.DefaultSelector() as selector:
            for handle in readers:
                selector.register(handle, selectors.EVENT_READ)
            while selector.get_map():
                for key, _events in selector.select(TICK_S):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fd)
                    *lines, rest[key.fd] = (rest[key.fd] + chunk).split(b"\n")
                    for line in lines:
                        readers[key.fd](line.decode(errors="replace").strip())
                self.progress.check()
                now = time.monotonic()
                if now - self.last_advance > self.stall_s:
                    raise FfmpegStalledError(f"ffmpeg stood still for {self.stall_s:.0f} s.")
                if longest_s and now - self.started > longest_s:
                    raise FfmpegStalledError(f"ffmpeg took more than {longest_s:.0f} s.", retryable=False)
        return self.outcome

    def _progress_line(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name == "progress":
            self.outcome.is_ended = value == "end"
            if self.duration_s:
                self.progress.update(min(1.0, self.outcome.out_time_s / self.duration_s), self.message)
        elif name in ("out_time_us", "frame", "total_size", "drop_frames") and self.signs.get(name) != value:
            self.signs[name] = value
            self.last_advance = time.monotonic()
            if name == "out_time_us" and value.lstrip("-").isdigit():  # "N/A" until the first packet
                self.outcome.out_time_s = max(self.outcome.out_time_s, int(value) / 1e6)

    def _error_line(self, line: str) -> None:
        self.outcome.last_lines.append(line)
        self.outcome.damaged_lines += bool(_DAMAGE.search(line))
        if "[error]" in line or "[fatal]" in line:
            words = re.sub(r"file:\S*/", "", re.sub(r"\[[^]]*\]:?\s*", "", line)).strip()
            if words and words not in self.outcome.errors and len(self.outcome.errors) < MOST_ERRORS:
                self.outcome.errors.append(words)


def _judge(status: int, outcome: Outcome) -> None:
    if any("No space left on device" in line or "Disk quota exceeded" in line for line in outcome.last_lines):
        raise NoSpaceError("The disk became full.")
    if status == 0 and outcome.is_ended:
        return
    # 255 is also how it ends by itself, after an error that it names.
    is_killed = status in (-signal.SIGKILL, -signal.SIGTERM) or (status == 255 and not _fatal(outcome.errors))
    if is_killed:
        raise FfmpegFailedError("ffmpeg was ended from outside.", retryable=True, remedy="It is tried again by itself.")
    raise FfmpegFailedError(f"ffmpeg could not convert the file: {cause_of(outcome.errors) or f'status {status}'}.")


def cause_of(errors: Sequence[str]) -> str:
    """The first error that names a cause: neither an echo of another, nor damage that a decoder gets over."""
    causes = [words for words in errors if not _ECHO.search(words)]
    return next(iter([*_fatal(errors), *causes, *errors]), "").rstrip(".")


def _fatal(errors: Sequence[str]) -> list[str]:
    return [words for words in errors if not (_ECHO.search(words) or _DAMAGE.search(words))]


def _end(child: subprocess.Popen[bytes]) -> None:
    """TERM, five seconds, KILL. ffmpeg takes 0.05 s for the first (measured)."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(timeout=TERM_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@cache
def _filters(path: str) -> frozenset[str]:
    return frozenset(line.split()[1] for line in _ask(path, "-hide_banner", "-filters").splitlines() if "->" in line)


@cache
def proven_encoder(path: str) -> str:
    """The best encoder that this ffmpeg can prove to work on this machine, by a short test."""
    known = _ask(path, "-hide_banner", "-encoders")
    for name, quality in GPU_ENCODERS.items():
        test = (
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "color=black:s=640x360:d=0.2",
            "-c:v",
            name,
            *quality,
            "-f",
            "null",
            "-",
        )
        if f" {name} " in known and _ask(path, *test, "-progress", "pipe:1").rstrip().endswith("progress=end"):
            return name
    return CPU_ENCODER


def encoding_fps(encoder: str) -> float:
    """Frames of a moving 720p picture that this encoder makes in a second; 0 where it fails."""
    path = program()
    source = f"testsrc2=size=1280x720:rate=25:duration={TRIAL_FRAMES / 25:g}"
    began = time.perf_counter()
    said = _ask(
        path, "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-c:v", encoder, *quality(encoder),
        "-f", "null", "-", "-progress", "pipe:1",
    )  # fmt: skip
    took = time.perf_counter() - began
    return TRIAL_FRAMES / took if said.rstrip().endswith("progress=end") else 0.0


def _ask(path: str, *args: str) -> str:
    """Standard output of a short run; empty where it does not start, fails or hangs."""
    try:
        done = subprocess.run(
            [path, "-nostdin", *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
