"""Three short clips that a first run makes by itself, so that there is something to look at and to find.

Each has three drawn scenes, a quiet tone and a subtitle file beside it, so that a newcomer sees the whole line work:
proxies, transcript, chapters, search. Nothing is downloaded.
"""

import math
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from files.media import ffmpeg
from files.storage import disk

SIZE = (960, 540)
SCENE_S = 7.0
FRAMES_PER_S = 25

Draw = Callable[[ImageDraw.ImageDraw, random.Random], None]


@dataclass(frozen=True)
class DemoScene:
    """A still that the camera moves over slowly, and what is said meanwhile."""

    draw: Draw
    lines: tuple[str, str]


@dataclass(frozen=True)
class Story:
    """One clip."""

    name: str
    tone_hz: int
    scenes: tuple[DemoScene, DemoScene, DemoScene]


def _sky(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, _: random.Random) -> None:
        width, height = SIZE
        for y in range(height):
            share = y / height
            colour = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
            canvas.line([(0, y), (width, y)], fill=colour)

    return draw


def _disc(x: float, y: float, radius: float, colour: str) -> Draw:
    """A sun or a moon; `x`, `y` and `radius` as shares of the picture's height."""

    def draw(canvas: ImageDraw.ImageDraw, _: random.Random) -> None:
        unit = SIZE[1]
        box = [(x - radius) * unit, (y - radius) * unit, (x + radius) * unit, (y + radius) * unit]
        canvas.ellipse(box, fill=colour)

    return draw


def _hills(level: float, height: float, colour: str, waves: float = 2.0) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        width, full = SIZE
        shift = chance.random() * math.tau
        ridge = [
            (
                x,
                full
                * (level - height * (math.sin(shift + x / width * math.tau * waves) + math.sin(shift + x / 61) / 5)),
            )
            for x in range(0, width + 8, 8)
        ]
        canvas.polygon([(0, full), *ridge, (width, full)], fill=colour)

    return draw


def _stars(count: int) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        for _ in range(count):
            x, y, size = chance.random() * SIZE[0], chance.random() * SIZE[1] * 0.6, chance.choice((1, 1, 2, 3))
            canvas.ellipse([x, y, x + size, y + size], fill="#fdf6d8")

    return draw


def _ripples(level: float, colour: str) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        width, full = SIZE
        for _ in range(70):
            y = full * (level + (1 - level) * chance.random())
            x = width * chance.random()
            canvas.line([(x, y), (x + 30 + 90 * chance.random(), y)], fill=colour, width=2)

    return draw


def _bridge(colour: str) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, _: random.Random) -> None:
        width, full = SIZE
        canvas.rectangle([0, full * 0.42, width, full * 0.5], fill=colour)
        for index in range(5):
            left = width * (0.02 + index * 0.2)
            canvas.rectangle([left - 14, full * 0.45, left + 14, full * 0.86], fill=colour)
            canvas.arc([left, full * 0.47, left + width * 0.2, full * 0.95], 180, 360, fill=colour, width=12)

    return draw


def _train(colour: str) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, _: random.Random) -> None:
        width, full = SIZE
        for index in range(4):
            left = width * (0.12 + index * 0.19)
            canvas.rounded_rectangle([left, full * 0.3, left + width * 0.18, full * 0.42], 10, fill=colour)
            for window in range(3):
                x = left + width * (0.02 + window * 0.05)
                canvas.rectangle([x, full * 0.325, x + width * 0.035, full * 0.365], fill="#fff3c4")

    return draw


def _trees(count: int, level: float, colour: str) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        width, full = SIZE
        for _ in range(count):
            x, size = chance.random() * width, full * (0.10 + 0.12 * chance.random())
            base = full * (level + 0.08 * chance.random())
            canvas.polygon([(x - size * 0.3, base), (x + size * 0.3, base), (x, base - size)], fill=colour)

    return draw


def _lanterns(count: int) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        for _ in range(count):
            x, y, size = chance.random() * SIZE[0], SIZE[1] * (0.1 + 0.6 * chance.random()), 10 + 16 * chance.random()
            canvas.ellipse([x - size * 1.8, y - size * 1.8, x + size * 1.8, y + size * 1.8], fill="#5b3a3f")
            canvas.rounded_rectangle([x - size * 0.7, y - size, x + size * 0.7, y + size], 6, fill="#ffb347")

    return draw


def _together(*parts: Draw) -> Draw:
    def draw(canvas: ImageDraw.ImageDraw, chance: random.Random) -> None:
        for part in parts:
            part(canvas, chance)

    return draw


STORIES = (
    Story(
        "Morning at the mountain lake",
        220,
        (
            DemoScene(
                _together(
                    _sky((250, 190, 140), (252, 236, 205)),
                    _disc(1.2, 0.45, 0.11, "#fff3c4"),
                    _hills(0.62, 0.10, "#8a6f8f"),
                    _hills(0.75, 0.06, "#5b5470", 3),
                ),
                ("The sun comes up behind the ridge.", "For a minute the whole valley glows like copper."),
            ),
            DemoScene(
                _together(
                    _sky((150, 200, 225), (225, 240, 245)),
                    _hills(0.5, 0.08, "#6f8f86"),
                    _hills(0.6, 0.0, "#3f7f95"),
                    _ripples(0.62, "#bfe3ea"),
                ),
                (
                    "Down at the shore the water is still very cold.",
                    "A fish jumps, and the rings spread.",
                ),
            ),
            DemoScene(
                _together(
                    _sky((120, 180, 215), (235, 244, 240)),
                    _hills(0.6, 0.07, "#4d7a5c"),
                    _trees(60, 0.72, "#23513b"),
                    _hills(0.9, 0.03, "#1c4030"),
                ),
                ("The path home leads through old spruce forest.", "Moss covers every stone between the roots."),
            ),
        ),
    ),
    Story(
        "The stone bridge and the night train",
        165,
        (
            DemoScene(
                _together(
                    _sky((255, 205, 150), (245, 235, 215)),
                    _hills(0.7, 0.08, "#9c8566"),
                    _bridge("#6b5d52"),
                    _hills(0.92, 0.02, "#4a6a70"),
                    _ripples(0.92, "#86a9ad"),
                ),
                ("This viaduct was built from local granite.", "Its five arches have carried trains for a century."),
            ),
            DemoScene(
                _together(
                    _sky((28, 36, 70), (90, 80, 110)),
                    _stars(90),
                    _bridge("#1e2233"),
                    _train("#b5443c"),
                    _hills(0.92, 0.02, "#141a2b"),
                ),
                ("At dusk the red sleeping car crosses the river.", "Every window is lit and somebody waves."),
            ),
            DemoScene(
                _together(
                    _sky((10, 14, 34), (40, 46, 84)),
                    _stars(220),
                    _disc(1.45, 0.22, 0.07, "#f4efdc"),
                    _hills(0.8, 0.06, "#0c1022"),
                ),
                ("Then the valley is dark again.", "Only the moon stays above the hills."),
            ),
        ),
    ),
    Story(
        "Lantern festival in the garden",
        262,
        (
            DemoScene(
                _together(
                    _sky((245, 215, 225), (250, 240, 230)), _hills(0.7, 0.05, "#8fae83"), _trees(30, 0.8, "#4f7a55")
                ),
                ("In the afternoon the volunteers hang paper lanterns.", "Two hundred of them, folded by the school."),
            ),
            DemoScene(
                _together(_sky((60, 38, 58), (120, 66, 70)), _hills(0.85, 0.03, "#2a1d2a"), _lanterns(24)),
                ("When the drums begin, the candles are lit.", "Children carry the smallest ones to the pond."),
            ),
            DemoScene(
                _together(
                    _sky((20, 18, 40), (52, 36, 62)),
                    _stars(120),
                    _lanterns(9),
                    _hills(0.7, 0.0, "#101a2c"),
                    _ripples(0.72, "#e6a04a"),
                ),
                ("The floating lights drift to the far bank.", "Nobody wants to go home yet."),
            ),
        ),
    ),
)


def _timecode(seconds: float) -> str:
    return f"{int(seconds // 60):02d}:{seconds % 60:06.3f}"


def _subtitles(story: Story) -> str:
    cues = ["WEBVTT", ""]
    for index, scene in enumerate(story.scenes):
        for half, line in enumerate(scene.lines):
            start = index * SCENE_S + half * SCENE_S / 2 + 0.3
            cues += [f"{_timecode(start)} --> {_timecode(start + SCENE_S / 2 - 0.6)}", line, ""]
    return "\n".join(cues)


def _film(story: Story, target: Path) -> None:
    """One ffmpeg run: three stills, each with a slow zoom, joined, with a quiet tone."""
    with tempfile.TemporaryDirectory(prefix="novaproject-demo-") as scratch:
        inputs: list[str] = []
        filters: list[str] = []
        for index, scene in enumerate(story.scenes):
            still = Path(scratch) / f"{index}.png"
            picture = Image.new("RGB", SIZE)
            scene.draw(ImageDraw.Draw(picture), random.Random(f"{story.name}-{index}"))  # noqa: S311  (a drawing, the same each time)
            picture.save(still)
            inputs += ["-i", f"file:{still}"]
            frames = int(SCENE_S * FRAMES_PER_S)
            filters.append(
                f"[{index}:v]zoompan=z='1+0.12*on/{frames}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
                f":d={frames}:s={SIZE[0]}x{SIZE[1]}:fps={FRAMES_PER_S},setsar=1[v{index}]"
            )
        filters.append("[v0][v1][v2]concat=n=3:v=1:a=0,format=yuv420p[v]")
        filters.append(f"sine=frequency={story.tone_hz}:duration={3 * SCENE_S},volume=0.06[a]")
        arguments = [*inputs, "-filter_complex", ";".join(filters), "-map", "[v]", "-map", "[a]"]
        arguments += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-c:a", "aac", "-b:a", "64k"]
        partial = disk.temporary(target)
        try:
            outputs = [*arguments, "-movflags", "+faststart", "-f", "mp4", f"file:{partial}"]
            ffmpeg.run(outputs, duration_s=len(story.scenes) * SCENE_S)
            disk.replace(partial, target)
        finally:
            disk.remove(partial)


def make_clips(folder: Path) -> Path:
    """Make the three clips with their subtitles in `folder` and return it."""
    disk.make_dir(folder)
    for story in STORIES:
        _film(story, folder / f"{story.name}.mp4")
        disk.write(folder / f"{story.name}.en.vtt", _subtitles(story).encode())
    return folder
