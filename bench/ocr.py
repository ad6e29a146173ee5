"""Text on screen: recall of generated titles in six languages, standing, moving, small, short and of low contrast, the
edges of their times, and how much is read where nothing is written.

`make bench-ocr` (SMALL=1: two languages, two minutes without text). Each title stands on screen from one second to
another of a made video; what counts is whether its line is kept by the real verb, and when it begins and ends.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image, ImageDraw, ImageFont

from bench.vision import _set_up

SIZE, FPS = (1280, 720), 5
#: Seconds from and to of the one title of each video, and how long the video is.
BEGINS_S, ENDS_S, LENGTH_S = 4.0, 9.0, 14.0
TITLES = {
    "English": ["Annual report 2026", "Welcome to the harbour", "Please mind the gap"],
    "German": ["Jahresbericht 2026", "Größe und Qualität", "Übung macht den Meister"],
    "French": ["Rapport annuel", "La forêt enneigée", "Où êtes-vous allés"],
    "Spanish": ["Informe del año", "Mañana por la mañana", "La estación de esquí"],
    "Italian": ["Relazione annuale", "Benvenuti al porto", "Perché è così"],
    "Chinese": ["年度报告", "欢迎来到港口", "请小心台阶"],
}
FONTS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
#: A line that was read so nearly right is found by word.
RIGHT = 0.8


@dataclass(frozen=True)
class Way:
    """How a title is shown: pixels of its letters, grey of letters and ground, pixels a second, and its first word."""

    name: str
    height: int = 64
    ink: int = 240
    ground: int = 40
    speed: float = 0.0
    is_short: bool = False


WAYS = (
    Way("standing"),
    Way("moving", speed=60.0),
    Way("small", height=20),
    Way("short", is_short=True),
    Way("low contrast", ink=90, ground=60),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--way", choices=[way.name for way in WAYS], help="this way only, and nothing without text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ocr-") as folder:
        _set_up(Path(folder))
        languages = [name for name in TITLES if _font(name, 20) is not None]
        titles = 1 if options.small else 3
        ways = [way for way in WAYS if options.way in (None, way.name)]
        rows = {way.name: _recall(Path(folder), way, languages, titles) for way in ways}
        minutes = 0 if options.way else 1 if options.small else 20
        false_lines = _false_text(Path(folder), minutes) if minutes else 0
    for name, row in rows.items():
        print(f"{name:13} {row['found']:.0%} of {row['count']:.0f} lines, edges off by {row['edge_s']:.1f} s (median)")
    print(f"without text: {false_lines} lines in {minutes} minutes; languages: {', '.join(languages)}")
    facts = {"recall": rows, "false_lines": false_lines, "minutes_without_text": minutes, "languages": languages}
    print(json.dumps({"bench": "ocr", **facts}))


def _font(language: str, height: int) -> Any:
    """A font that has the letters; None where none is installed."""
    path = Path(FONTS[language == "Chinese"])
    return ImageFont.truetype(str(path), height) if path.is_file() else None


def _recall(folder: Path, way: Way, languages: list[str], titles: int) -> dict[str, float]:
    found, edges, count = 0, [], 0
    for language in languages:
        for number, title in enumerate(TITLES[language][:titles]):
            text = title.split()[0] if way.is_short else title
            lines = _read(folder, f"{way.name}-{language}-{number}", _shown(text, way, language), LENGTH_S)
            best = max(lines, key=lambda line: _likeness(line.text, text), default=None)
            count += 1
            if best is not None and _likeness(best.text, text) >= RIGHT:
                found += 1
                edges += [abs(best.start_s - BEGINS_S), abs(best.end_s - ENDS_S)]
    return {"found": found / count, "count": count, "edge_s": statistics.median(edges) if edges else 0.0}


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold().replace(" ", ""), other.casefold().replace(" ", "")).ratio()


def _shown(text: str, way: Way, language: str) -> Callable[[float], Image.Image]:
    font = _font(language, way.height)

    def at(second: float) -> Image.Image:
        picture = Image.new("RGB", SIZE, (way.ground,) * 3)
        draw = ImageDraw.Draw(picture)
        shade = int(8 * (second % 4))
        draw.rectangle((0, 600, SIZE[0], SIZE[1]), fill=(shade, 60, 60))  # something that is there, and changes
        if BEGINS_S <= second < ENDS_S:
            draw.text((80 + way.speed * (second - BEGINS_S), 250), text, fill=(way.ink,) * 3, font=font)
        return picture

    return at


def _false_text(folder: Path, minutes: int) -> int:
    """Lines that are read in moving patterns without a letter: leaves, fences, waves and noise."""
    patterns = (
        "mandelbrot=s=1280x720",
        "life=s=1280x720:mold=10:ratio=.2",
        "cellauto=s=1280x720",
        "gradients=s=1280x720",
    )
    noise = "nullsrc=s=1280x720:r=5,geq=random(1)*255:128:128"
    sources = [*(f"{pattern}:r=5" for pattern in patterns), noise]
    lines = 0
    for number, source in enumerate(sources):
        seconds = max(10, minutes * 60 // len(sources))
        path = folder / f"none-{number}.mp4"
        command = ["-f", "lavfi", "-i", source, "-t", str(seconds)]
        _encode(command, path)
        lines += len(_read_file(path, float(seconds)))
    return lines


def _read(folder: Path, name: str, at: Callable[[float], Image.Image], length_s: float) -> list[Any]:
    path = folder / f"{name}.mp4"
    command = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", str(FPS), "-i", "-"]
    _encode(command, path, (at(number / FPS).tobytes() for number in range(int(length_s * FPS))))
    return _read_file(path, length_s)


def _encode(command: list[str], path: Path, frames: Iterator[bytes] | None = None) -> None:
    """A proxy as ours are."""
    tail = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-pix_fmt", "yuv420p", str(path)]
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *command, *tail]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames or ():
            process.stdin.write(frame)
        process.stdin.close()
    assert process.returncode == 0, path


def _read_file(path: Path, length_s: float) -> list[Any]:
    from django.conf import settings

    from files.models import File, Proxy, Root
    from vision.models import ScreenText
    from vision.reading.read import read_file

    root, _ = Root.objects.get_or_create(path=str(path.parent), defaults={"name": "bench"})
    size = path.stat().st_size
    file = File.objects.create(
        root=root, path=path.name, name=path.name, media_type="video", size_bytes=size, duration_s=length_s,
        sampled_hash=path.name,
    )  # fmt: skip
    target = Path(settings.PROXY_DIR) / f"{file.pk}.mp4"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    from files import conf

    Proxy.objects.create(
        file=file, path=target.name, proxy_spec=conf.proxy_profile(), size_bytes=size, duration_s=length_s,
        source_hash=file.sampled_hash,
    )  # fmt: skip
    read_file(file)
    path.unlink()
    return list(ScreenText.objects.filter(file=file))


if __name__ == "__main__":
    main()
