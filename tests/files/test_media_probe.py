"""What is known of a file after a look into it."""

import contextlib
import os
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from files.errors import MediaError, NotMediaError, PlaylistError, UnreadableError
from files.media import image_files
from files.media.info import AudioTrack, clamp_rotation, default_audio, parse_created_at
from files.media.pictures import poster_of_cover, poster_of_image
from files.media.probe import probe
from tests import media


def track(index: int, **fields: Any) -> AudioTrack:
    return AudioTrack(
        **{"index": index, "stream": index, "codec": "aac", "channels": 2, "sample_rate": 48000, **fields}
    )


def test_video_with_sound(tmp_path: Path) -> None:
    info = probe(media.make_clip(tmp_path / "a.mp4", seconds=2, size="640x360", fps=30))

    assert (info.media_type, info.width, info.height, info.frame_rate) == ("video", 640, 360, 30.0)
    assert (info.video_codec, info.audio_codec) == ("h264", "aac")
    assert info.duration_s == pytest.approx(2, abs=0.05)
    assert info.bit_rate
    assert info.as_metadata()["video"]["pixel_aspect"] == "1"


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    sound = media.make_audio(tmp_path / "a.wav").rename(tmp_path / "film.mp4")
    picture = media.make_image(tmp_path / "b.png").rename(tmp_path / "photo.mov")
    video = media.make_clip(tmp_path / "c.mkv").rename(tmp_path / "notes.txt")

    assert [probe(path).media_type for path in (sound, picture, video)] == ["audio", "image", "video"]


@pytest.mark.parametrize(("degrees", "size"), [(90, (240, 320)), (180, (320, 240)), (270, (240, 320))])
def test_turned_clip_is_known_as_it_is_seen(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    info = probe(media.make_rotated(tmp_path / "a.mp4", degrees))

    assert (info.rotation, (info.width, info.height)) == (degrees, size)


def test_wide_pixels_interlace_and_hdr_are_seen(tmp_path: Path) -> None:
    wide = probe(media.make_clip(tmp_path / "wide.mp4", extra=("-vf", "setsar=2/1"))).video
    fields = probe(media.make_interlaced(tmp_path / "fields.mp4")).video
    bright = probe(media.make_hdr10(tmp_path / "bright.mp4")).video

    assert wide is not None
    assert fields is not None
    assert bright is not None
    assert (wide.pixel_aspect, wide.shown_size) == (Fraction(2), (640, 240))
    assert (fields.is_interlaced, wide.is_interlaced) == (True, False)
    assert (bright.transfer, bright.is_hdr, wide.is_hdr) == ("smpte2084", True, False)


def test_sound_tracks_with_their_languages(tmp_path: Path) -> None:
    tracks = probe(media.make_two_tracks(tmp_path / "two.mp4")).audio_tracks

    assert [(one.index, one.stream, one.language, one.is_default) for one in tracks] == [
        (0, 1, "eng", False),
        (1, 2, "deu", True),
    ]
    assert default_audio(tracks) == tracks[1]


def test_default_track_by_channels_then_order() -> None:
    assert default_audio(()) is None
    assert default_audio((track(0), track(1, channels=6), track(2, channels=6))) == track(1, channels=6)


def test_cover_does_not_make_a_video(tmp_path: Path) -> None:
    song = media.make_cover(tmp_path / "song.mp3")

    assert (probe(song).media_type, probe(song).width) == ("audio", None)
    assert poster_of_cover(song)
    assert poster_of_cover(media.make_audio(tmp_path / "plain.mp3")) is None
    assert poster_of_cover(media.make_image(tmp_path / "a.png")) is None


def test_picture_with_exif(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, "Camera\0", "2024:05:06 07:08:09"
    Image.new("RGB", (64, 48)).save(path, exif=exif)

    info = probe(path)

    assert (info.media_type, info.width, info.height, info.rotation) == ("image", 48, 64, 90)
    assert info.created_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert info.tags["Make"] == "Camera"


def test_no_duration_is_none(tmp_path: Path) -> None:
    assert probe(media.make_without_duration(tmp_path / "a.mkv")).duration_s is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"creation_time": "1904-01-01T00:00:00.000000Z"}, None),
        ({"creation_time": "yesterday"}, None),
        ({"creation_time": "2024-05-06T07:08:09.000000Z"}, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (
            {"creation_time": "2024-05-06T07:08:09Z", "com.apple.quicktime.creationdate": "2024-05-06T01:00:00+0200"},
            datetime(2024, 5, 5, 23, 0, tzinfo=UTC),
        ),
    ],
)
def test_moment_of_recording(tags: dict[str, str], expected: datetime | None) -> None:
    assert parse_created_at(tags) == expected


@pytest.mark.parametrize(("degrees", "turned"), [(0, 0), (-90, 270), (450, 90), (-2147483648, 0), (91.4, 90)])
def test_any_number_becomes_a_quarter_turn(degrees: float, turned: int) -> None:
    assert clamp_rotation(degrees) == turned or degrees == -2147483648


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", UnreadableError, "is empty"),
        (b"only words, " * 500, NotMediaError, "holds no video, sound or picture"),
        (b"%PDF-1.7\n" + b"x" * 5000, NotMediaError, "holds no video"),
        (b"MZ" + b"\0" * 5000, NotMediaError, "holds no video"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", PlaylistError, "is a playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", PlaylistError, "is a playlist"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", PlaylistError, "is a playlist"),
        (b'<?xml version="1.0"?><MPD></MPD>', PlaylistError, "is a playlist"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 500, UnreadableError, "table of contents"),
        (b"\0\0\0\x20ftypheic" + b"\0" * 500, UnreadableError, "HEIC"),
        (b"\x1aE\xdf\xa3" + b"\0" * 500, UnreadableError, "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, UnreadableError, "damaged"),
    ],
)
def test_what_it_is_not(tmp_path: Path, content: bytes, error: type[Exception], words: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    with pytest.raises(error, match=words) as caught:
        probe(path)

    assert str(caught.value).startswith("clip.mp4 ")
    assert str(tmp_path) not in str(caught.value)


def test_garbage_behind_a_name_is_not_media(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(os.urandom(20000))

    with pytest.raises((NotMediaError, UnreadableError)):
        probe(path)


def test_encrypted_clip_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="encrypted"):
        probe(media.make_encrypted(tmp_path / "a.mp4"))


def test_absent_file_is_absent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp4")


def test_awkward_names(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "plain.mp4", seconds=0.5)
    names = [
        b"-dash.mp4",
        b'it\'s "quoted".mp4',
        b"new\nline.mp4",
        b"http:evil.mp4",
        b"%04d.mp4",
        b"\xff\xfe.mp4",
        b"a" * 251 + b".mp4",
    ]

    for name in names:
        path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118
        path.write_bytes(clip.read_bytes())
        assert probe(path).video_codec == "h264"


def test_pictures_of_absurd_size_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_PIXELS", 100)

    with pytest.raises(UnreadableError, match="more than can be shown"):
        probe(media.make_image(tmp_path / "a.png"))


def test_transparent_picture_is_shown_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(path)
    poster = tmp_path / "poster.jpg"

    poster.write_bytes(poster_of_image(path).content)

    with Image.open(poster) as image:
        assert set(image.tobytes()) == {255}


def test_unknown_codec_is_named_as_such(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "a.mp4")
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))

    with pytest.raises(UnreadableError, match="codec that is not known") as caught:
        probe(clip)

    assert "Convert it" in caught.value.remedy


def test_unknown_sound_leaves_a_video_without_sound(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "a.mkv", extra=("-c:a", "aac"))
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_ZZZ"))

    info = probe(clip)

    assert (info.media_type, info.audio_tracks, info.audio_codec) == ("video", (), "")


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "BMP"])
def test_a_broken_picture_is_told_as_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    Image.effect_noise((64, 48), 50).convert("RGB").save(path, kind)
    whole = path.read_bytes()

    for at in range(8, 400, 3):
        path.write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
        for look in (probe, poster_of_image):
            with contextlib.suppress(MediaError):
                look(path)


def test_a_cover_is_shown_whatever_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48), "red").save(tmp_path / "cover.webp", exif=exif)
    media.make_audio(tmp_path / "a.wav", seconds=1)
    joined = tmp_path / "a.mp3"
    media.run_ffmpeg(
        *("-i", tmp_path / "a.wav", "-i", tmp_path / "cover.webp", "-map", "0", "-map", "1"),
        *("-c:v", "copy", "-disposition:v", "attached_pic", joined),
    )
    content = joined.read_bytes()
    assert b"MM\0*\0\0\0\x08" in content

    joined.write_bytes(content.replace(b"MM\0*\0\0\0\x08", b"MM\0\0\0\0\0\x08"))
    assert poster_of_cover(joined) is not None
    joined.write_bytes(content.replace(b"WEBPVP8", b"WEBPXXX"))
    assert poster_of_cover(joined) is None
