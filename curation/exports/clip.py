"""What a format of export is given: clips in their order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nova.exports.source import USUAL_RATE
from nova.exports.timecode import Rate

#: How long a picture is shown in a timeline.
STILL_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A range of a media file. `end_s` and `duration_s` are None for a picture, and for what has no known length."""

    file_id: int
    file_name: str
    path: Path
    name: str
    media_type: str
    start_s: float
    end_s: float | None
    duration_s: float | None
    frame_rate: float | None
    width: int | None
    height: int | None
    has_audio: bool
    tags: Sequence[str] = ()
    rating: int | None = None
    is_favourite: bool = False
    note: str = ""

    @property
    def has_picture(self) -> bool:
        return self.media_type != "audio"

    @property
    def is_still(self) -> bool:
        return self.media_type == "image"

    @property
    def url(self) -> str:
        return self.path.as_uri()

    @property
    def rate(self) -> Rate:
        return Rate.of(self.frame_rate if self.frame_rate and 1 <= self.frame_rate <= 1000 else USUAL_RATE)

    @property
    def frames(self) -> tuple[int, int]:
        """Its first frame and the one after its last, counted from the start of the file; at least one."""
        start = self.rate.frames(self.start_s)
        end = self.end_s if self.end_s is not None else self.start_s + STILL_S
        return start, max(start + 1, self.rate.frames(end))

    @property
    def length_s(self) -> float:
        """What its frames last."""
        start, end = self.frames
        return float((end - start) / self.rate.exact)

    @property
    def media_frames(self) -> int:
        """The length of the whole file."""
        return max(self.frames[1], self.rate.frames(self.duration_s or 0))


@dataclass(frozen=True, kw_only=True)
class ClipList:
    """Clips under a name."""

    name: str
    clips: Sequence[Clip] = field(default_factory=tuple)
