"""The filter graph of the one run: everything that is made of a source, from one decode. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from files.media.colours import (
    BT709,
    ZIMG_MATRICES,
    ZIMG_NAMES,
    Colours,
    completed,
    is_wide,
    needs_zimg,
    parameters,
    shown_as,
)
from files.media.info import AudioTrack, MediaInfo
from files.media.profiles import Profile
from files.media.sprites import Sprite

#: A poster from a tenth of the clip, but not far into a long one: the first frames are often black.
POSTER_AT_PART, POSTER_AT_MOST_S = 0.1, 30.0
#: Mono 64 kb/s: the voice stays clear, and an hour stays below 30 MB.
_SOUND = {"c:a": "aac", "b:a": "64k"}
_MJPEG = {"f": "image2", "update": 1, "c:v": "mjpeg", "q:v": 4, "fps_mode": "passthrough", "map_metadata": -1}


BT709_COLOURS = Colours(primaries=BT709, transfer=BT709, matrix=BT709, range=1)


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Where to write; None = not wanted."""

    proxy: Path | None = None
    audio: Path | None = None
    poster: Path | None = None
    sprite: Path | None = None


@dataclass(frozen=True, kw_only=True)
class PictureTreatment:
    """How the picture is to be made."""

    profile: Profile
    encoder: str
    quality: tuple[str, ...]
    size: tuple[int, int]
    sprite: Sprite
    #: Whether zimg's filter and the tone mapper are there and to be used; else colours are only labelled anew.
    can_tonemap: bool


def arguments(
    source: Mapping[str, str],
    info: MediaInfo,
    targets: Targets,
    *,
    look: PictureTreatment | None,
    sound: AudioTrack | None,
) -> list[str]:
    """Arguments of one run (without the program). `source` = the options in front of `-i`, `filename` among them."""
    # The name goes in last: ffmpeg-python cannot take one that is not UTF-8.
    opened = ffmpeg.input(**{**source, "filename": "source"})
    heard: dict[Path | None, Any] = {}
    if sound:
        wanted = [target for target in (targets.audio, targets.proxy) if target]
        # Sound that starts late, or has gaps, is filled with silence: a FLAC has no times of its own.
        filled = opened[str(sound.stream)].filter("aresample", **{"async": 1, "first_pts": 0})
        parts = filled.filter_multi_output("asplit", len(wanted))
        heard = {target: parts[index] for index, target in enumerate(wanted)}
    outputs = []
    if targets.audio and targets.audio in heard:
        voice = heard[targets.audio].filter("aformat", sample_rates=16000, channel_layouts="mono", sample_fmts="s16")
        outputs.append(ffmpeg.output(voice, _url(targets.audio), f="flac", map_metadata=-1, **{"c:a": "flac"}))
    if look:
        outputs += _pictures(opened, info, targets, look, heard.get(targets.proxy))
    argv: list[str] = ffmpeg.merge_outputs(*outputs).compile()[1:]
    argv[argv.index("-i") + 1] = source["filename"]
    return argv


def _pictures(opened: Any, info: MediaInfo, targets: Targets, look: PictureTreatment, sound: Any) -> list[Any]:
    wanted = [target for target in (targets.proxy, targets.poster, targets.sprite) if target]
    parts = _base(opened["V:0"], info, look).filter_multi_output("split", len(wanted))
    made = {target: parts[index] for index, target in enumerate(wanted)}
    outputs = []
    if targets.proxy:
        streams = [made[targets.proxy]]
        if sound is not None:
            streams.append(sound.filter("aformat", channel_layouts="mono"))
        outputs.append(
            ffmpeg.output(*streams, _url(targets.proxy), **_proxy_options(look, has_sound=sound is not None))
        )
    if targets.poster:
        at_s = min(POSTER_AT_MOST_S, POSTER_AT_PART * (info.duration_s or 0))
        # The first frame, then the one at `at_s` over it: a source that is cut short still gets a poster.
        chosen = made[targets.poster].filter("select", f"eq(n,0)+gte(t,{at_s:.3f})*lt(prev_selected_t,{at_s:.3f})")
        outputs.append(ffmpeg.output(chosen.filter("format", "yuvj420p"), _url(targets.poster), **_MJPEG))
    if targets.sprite:
        grid = look.sprite
        # One small picture after the other, and not a sheet by the `tile` filter: that gives its only frame at the very
        # end, and until each output has given one, ffmpeg reports no progress (seen in 9.0).
        cells = (
            made[targets.sprite]
            .filter("select", f"gte(t,selected_n*{grid.interval_s})")
            .filter("scale", grid.width, grid.height)
            .filter("format", "yuvj420p")
        )
        strip = {"f": "mjpeg", "c:v": "mjpeg", "q:v": 3, "fps_mode": "passthrough", "frames:v": grid.cells}
        outputs.append(ffmpeg.output(cells, _url(targets.sprite), **strip))
    return outputs


def _base(picture: Any, info: MediaInfo, look: PictureTreatment) -> Any:
    """Deinterlaced, at the profile's rate and size, in plain colours. Rate before size saves 9 to 13 % (measured)."""
    if info.video and info.video.is_interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    picture = picture.filter("fps", fps=look.profile.frame_rate, start_time=0, eof_action="pass")
    video = info.video
    if video is None or video.is_rgb:
        picture = picture.filter("scale", *look.size, flags="bicubic", out_color_matrix="bt709", out_range="tv")
        shown = BT709_COLOURS
    else:
        colours = completed(video.colours, video.width, video.height)
        shown = shown_as(colours)
        if look.can_tonemap and needs_zimg(video.colours, video.pixel_format):
            picture = picture.filter("setparams", **{**parameters(colours), "colorspace": "auto"})
            picture = picture.filter("zscale", min=ZIMG_MATRICES[video.colours.matrix], m=ZIMG_NAMES[colours.matrix])
        # Said anew in front of every converter: one of them refuses tags that another has never heard of.
        picture = picture.filter("setparams", **parameters(colours))
        if colours.is_hdr and look.can_tonemap:
            picture = (
                picture.filter("scale", *look.size, flags="bicubic")
                .filter("zscale", t="linear", npl=100)
                .filter("format", "gbrpf32le")
                .filter("zscale", p="bt709")
                .filter("tonemap", tonemap="hable", desat=0)
                .filter("zscale", t="bt709", r="full")
            )
            picture = _within_screen(picture, "bt709")
        else:
            matrix = "bt709" if shown.matrix == BT709 else "bt601"
            picture = picture.filter("scale", *look.size, flags="bicubic", out_color_matrix=matrix, out_range="tv")
            if look.can_tonemap and is_wide(colours):
                picture = _within_screen(picture.filter("zscale", p="bt709", t="bt709", m="gbr", r="full"), matrix)
    return picture.filter("setsar", 1).filter("format", "yuv420p").filter("setparams", **parameters(shown))


def _within_screen(picture: Any, matrix: str) -> Any:
    """Colours beyond what a screen shows are cut off as red, green and blue: versions of zimg differ in what they make
    of them in another form (a P3 red came out at 176 of 255 by one, at 205 by another)."""
    return picture.filter("format", "gbrp").filter("scale", out_color_matrix=matrix, out_range="tv")


def _proxy_options(look: PictureTreatment, *, has_sound: bool) -> dict[str, Any]:
    rate = look.profile.max_rate_kbps
    options: dict[str, Any] = {
        "f": "mp4",
        "c:v": look.encoder,
        **dict(zip((name.lstrip("-") for name in look.quality[::2]), look.quality[1::2], strict=True)),
        "maxrate": f"{rate}k",
        "bufsize": f"{2 * rate}k",
        # A key frame every two seconds, so that a seek is quick.
        "g": 2 * look.profile.frame_rate,
        "movflags": "+faststart",
        # Neither the place where it was filmed nor a timecode track goes along.
        "map_metadata": -1,
        "map_chapters": -1,
        "write_tmcd": 0,
    }
    return {**options, **_SOUND} if has_sound else options


def _url(path: Path) -> str:
    return f"file:{path}"
