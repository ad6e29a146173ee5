"""The verb that chooses the frames of a file, once, and keeps their stills; and what others ask of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from django.db import transaction
from PIL import Image

from files import conf as files_conf
from files.media import derived
from files.media.proxy_lookup import is_whole, proxy_path
from files.models import File
from files.storage import disk
from files.storage.naming import shown
from jobs.progress import NO_PROGRESS, Progress
from vision import conf
from vision.errors import NothingToSeeError
from vision.frames import decoding, stills
from vision.frames.perceptual_hash import hash_of
from vision.frames.picking import FramePicker, Look
from vision.models import Frame, FrameSelection

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

LOOKED_AT = (File.MediaType.VIDEO, File.MediaType.IMAGE)


def choose_frames(
    file: File, *, force: bool = False, progress: Progress = NO_PROGRESS, token: str = ""
) -> FrameSelection:
    """Choose the frames of a video's proxy, or take a picture as its own one frame. What is chosen already stays.

    All or nothing: after a kill the file is looked through again, at some thirty times its speed. Raises
    NothingToSeeError, VisionError, NoSpaceError, Cancelled.
    """
    known = selection_of(file)
    if known is not None and not force:
        return known
    source = source_of(file)
    with stills.written(file.pk, token=token) as out:
        if file.media_type == File.MediaType.IMAGE:
            picture = decoding.picture_of(source)
            facts = FrameSelection(shot_count=1)
            frames = [_frame(file, Look(at_s=0.0, cells=decoding.cells_of_picture(picture)), picture, 0, out)]
        else:
            facts, frames = _choose(file, source, out, progress)
    return _keep(file, facts, frames, stills_bytes=out.size_bytes)


def _choose(
    file: File, proxy: Path, out: stills.StillsWriter, progress: Progress
) -> tuple[FrameSelection, list[Frame]]:
    picker = FramePicker(conf.frame_seconds())
    frames: list[Frame] = []

    def keep(chosen: Iterator[Look]) -> None:
        for look in chosen:
            picture: Image.Image = cast("VideoFrame", look.picture).to_image()  # type: ignore[no-untyped-call]
            frames.append(_frame(file, look, picture, len(frames), out))

    for look in decoding.looks(proxy):
        keep(picker.show(look))
        done = min(1.0, look.at_s / file.duration_s) if file.duration_s else 0.0
        progress.update(done, f"{len(frames)} frames chosen")
    keep(picker.end())
    return FrameSelection(shot_count=picker.shots, blank_count=picker.blank, same_count=picker.same), frames


def _frame(file: File, look: Look, picture: Image.Image, n: int, out: stills.StillsWriter) -> Frame:
    offset, size = out.add(picture)
    return Frame(
        file=file, n=n, at_s=round(look.at_s, 3), hash=hash_of(look.cells[0]), still_offset=offset, still_bytes=size
    )


def _keep(file: File, facts: FrameSelection, frames: Sequence[Frame], *, stills_bytes: int) -> FrameSelection:
    with transaction.atomic():
        File.everything.hold(file.pk)
        FrameSelection.objects.filter(file=file).delete()
        Frame.objects.filter(file=file).delete()
        if not File.objects.filter(pk=file.pk).exists():  # removed meanwhile: nothing of it stays
            disk.remove(stills.path_of(file.pk))
            raise NothingToSeeError(f"{shown(file.name)} left the library meanwhile.", remedy="")
        facts.file, facts.source_hash, facts.every_s = file, file.sampled_hash, conf.frame_seconds()
        facts.frame_count, facts.stills_bytes = len(frames), stills_bytes
        facts.save()
        Frame.objects.bulk_create(frames, batch_size=1000)
    return facts


def selection_of(file: File) -> FrameSelection | None:
    """What was chosen from the content that the file has now; None where nothing was."""
    return FrameSelection.objects.current().filter(file=file).first()


def source_of(file: File) -> Path:
    """What is looked at: a video's proxy, a picture's poster. Raises NothingToSeeError where there is none."""
    if file.media_type not in LOOKED_AT:
        raise NothingToSeeError(f"There is nothing to see in {shown(file.name)}.")
    if file.media_type == File.MediaType.IMAGE:
        source = derived.poster_path(file)
    else:
        whole = [proxy for proxy in file.proxies.order_by("size_bytes") if is_whole(proxy) and not proxy.is_outdated]
        usual = files_conf.proxy_profile()
        proxy = next((proxy for proxy in whole if proxy.proxy_spec == usual), whole[0] if whole else None)
        source = None if proxy is None else proxy_path(proxy)
    if source is None:
        raise NothingToSeeError(
            f"There is no small copy of {shown(file.name)} to look at yet.", remedy="Make its proxy first."
        )
    return source


def still(file: File, frame: Frame) -> bytes:
    """The JPEG of a frame: as it was kept, else cut again. Raises NothingToSeeError, VisionError."""
    return stills.read(frame) or stills.jpeg_of(picture_at(file, frame.at_s))


def picture_at(file: File, at_s: float) -> Image.Image:
    """What a video shows at a second, or a picture, as large as its proxy or poster. Raises NothingToSeeError."""
    return next(pictures_at(file, [at_s]))


def pictures_at(file: File, seconds: Sequence[float]) -> Iterator[Image.Image]:
    """The same of many seconds, in order."""
    source = source_of(file)
    if file.media_type == File.MediaType.IMAGE:
        return iter([decoding.picture_of(source)] * len(seconds))
    return decoding.pictures_at(source, seconds)


def pictures_of(file: File, frames: Sequence[Frame], *, side: int) -> Iterator[Image.Image]:
    """The pictures of frames, in order, at least `side` pixels on their shorter side where the proxy has so many.

    From the stills while these are large enough; else they are decoded. Raises NothingToSeeError, VisionError.
    """
    done = 0
    for picture in stills.read_pictures(frames) if side <= stills.SIDE else ():
        yield picture
        done += 1
    if done < len(frames):
        yield from pictures_at(file, [frame.at_s for frame in frames[done:]])


def forget(file_id: int) -> None:
    """Nothing of its frames is kept: the file left the library."""
    with transaction.atomic():
        FrameSelection.objects.filter(file_id=file_id).delete()
        Frame.objects.filter(file_id=file_id).delete()
    disk.remove(stills.path_of(file_id))
