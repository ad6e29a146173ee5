"""The verb that reads the text on screen of a file, once."""

from collections.abc import Sequence
from time import monotonic

from django.db import transaction
from django.db.models import Avg, F, FloatField, Sum
from django.db.models.functions import Cast

from files.models import File, FileQuerySet
from files.storage.naming import shown
from jobs.progress import NO_PROGRESS, Progress
from vision.errors import NothingToSeeError, ReaderMissingError
from vision.frames import choosing
from vision.models import Frame, FrameSelection, ScreenReading, ScreenText
from vision.reading import engine
from vision.reading.engine import ScreenLine
from vision.reading.lasting import lasting_lines

#: Pixels of the shorter side that text is read in: a whole proxy.
SIDE = 720
#: What a frame takes where nothing was read yet, in seconds.
USUAL_FRAME_S = 0.3


def read_file(file: File, *, force: bool = False, progress: Progress = NO_PROGRESS, token: str = "") -> ScreenReading:
    """Read what stands in the frames of a video or picture, choosing them first where that was not done.

    Raises ReaderMissingError, NothingToSeeError, VisionError, Cancelled.
    """
    known = reading_of(file)
    if known is not None and not force:
        return known
    if engine.problem():
        raise ReaderMissingError(engine.problem(), remedy=engine.REMEDY)
    choosing.choose_frames(file, progress=progress, token=token)
    began = monotonic()
    frames = list(Frame.objects.filter(file=file))
    read: list[tuple[float, Sequence[ScreenLine]]] = []
    for frame, picture in zip(frames, choosing.pictures_of(file, frames, side=SIDE), strict=True):
        progress.update(len(read) / len(frames), f"{len(read):,} of {len(frames):,} frames read")
        read.append((frame.at_s, engine.lines_in(picture)))
    lines = lasting_lines(read, end_s=max(file.duration_s or 0.0, frames[-1].at_s if frames else 0.0))
    rows = [
        ScreenText(
            file=file, ordinal=ordinal, text=line.text, start_s=line.start_s, end_s=line.end_s,
            confidence=round(line.confidence, 3),
        )
        for ordinal, line in enumerate(lines)
    ]  # fmt: skip
    with transaction.atomic():
        File.everything.hold(file.pk)
        ScreenReading.objects.filter(file=file).delete()
        ScreenText.objects.filter(file=file).delete()
        if not File.objects.filter(pk=file.pk).exists():
            raise NothingToSeeError(f"{shown(file.name)} left the library meanwhile.", remedy="")
        ScreenText.objects.bulk_create(rows, batch_size=500)
        return ScreenReading.objects.create(
            file=file,
            source_hash=file.sampled_hash,
            engine=engine.NAME,
            frame_count=len(frames),
            line_count=len(rows),
            took_s=round(monotonic() - began, 2),
        )


def reading_of(file: File) -> ScreenReading | None:
    """What was read of the content that the file has now; None where nothing was."""
    return ScreenReading.objects.current().filter(file=file).first()


def time_needed_s(files: FileQuerySet) -> float:
    """About how long reading these takes one worker, by what was read before on this machine."""
    known = ScreenReading.objects.filter(frame_count__gt=0).aggregate(frames=Sum("frame_count"), took=Sum("took_s"))
    frame_s = known["took"] / known["frames"] if known["frames"] else USUAL_FRAME_S
    chosen = FrameSelection.objects.filter(file__in=files.values("pk")).aggregate(n=Sum("frame_count"))["n"] or 0
    unchosen = files.filter(frame_selection=None).aggregate(length=Sum("duration_s"))["length"] or 0.0
    rate = FrameSelection.objects.filter(file__duration_s__gt=0).aggregate(
        every=Avg(Cast("file__duration_s", FloatField()) / Cast(F("frame_count") + 1, FloatField()))
    )["every"]
    return float(frame_s * (chosen + unchosen / (rate or 4.0)))


def forget(file_id: int) -> None:
    """Nothing that was read of it is kept: the file left the library."""
    with transaction.atomic():
        ScreenReading.objects.filter(file_id=file_id).delete()
        ScreenText.objects.filter(file_id=file_id).delete()
