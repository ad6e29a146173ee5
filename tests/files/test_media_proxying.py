"""What is made of real files: pictures, times, messages."""

import itertools
import os
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from files import conf
from files.errors import FilesError, MediaError, NoSpaceError, NoSuchTrackError, PlaylistError, UnreadableError
from files.media import derived, profiles
from files.media.probe import probe
from files.media.proxy_lookup import find_good, proxy_path
from files.media.proxying import make_proxy
from files.models import File, Proxy, Root
from files.storage import disk
from files.storage.hashing import full_hash, sampled_hash
from jobs.errors import Cancelled
from tests import media
from tests.files.factories import make_file, make_root

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whichever_ffmpeg")]

RED, BLUE, GREY = (254, 0, 0), (0, 0, 254), (126, 126, 126)
#: x264 at CRF 28 and JPEG move a flat colour by a few steps; more than this is another colour.
COLOUR_TOLERANCE = 12


@pytest.fixture
def originals(folders: Path) -> Path:
    place = folders / "originals"
    place.mkdir()
    return place


def imported(path: Path) -> File:
    """A row for a real file, as an import would write it."""
    info = probe(path)
    root = Root.objects.filter(path=path.parent).first() or make_root(path.parent)
    return make_file(
        root,
        path.name,
        media_type=info.media_type,
        duration_s=info.duration_s,
        size_bytes=path.stat().st_size,
        audio_codec=info.audio_codec,
        metadata=info.as_metadata(),
    )


def made(path: Path, **options: Any) -> Proxy:
    proxy = make_proxy(imported(path), **options)
    assert proxy is not None
    return proxy


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def picture_in(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def is_colour(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    pixel = image.convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(have - want) <= COLOUR_TOLERANCE for have, want in zip(pixel, colour, strict=True))


def loudest_hz(path: Path) -> float:
    """The frequency of a FLAC that is one tone, from its zero crossings."""
    with av.open(str(path)) as container:
        samples = [value for frame in container.decode(audio=0) for value in frame.to_ndarray()[0].tolist()]
        rate = container.streams.audio[0].rate
    crossings = sum(1 for one, two in itertools.pairwise(samples) if (one < 0) != (two < 0))
    return crossings / 2 / (len(samples) / rate)


def residue(folders: Path) -> list[Path]:
    return list(folders.rglob(".*.part"))


def test_one_run_makes_proxy_sound_poster_and_sprite(folders: Path, originals: Path) -> None:
    clip = media.make_clip(originals / "Harbour tour.mp4", seconds=4, size="1920x1080")

    proxy = made(clip)

    file = proxy.file
    path = folders / "proxy_video" / f"Harbour tour_{file.pk}_720p15.mp4"
    assert proxy_path(proxy) == path
    assert (proxy.width, proxy.height, proxy.proxy_spec, proxy.is_partial) == (1280, 720, "720p15", False)
    assert proxy.size_bytes == path.stat().st_size
    assert proxy.metadata["proxy_spec"] == "720p15"
    copy = probe(path)
    assert (copy.video_codec, copy.audio_codec, copy.frame_rate) == ("h264", "aac", 15.0)
    assert copy.duration_s == pytest.approx(4, abs=0.1)
    audio = derived.audio_path(file)
    assert audio is not None
    sound = probe(audio).audio_tracks[0]
    assert (sound.codec, sound.channels, sound.sample_rate) == ("flac", 1, 16000)
    poster, sprite, vtt = derived.poster_path(file), derived.sprite_path(file), derived.sprite_vtt_path(file)
    assert poster is not None
    assert sprite is not None
    assert vtt is not None
    assert picture_in(poster).size == (1280, 720)
    assert picture_in(sprite).size == (4 * 160, 90)
    assert vtt.read_text().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nsprite.jpg#xywh=0,0,160,90\n")
    assert vtt.read_text().count("-->") == 4
    assert residue(folders) == []


def test_proxy_starts_playing_before_it_is_whole(originals: Path) -> None:
    path = proxy_path(made(media.make_clip(originals / "a.mp4")))

    content = path.read_bytes()

    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("degrees", "size", "red_at", "blue_at"),
    [
        (90, (240, 320), (200, 160), (40, 160)),
        (180, (320, 240), (160, 200), (160, 40)),
        (270, (240, 320), (40, 160), (200, 160)),
    ],
)
def test_turned_clip_is_upright(
    originals: Path, degrees: int, size: tuple[int, int], red_at: tuple[int, int], blue_at: tuple[int, int]
) -> None:
    proxy = made(media.make_rotated(originals / "phone.mp4", degrees))

    image = frames_of(proxy_path(proxy))[5]
    poster = derived.poster_path(proxy.file)
    assert poster is not None
    for picture in (image, picture_in(poster)):
        assert picture.size == size
        assert is_colour(picture, red_at, RED)
        assert is_colour(picture, blue_at, BLUE)
    assert probe(proxy_path(proxy)).rotation == 0


def test_odd_sizes_become_even(originals: Path) -> None:
    clip = media.make_clip(originals / "odd.mp4", size="321x241", audio=False, extra=("-pix_fmt", "yuv444p"))

    proxy = made(clip)

    assert (proxy.width, proxy.height) == (320, 240)
    assert probe(proxy_path(proxy)).video.pixel_format == "yuv420p"  # type: ignore[union-attr]


def test_small_clip_is_not_enlarged(originals: Path) -> None:
    assert made(media.make_clip(originals / "s.mp4", size="160x120")).height == 120


def test_wide_pixels_become_square(originals: Path) -> None:
    clip = media.make_halves(originals / "anamorphic.mp4", extra=("-vf", "setsar=2/1"))

    proxy = made(clip)

    assert (proxy.width, proxy.height) == (640, 240)
    assert probe(proxy_path(proxy)).video.pixel_aspect == 1  # type: ignore[union-attr]


def test_variable_rate_becomes_even_and_keeps_its_times(originals: Path) -> None:
    proxy = made(media.make_variable_rate(originals / "vfr.mp4"))

    with av.open(str(proxy_path(proxy))) as container:
        times = [frame.time for frame in container.decode(video=0) if frame.time is not None]
    steps = {round(two - one, 3) for one, two in itertools.pairwise(times)}
    assert steps <= {0.066, 0.067}
    assert times[0] == 0
    assert proxy.duration_s == pytest.approx(4, abs=0.2)


def test_interlaced_clip_has_no_combs(originals: Path) -> None:
    clip = media.make_interlaced(originals / "camera.mts")
    assert probe(clip).video.is_interlaced  # type: ignore[union-attr]

    image = frames_of(proxy_path(made(clip)))[10].convert("L")

    # In a combed picture neighbouring lines differ far more than lines of the same field do.
    plain = frames_of(clip)[8].convert("L")
    assert combing(image) < 1.2 < combing(plain)


def combing(image: Image.Image) -> float:
    """How much more a line differs from its neighbour than half of what it differs from the line after that."""
    width, height = image.size
    rows = [list(image.crop((0, y, width, y + 1)).tobytes()) for y in range(height)]
    near = sum(abs(a - b) for y in range(height - 2) for a, b in zip(rows[y], rows[y + 1], strict=True))
    far = sum(abs(a - b) for y in range(height - 2) for a, b in zip(rows[y], rows[y + 2], strict=True))
    return near / far


def test_hdr_becomes_ordinary_colours(originals: Path) -> None:
    clip = media.make_hdr10(originals / "hdr.mp4", level="gray")

    copy = probe(proxy_path(made(clip)))

    assert copy.video is not None
    assert (copy.video.is_hdr, copy.video.pixel_format) == (False, "yuv420p")
    # Mid-grey in PQ is about 100 nits, which a plain screen shows nearly white; untouched it would stay mid-grey.
    plain, mapped = frames_of(clip)[3], frames_of(proxy_path(Proxy.objects.get()))[3]
    assert mapped.convert("L").tobytes()[0] > plain.convert("L").tobytes()[0] + 20


def test_clip_without_sound_has_a_silent_proxy(originals: Path) -> None:
    proxy = made(media.make_clip(originals / "silent.mp4", audio=False))

    assert probe(proxy_path(proxy)).audio_tracks == ()
    assert derived.audio_path(proxy.file) is None
    assert derived.poster_path(proxy.file) is not None


def test_default_sound_track_is_taken_and_another_can_be_chosen(originals: Path) -> None:
    clip = media.make_two_tracks(originals / "two.mp4")
    file = imported(clip)

    first = make_proxy(file)
    audio = derived.audio_path(file)
    assert audio is not None
    default_hz = loudest_hz(audio)
    second = make_proxy(file, audio_track=0)
    chosen_hz = loudest_hz(audio)

    assert default_hz == pytest.approx(1200, rel=0.02)
    assert chosen_hz == pytest.approx(300, rel=0.02)
    assert first is not None
    assert second is not None
    assert (first.metadata["audio_track"], second.metadata["audio_track"]) == (1, 0)
    assert make_proxy(file) == second  # a choice once made is kept
    with pytest.raises(NoSuchTrackError, match="no sound track 7"):
        make_proxy(file, audio_track=7)


def test_the_rule_of_the_folder_chooses_the_sound_track_of_files_that_have_it(originals: Path) -> None:
    file = imported(media.make_two_tracks(originals / "two.mp4"))
    single = imported(media.make_clip(originals / "one.mp4"))

    for rule in (0, 1):
        file.root.audio_track = single.root.audio_track = rule
        by_rule, only = make_proxy(file), make_proxy(single)
        assert by_rule is not None
        assert only is not None
        assert (by_rule.metadata["audio_track"], only.metadata["audio_track"]) == (rule, 0)
    asked = make_proxy(file, audio_track=0)

    assert asked is not None
    assert asked.metadata["audio_track"] == 0


def test_late_sound_keeps_its_time(originals: Path) -> None:
    tone = media.make_audio(originals / "tone.wav", seconds=1)
    plain = media.make_clip(originals / "plain.mp4", seconds=3, audio=False)
    late = originals / "late.mkv"
    media.run_ffmpeg("-i", plain, "-itsoffset", "1", "-i", tone, "-map", "0", "-map", "1", "-c:v", "copy", late)

    audio = derived.audio_path(made(late).file)

    assert audio is not None
    with av.open(str(audio)) as container:
        samples = [value for frame in container.decode(audio=0) for value in frame.to_ndarray()[0].tolist()]
    first = next(index for index, value in enumerate(samples) if abs(value) > 1000)
    assert first / 16000 == pytest.approx(1, abs=0.05)


def test_sound_file_gets_its_sound_and_needs_no_proxy(originals: Path) -> None:
    file = imported(media.make_audio(originals / "memo.mp3"))

    assert make_proxy(file) is None

    assert derived.audio_path(file) is not None
    assert not Proxy.objects.exists()


def test_cover_is_no_video_but_the_poster(originals: Path) -> None:
    file = imported(media.make_cover(originals / "song.mp3"))
    assert file.media_type == "audio"

    assert make_proxy(file) is None

    poster = derived.poster_path(file)
    assert poster is not None
    assert is_colour(picture_in(poster), (100, 100), RED)


def test_single_frame_gives_a_proxy_of_one_frame(originals: Path) -> None:
    clip = media.make_clip(originals / "one.mp4", audio=False, extra=("-frames:v", "1"))

    proxy = made(clip)

    assert len(frames_of(proxy_path(proxy))) == 1
    assert not proxy.is_partial


def test_half_a_file_gives_a_proxy_that_is_marked(originals: Path) -> None:
    whole = media.make_clip(originals / "whole.mp4", seconds=6, extra=("-movflags", "+faststart"))
    half = media.cut_in_half(whole, originals / "half.mp4")
    whole.unlink()

    proxy = made(half)

    assert proxy.is_partial
    assert proxy.duration_s == pytest.approx(3, abs=0.5)
    assert proxy.metadata["source_duration_s"] == pytest.approx(6, abs=0.1)


def test_flipped_bits_leave_a_proxy_of_full_length_with_a_note(originals: Path) -> None:
    whole = media.make_clip(originals / "whole.mp4", seconds=4, extra=("-movflags", "+faststart"))

    proxy = made(media.flip_bits(whole, originals / "worn.mp4"))

    assert proxy.duration_s == pytest.approx(4, abs=1)
    assert proxy.metadata["damaged_lines"] > 0


def test_recording_without_duration_learns_it(originals: Path) -> None:
    file = imported(media.make_without_duration(originals / "recording.mkv", seconds=3))
    assert file.duration_s is None

    proxy = make_proxy(file)

    assert proxy is not None
    assert not proxy.is_partial
    file.refresh_from_db()
    assert file.duration_s == pytest.approx(3, abs=0.2)


def test_whatever_says_where_and_when_stays_in_the_original(originals: Path) -> None:
    clip = media.make_clip(
        originals / "home.mov", extra=("-metadata", "location=+48.2082+016.3738/", "-metadata", "title=Secret garden")
    )

    content = proxy_path(made(clip)).read_bytes()

    assert b"48.2082" not in content
    assert b"Secret garden" not in content


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda path: path.write_bytes(b""), UnreadableError, "is empty"),
        (media.make_encrypted, UnreadableError, "encrypted"),
        (lambda path: path.write_bytes(b"#EXTM3U\n#EXTINF:1,\nother.ts\n"), PlaylistError, "playlist"),
    ],
)
def test_what_cannot_be_read_says_why(originals: Path, make: Any, error: type[MediaError], words: str) -> None:
    make(originals / "clip.mp4")
    file = make_file(make_root(originals), "clip.mp4")

    with pytest.raises(error, match=words) as caught:
        make_proxy(file)

    assert caught.value.remedy
    assert not Proxy.objects.exists()


def test_picture_gets_an_upright_poster(originals: Path) -> None:
    file = imported(media.make_image(originals / "photo.jpg", size=(64, 48), orientation=6))

    assert make_proxy(file) is None

    poster = derived.poster_path(file)
    assert poster is not None
    assert picture_in(poster).size == (48, 64)


def test_second_request_makes_nothing_anew(originals: Path) -> None:
    proxy = made(media.make_clip(originals / "a.mp4"))
    written_at = proxy_path(proxy).stat().st_mtime_ns

    again = make_proxy(proxy.file)

    assert again == proxy
    assert proxy_path(proxy).stat().st_mtime_ns == written_at


@pytest.mark.parametrize("loss", ["proxy", "audio", "content"])
def test_what_was_lost_or_changed_is_made_again(originals: Path, loss: str) -> None:
    clip = media.make_clip(originals / "a.mp4")
    proxy = made(clip)
    file = proxy.file
    if loss == "proxy":
        disk.remove(proxy_path(proxy))
    elif loss == "audio":
        disk.remove(derived.folder(file.pk) / derived.AUDIO)
    else:
        media.make_clip(clip, seconds=3)

    again = make_proxy(file)

    assert again is not None
    assert again.pk == proxy.pk
    assert find_good(file, "720p15", again.source_hash) == again
    assert again.duration_s == pytest.approx(3 if loss == "content" else 2, abs=0.1)


def test_two_specs_lie_side_by_side(originals: Path) -> None:
    proxy = made(media.make_clip(originals / "a.mp4"))

    small = make_proxy(proxy.file, spec="720p5")

    assert small is not None
    assert probe(proxy_path(small)).frame_rate == 5.0
    assert proxy_path(proxy).is_file()
    with pytest.raises(profiles.UnknownProfileError, match="'best'"):
        make_proxy(proxy.file, spec="best")


class CancelAt:
    """A progress handle that asks to stop once so much is done."""

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction

    def update(self, fraction: float, message: str = "") -> None:
        if fraction >= self.fraction:
            raise Cancelled

    def check(self) -> None:
        return None


def test_cancel_leaves_nothing(folders: Path, originals: Path) -> None:
    file = imported(media.make_clip(originals / "long.mp4", seconds=20, size="640x480"))

    with pytest.raises(Cancelled):
        make_proxy(file, progress=CancelAt(0.0))

    assert residue(folders) == []
    assert list(conf.folders().proxies.iterdir()) == []
    assert not Proxy.objects.exists()


class Reported:
    """A progress handle that remembers."""

    def __init__(self) -> None:
        self.fractions: list[float] = []

    def update(self, fraction: float, message: str = "") -> None:
        self.fractions.append(fraction)

    def check(self) -> None:
        return None


def test_progress_is_told_while_the_work_goes_on(originals: Path) -> None:
    """An output that gives its first frame at the end keeps ffmpeg silent until then, and looks like a stall."""
    file = imported(media.make_clip(originals / "long.mp4", seconds=60, size="640x480", fps=15))
    reported = Reported()

    make_proxy(file, progress=reported)

    assert any(0 < fraction < 0.8 for fraction in reported.fractions)


def test_no_room_is_said_before_the_work(originals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = imported(media.make_clip(originals / "a.mp4"))
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1000)

    with pytest.raises(NoSpaceError, match="MB are needed"):
        make_proxy(file)


def test_original_stays_as_it_was(originals: Path) -> None:
    clip = media.make_clip(originals / "a.mp4")
    before = (clip.read_bytes(), clip.stat().st_mtime_ns)
    clip.chmod(0o440)
    originals.chmod(0o550)
    try:
        made(clip)
    finally:
        originals.chmod(0o750)

    assert (clip.read_bytes(), clip.stat().st_mtime_ns) == before
    assert [path.name for path in originals.iterdir()] == ["a.mp4"]


def test_encoder_that_fails_is_replaced_by_the_cpu(originals: Path, settings: Any) -> None:
    settings.PROXY_ENCODER = "h264_nvenc"  # no GPU here, or one: either way there is a proxy

    assert probe(proxy_path(made(media.make_clip(originals / "a.mp4", seconds=1)))).video_codec == "h264"


def test_source_that_changes_while_it_is_read_is_tried_again(originals: Path) -> None:
    clip = media.make_clip(originals / "a.mp4", seconds=1)
    file = imported(clip)

    class Appends:
        def update(self, fraction: float, message: str = "") -> None:
            with clip.open("ab") as out:
                out.write(b"more")

        def check(self) -> None:
            return None

    with pytest.raises(UnreadableError, match="changed while it was read") as caught:
        make_proxy(file, progress=Appends())

    assert caught.value.retryable


def test_file_removed_meanwhile_leaves_no_proxy(folders: Path, originals: Path) -> None:
    file = imported(media.make_clip(originals / "a.mp4", seconds=1))

    class Removes:
        def update(self, fraction: float, message: str = "") -> None:
            file.mark_removed()

        def check(self) -> None:
            return None

    with pytest.raises(FilesError, match="left the library meanwhile"):
        make_proxy(file, progress=Removes())

    assert list(conf.folders().proxies.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["-dash.mp4", 'it\'s "q".mp4', "new\nline.mp4", "http:evil.mp4", "%04d.mp4", "a" * 251 + ".mp4"]
)
def test_awkward_names(folders: Path, originals: Path, name: str) -> None:
    plain = media.make_clip(originals / "plain.mp4", seconds=0.5, size="64x64")
    plain.rename(originals / name)

    proxy = made(originals / name)

    assert proxy_path(proxy).parent == folders / "proxy_video"
    assert len(proxy_path(proxy).name.encode()) <= 255
    assert proxy_path(proxy).is_file()


def test_name_that_is_no_text(originals: Path) -> None:
    plain = media.make_clip(originals / "plain.mp4", seconds=0.5, size="64x64")
    raw = b"\xff\xfe.mp4"
    plain.rename(originals / os.fsdecode(raw))
    file = make_file(make_root(originals), "\ufffd\ufffd.mp4", path_raw=raw)

    proxy = make_proxy(file)

    assert proxy is not None
    assert proxy_path(proxy).is_file()


def test_exact_duplicates_share_what_was_made(originals: Path) -> None:
    first = imported(media.make_clip(originals / "a.mp4", seconds=1))
    twin_path = originals / "copy of a.mp4"
    twin_path.write_bytes(first.local_path.read_bytes())
    one = make_proxy(first)
    twin = make_file(first.root, twin_path.name)
    for file in (first, twin):
        file.full_hash, file.sampled_hash = full_hash(file.local_path), sampled_hash(file.local_path)
        file.save()

    two = make_proxy(twin)

    assert one is not None
    assert two is not None
    assert (two.file, two.path) == (twin, f"copy of a_{twin.pk}_720p15.mp4")
    assert proxy_path(two).samefile(proxy_path(one))  # one copy on the disk, two names
    assert derived.audio_path(twin) is not None
    disk.remove(proxy_path(one))
    assert probe(proxy_path(two)).video_codec == "h264"
    assert find_good(twin, "720p15", two.source_hash) == two


def test_sounds_and_pictures_are_shared_too(originals: Path) -> None:
    picture = media.make_image(originals / "a.png")
    (originals / "b.png").write_bytes(picture.read_bytes())
    one = imported(picture)
    two = make_file(one.root, "b.png", media_type="image")
    for file in (one, two):
        file.full_hash, file.sampled_hash = full_hash(picture), sampled_hash(picture)
        file.save()
    make_proxy(one)

    assert make_proxy(two) is None

    first, second = derived.poster_path(one), derived.poster_path(two)
    assert first is not None
    assert second is not None
    assert first.samefile(second)


def test_only_what_is_certainly_equal_is_shared(originals: Path) -> None:
    first = imported(media.make_clip(originals / "a.mp4", seconds=1))
    make_proxy(first)
    other = imported(media.make_clip(originals / "b.mp4", seconds=1, tone_hz=500))

    second = make_proxy(other)

    assert second is not None
    assert not proxy_path(second).samefile(proxy_path(first.proxies.get()))


def test_empty_sound_track_is_no_sound(originals: Path) -> None:
    clip = originals / "empty-track.mkv"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=duration=1:size=64x64", "-f", "lavfi", "-i", "sine", "-af", "atrim=end=0",
        "-t", "1", "-c:v", "libx264", "-c:a", "pcm_s16le", clip,
    )  # fmt: skip
    assert len(probe(clip).audio_tracks) == 1

    proxy = made(clip)

    assert derived.audio_path(proxy.file) is None
    assert proxy.duration_s == pytest.approx(1, abs=0.1)


def test_neither_picture_nor_sound_to_work_with(originals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = imported(media.make_audio(originals / "a.wav"))
    monkeypatch.setattr("files.media.sound_tracks.default_audio", lambda tracks: None)

    with pytest.raises(UnreadableError, match="neither a picture nor sound"):
        make_proxy(file)
