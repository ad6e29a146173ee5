"""Videos with something to see, made shot by shot, and their files with proxies."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw

from files.models import File, Root
from files.storage.hashing import sampled_hash
from tests.files.factories import make_derived, make_file, make_proxy_row, make_root
from tests.media import run_ffmpeg

SIZE = (640, 360)
Shot = tuple[float, Image.Image]


def scene(background: str, *shapes: tuple[str, str, int], size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture with shapes: (kind, colour, where from the left), kind being `circle`, `square` or `bar`."""
    picture = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(picture)
    for kind, colour, left in shapes:
        box = (left, 90, left + 160, 250)
        if kind == "circle":
            draw.ellipse(box, fill=colour)
        elif kind == "square":
            draw.rectangle(box, fill=colour)
        else:
            draw.rectangle((left, 10, left + 30, 350), fill=colour)
    return picture


def write_video(path: Path, shots: Sequence[Shot], *, fps: int = 15) -> Path:
    """An MP4 as proxies are, of still shots: (seconds, picture) each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inputs: list[str | Path] = []
    for number, (seconds, picture) in enumerate(shots):
        still = path.with_name(f"{path.stem}-{number}.png")
        picture.save(still)
        inputs += ["-loop", "1", "-framerate", str(fps), "-t", str(seconds), "-i", still]
    joined = "".join(f"[{number}:v]" for number in range(len(shots))) + f"concat=n={len(shots)}:v=1,format=yuv420p[v]"
    run_ffmpeg(
        *inputs, "-filter_complex", joined, "-map", "[v]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "28",
        f"file:{path}",
    )  # fmt: skip
    return path


def add_video(
    folder: Path, shots: Sequence[Shot], *, name: str = "clip.mp4", root: Root | None = None, **fields: object
) -> File:
    """A file of the library whose original and proxy show these shots."""
    original = write_video(folder / name, shots)
    values = {"duration_s": sum(seconds for seconds, _ in shots), "sampled_hash": sampled_hash(original), **fields}
    file = make_file(root or make_root(folder), name, size_bytes=original.stat().st_size, **values)
    proxy = make_proxy_row(file, size_bytes=original.stat().st_size, source_hash=file.sampled_hash)
    (settings.PROXY_DIR / proxy.path).write_bytes(original.read_bytes())
    return file


def add_picture(folder: Path, picture: Image.Image, *, name: str = "photo.jpg", root: Root | None = None) -> File:
    """An image of the library with its poster."""
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / name, quality=95)
    file = make_file(
        root or make_root(folder), name, media_type="image", duration_s=None, audio_codec="",
        size_bytes=(folder / name).stat().st_size, sampled_hash=sampled_hash(folder / name),
    )  # fmt: skip
    make_derived(file, poster=(folder / name).read_bytes())
    return file
