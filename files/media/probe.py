"""Look into a media file, in process: about 5 ms a clip, where one run of ffprobe costs ten times that."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from files.errors import NotMediaError, PlaylistError, UnreadableError
from files.media import image_files
from files.media.info import (
    FORMATS,
    HDR_TRANSFERS,
    MAX_VIDEO_PIXELS,
    AudioTrack,
    MediaInfo,
    TextTrack,
    VideoTrack,
    clamp_rotation,
    parse_created_at,
    parse_place,
)
from files.storage.naming import shown

MAX_TAGS, MAX_TAG_CHARS = 100, 1000
PIXEL_LIMIT = {"max_pixels": str(MAX_VIDEO_PIXELS)}
HEAD_BYTES = 4096
#: Slow-motion cameras make a thousand frames a second.
FASTEST_FRAMES = 1000
#: So much of an MP4's table of contents is looked at: the description of its first track stands at the beginning.
TABLE_BYTES = 64 * 1024
#: A fragmented MP4 has thousands of boxes, its table before them; so many are looked through for it.
MOST_BOXES = 1000
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"v=0\r", b"v=0\n", b"<MPD", b"<smil", b"<ASX", b"<asx")
#: Where a container's own mark stands. A file that has one but does not open is damaged; one without is another thing.
_MARKS = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"OggS"), (0, b"FLV"),
    (0, b"ID3"), (0, b"fLaC"), (0, b"0&\xb2u"), (0, b"\x00\x00\x01\xba"), (0, b"G"), (4, b"G@"),
    (0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (0, b"GIF8"), (0, b"II*\x00"), (0, b"MM\x00*"), (0, b"BM"),
)  # fmt: skip


#: Subtitles that are text; all others are pictures.
TEXT_CODECS = frozenset(("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"))


def probe(path: Path) -> MediaInfo:
    """Facts of the file at `path`, by its content. Opens it for reading only.

    Raises NotMediaError, UnreadableError (empty, damaged, encrypted), PlaylistError; OSError where reading fails.
    """
    with path.open("rb") as source:
        head = source.read(HEAD_BYTES)
    if not head:
        raise UnreadableError(f"{shown(path.name)} is empty.", remedy="Copy the file again from where it came.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PLAYLISTS) or b"<MPD" in head:
        raise PlaylistError(f"{shown(path.name)} is a playlist, not a media file.")
    return probe_picture(path) or probe_container(path, head)


def probe_picture(path: Path) -> MediaInfo | None:
    """Facts of a picture; None where there is none of a format that we name."""
    with image_files.opened(path) as picture:
        if picture is None:
            return None
        exif, (width, height) = picture.exif, picture.shown_size
        return MediaInfo(
            media_type="image",
            container=picture.format_name,
            width=width,
            height=height,
            created_at=exif.created_at,
            video=VideoTrack(
                codec=picture.format_name,
                width=picture.stored_size[0],
                height=picture.stored_size[1],
                rotation={3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}.get(picture.orientation, 0),
                pixel_format=picture.image.mode,
            ),
            tags=_clean(exif.tags),
            place=exif.place,
            frames=picture.frames if picture.frames > 1 else None,
        )


def probe_container(path: Path, head: bytes) -> MediaInfo:
    """Facts of a video or sound, whose first frame is decoded. Raises as `probe` does."""
    if image_files.is_heif(head):
        kind = shown(head[8:12].decode("ascii", errors="replace"))
        raise UnreadableError(
            f"{shown(path.name)} is a HEIC picture (or one of its family: {kind}) that cannot be read here.",
            remedy="Export it as JPEG (an iPhone does so for new ones: Settings > Camera > Formats > Most Compatible).",
        )
    if is_encrypted(path, head):
        raise UnreadableError(
            f"{shown(path.name)} is encrypted (copy-protected), so it cannot be played or converted here.",
            remedy="Use a copy without protection.",
        )
    with _opened(path, head) as container:
        attached = av.stream.Disposition.attached_pic
        video = next((stream for stream in container.streams.video if not stream.disposition & attached), None)
        sounds = [stream for stream in container.streams.audio if _is_decodable(stream)]
        if video is None and not container.streams.audio:
            raise NotMediaError(f"{shown(path.name)} holds no video, sound or picture.")
        first = video or next(iter(sounds), None)
        if first is None or not _is_decodable(first):
            raise UnreadableError(
                f"{shown(path.name)} uses a codec that is not known here.",
                remedy="Convert it to MP4 with the program of the camera or recorder that made it.",
            )
        frame = _first_frame(container, first, path)
        tags = _clean(container.metadata)
        track = _video_track(video, frame) if video and isinstance(frame, VideoFrame) else None
        size = track.shown_size if track else (None, None)
        return MediaInfo(
            media_type="video" if track else "audio",
            container=container.format.name,
            duration_s=claimed_duration_s(container),
            width=size[0],
            height=size[1],
            bit_rate=container.bit_rate or None,
            created_at=parse_created_at(tags),
            video=track,
            audio_tracks=tuple(_audio_track(i, stream) for i, stream in enumerate(sounds)),
            text_tracks=_text_tracks(container),
            tags=tags,
            place=parse_place(tags),
        )


@contextmanager
def _opened(path: Path, head: bytes) -> Iterator[InputContainer]:
    try:
        container = av.open(
            f"file:{path}",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file", **PIXEL_LIMIT},
            metadata_errors="replace",
        )
    except FileNotFoundError:
        raise
    except av.error.FFmpegError as error:
        if any(head[at:].startswith(mark) for at, mark in _MARKS):
            raise UnreadableError(
                f"{shown(path.name)} is damaged: its table of contents cannot be read ({error.strerror})."
            ) from error
        raise NotMediaError(f"{shown(path.name)} holds no video, sound or picture.") from error
    with container:
        yield container


def _is_decodable(stream: VideoStream | AudioStream) -> bool:
    """PyAV leaves the codec out where it knows no decoder, which its types do not say."""
    return getattr(stream, "codec_context", None) is not None


def _first_frame(container: InputContainer, stream: VideoStream | AudioStream, path: Path) -> object:
    """Decode one frame: what opens need not decode, and rotation and interlace stand in the frame."""
    stream.codec_context.thread_count = 1  # one frame is not worth a pool of threads
    stream.codec_context.options = PIXEL_LIMIT
    try:
        for frame in container.decode(stream):
            return frame
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableError(f"{shown(path.name)} is damaged: its first frame cannot be decoded.") from error
    raise UnreadableError(f"{shown(path.name)} is damaged: there is not one whole frame in it.")


def is_encrypted(path: Path, head: bytes) -> bool:
    """Whether an MP4 says that its first track is protected (`sinf`, ISO/IEC 23001-7).

    Asked before decoding: a decoder makes a picture of some encrypted frames (seen).
    """
    if head[4:8] != b"ftyp":
        return False
    with path.open("rb") as source:
        at = 0
        for _box in range(MOST_BOXES):  # from box to box, to the table of contents
            source.seek(at)
            size, kind = struct.unpack(">I4s", source.read(8).ljust(8, b"\0"))
            if kind == b"moov":
                return b"sinf" in source.read(TABLE_BYTES)
            size = struct.unpack(">Q", source.read(8).ljust(8, b"\0"))[0] if size == 1 else size
            at += size
            if size < 8 or at >= 2**62:  # the last box, behind the end, or no box at all
                break
    return False


def _video_track(stream: VideoStream, frame: VideoFrame) -> VideoTrack:
    context = stream.codec_context
    # Raw DV counts its frames in another clock than it says: 60000 a second.
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    rate = next((rate for rate in rates if rate and 0 < rate <= FASTEST_FRAMES), None)
    return VideoTrack(
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        pixel_aspect=Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1) or Fraction(1),
        # ffmpeg counts counterclockwise, people clockwise
        rotation=clamp_rotation(-frame.rotation),
        frame_rate=float(rate) if rate else None,
        frames=stream.frames or None,
        pixel_format=context.pix_fmt or "",
        is_interlaced=bool(frame.interlaced_frame),
        transfer=HDR_TRANSFERS.get(int(context.color_trc), ""),
        colour_codes=(
            int(context.color_primaries),
            int(context.color_trc),
            int(context.colorspace),
            int(context.color_range),
        ),
    )


def _audio_track(index: int, stream: AudioStream) -> AudioTrack:
    context = stream.codec_context
    return AudioTrack(
        index=index,
        stream=stream.index,
        codec=context.codec.canonical_name,
        channels=context.channels,
        sample_rate=context.sample_rate or 0,
        language="" if (stream.language or "und") == "und" else str(stream.language),
        title=stream.metadata.get("title", ""),
        is_default=bool(stream.disposition & av.stream.Disposition.default),
    )


def _text_tracks(container: InputContainer) -> tuple[TextTrack, ...]:
    """Subtitles that are text; those that are pictures are left out."""
    kinds = av.stream.Disposition
    return tuple(
        TextTrack(
            stream=stream.index,
            codec=stream.codec_context.name,
            language="" if (stream.language or "und") == "und" else str(stream.language),
            title=stream.metadata.get("title", ""),
            is_default=bool(stream.disposition & kinds.default),
            is_forced=bool(stream.disposition & kinds.forced),
            is_impaired=bool(stream.disposition & kinds.hearing_impaired),
        )
        for stream in container.streams.subtitles
        if stream.codec_context is not None and stream.codec_context.name in TEXT_CODECS
    )


def claimed_duration_s(container: InputContainer) -> float | None:
    """How long the container says that it is: an estimate in some, and what is decoded is what counts."""
    if not container.duration or container.duration <= 0:
        return None
    # Matroska counts from 0, also where a recorder that splits its files begins at 100 s; all others from their start.
    late = max(0, container.start_time or 0) if "matroska" in container.format.name else 0
    return max(0, container.duration - late) / av.time_base


def _clean(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags fit for JSON and a page: text only, bounded, no NUL."""
    kept = list(tags.items())[:MAX_TAGS]
    return {str(name)[:100]: str(text).replace("\0", "")[:MAX_TAG_CHARS] for name, text in kept}
