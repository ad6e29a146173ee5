"""What is known of a media file once it was looked into. Pure: no Django, no reading."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal

from files.media.colours import UNSPECIFIED, Colours

MediaType = Literal["video", "audio", "image"]
#: What ffmpeg may open, here and in every run of ours: what is allowed, not what is forbidden. Otherwise a playlist
#: saved as `.mp4` is opened as HLS and reads any local file, in spite of a protocol whitelist (tried).
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,asf,flv,ogg,wav,w64,caf,aiff,mp3,aac,flac,"
    "ac3,eac3,amr,ape,wv,dv,mxf,rm,ivf,au,yuv4mpegpipe,m4v,obu,vc1,nut,gxf,wtv,dts,truehd,mlp,tta,voc,loas"
)
#: A larger picture in a video is no film (8K has 33 million), and is not decoded.
MAX_VIDEO_PIXELS = 2**28
#: Colour transfers that a screen of ordinary range cannot show as they are: PQ (SMPTE 2084) and HLG (ARIB B67).
HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
#: QuickTime counts from 1904; cameras without a clock write its beginning, or 1970's.
FIRST_YEAR = 1980
#: Of the last year that there is, some moments have no local time.
LAST_YEAR = 9998
_DATE = re.compile(r"(\d{4})[:/.-](\d{2})[:/.-](\d{2})(?:[ T]+(\S.*))?")
_PLACE = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class VideoTrack:
    """One moving picture, as it is stored: `shown_size` says what a viewer sees."""

    codec: str
    width: int
    height: int
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0  # degrees clockwise that a player turns it: 0, 90, 180, 270
    frame_rate: float | None = None
    frames: int | None = None
    pixel_format: str = ""
    is_interlaced: bool = False
    transfer: str = ""  # name of an HDR transfer, else empty
    #: Codes of ITU-T H.273: primaries, transfer, matrix, and range (1 television's, 2 full, 0 unspecified).
    colour_codes: tuple[int, int, int, int] = (UNSPECIFIED, UNSPECIFIED, UNSPECIFIED, 0)

    @property
    def is_hdr(self) -> bool:
        return bool(self.transfer)

    @property
    def colours(self) -> Colours:
        primaries, transfer, matrix, range_ = self.colour_codes
        return Colours(primaries=primaries, transfer=transfer, matrix=matrix, range=range_)

    @property
    def is_rgb(self) -> bool:
        return self.pixel_format.startswith(("gbr", "rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "pal8"))

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height after pixel aspect and rotation, in square pixels."""
        width, height = max(1, round(self.width * self.pixel_aspect)), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)


@dataclass(frozen=True, kw_only=True)
class AudioTrack:
    """One sound track: `index` counts sound tracks, as people do; `stream` counts all streams, as in ffmpeg's `0:3`."""

    index: int
    stream: int
    codec: str
    channels: int
    sample_rate: int
    language: str = ""
    title: str = ""
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class TextTrack:
    """Subtitles inside a container, as text: `stream` counts all streams, as in ffmpeg's `0:3`."""

    stream: int
    codec: str
    language: str = ""
    title: str = ""
    is_default: bool = False
    is_forced: bool = False  # only what is foreign
    is_impaired: bool = False  # with sounds described


@dataclass(frozen=True, kw_only=True)
class MediaInfo:
    """Facts of one file. `created_at` is the container's date: None where it has none (take the file's own then)."""

    media_type: MediaType
    container: str
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    bit_rate: int | None = None
    created_at: datetime | None = None
    video: VideoTrack | None = None
    audio_tracks: tuple[AudioTrack, ...] = ()
    text_tracks: tuple[TextTrack, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Degrees, south and west negative.
    place: tuple[float, float] | None = None
    #: Of a picture that moves, how many it is made of.
    frames: int | None = None

    @property
    def rotation(self) -> int:
        return self.video.rotation if self.video else 0

    @property
    def frame_rate(self) -> float | None:
        return self.video.frame_rate if self.video else None

    @property
    def video_codec(self) -> str:
        return self.video.codec if self.video else ""

    @property
    def audio_codec(self) -> str:
        track = default_audio(self.audio_tracks)
        return track.codec if track else ""

    def as_metadata(self) -> dict[str, Any]:
        """What `File.metadata` keeps beside its columns, ready for JSON."""
        return {
            "container": self.container,
            "tags": dict(self.tags),
            "latitude": self.place[0] if self.place else None,
            "longitude": self.place[1] if self.place else None,
            "camera": parse_camera(self.tags),
            "frames": self.frames,
            # Not `asdict`: its deep copies of plain values took a fifth of an import.
            "video": {**vars(self.video), "pixel_aspect": str(self.video.pixel_aspect)} if self.video else None,
            "audio_tracks": [dict(vars(track)) for track in self.audio_tracks],
            **({"text_tracks": [dict(vars(track)) for track in self.text_tracks]} if self.text_tracks else {}),
        }


def default_audio(tracks: tuple[AudioTrack, ...]) -> AudioTrack | None:
    """The track that a player would take: the one marked default, then the one with most channels, then the first."""
    return min(tracks, key=lambda track: (not track.is_default, -track.channels, track.index), default=None)


def parse_created_at(tags: Mapping[str, str]) -> datetime | None:
    """The moment of recording from a container's tags; the phone's own, with its time zone, before the muxer's."""
    for name in ("com.apple.quicktime.creationdate", "creation_time", "date_utc", "DateTimeOriginal"):
        if moment := parse_moment(tags.get(name, "")):
            return moment
    return None


def parse_moment(text: str) -> datetime | None:
    """A moment as EXIF or ISO 8601 write it, in UTC; without a zone it is taken for UTC. None for what a clock that was
    never set writes, and for what is no date."""
    found = _DATE.fullmatch(text.strip().rstrip("\0").strip())
    if found is None:
        return None
    year, month, day, time = found.groups()
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{(time or '00:00').replace(' ', '')}")
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def parse_place(tags: Mapping[str, str]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, from a container's tag in the form of ISO 6709 (`+48.8577+002.295/`)."""
    for name, text in tags.items():
        if "location" in name.lower() and (found := _PLACE.match(text.strip())):
            latitude, longitude = float(found[1]), float(found[2])
            if abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude or longitude):
                return latitude, longitude
    return None


def parse_camera(tags: Mapping[str, str]) -> str:
    """Maker and model of the camera, the maker's name once; empty where the tags do not say."""
    named = {name.lower().rpartition(".")[2]: text.strip() for name, text in tags.items()}
    make = named.get("make") or named.get("manufacturer") or ""
    model = named.get("model") or ""
    first_word = make.split()[0] if make else ""
    return model if first_word and model.lower().startswith(first_word.lower()) else f"{make} {model}".strip()


def clamp_rotation(degrees: float) -> int:
    """The nearest quarter turn. Broken files carry any number, INT_MIN included."""
    return round(degrees / 90) % 4 * 90
