"""Videos and sounds as people have them: odd colours, wrong lengths, bare streams, over every ffmpeg of the machine."""

import io
from itertools import product
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from files.importing.directories import import_directory
from files.media import colours, derived, ffmpeg
from files.media.colours import Colours
from files.media.probe import probe
from files.media.proxy_lookup import proxy_path
from files.media.proxying import attempts, make_proxy
from files.models import File, Problem, Proxy
from files.tasks_media import MAKE_PROXY
from jobs.execution.running import run_now
from jobs.queue import enqueue
from tests import media
from tests.files.factories import make_file, make_root

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whichever_ffmpeg")]


#: Two versions of a scaler or tone mapper differ by a few steps of 255; more than this is another colour.
COLOUR_TOLERANCE = 12


@pytest.fixture
def place(folders: Path) -> Path:
    """A folder for originals."""
    originals = folders / "originals"
    originals.mkdir()
    return originals


def imported(path: Path) -> File:
    info = probe(path)
    root = make_root(path.parent)
    return make_file(
        root, path.name, media_type=info.media_type, duration_s=info.duration_s, frame_rate=info.frame_rate,
        audio_codec=info.audio_codec, video_codec=info.video_codec, metadata=info.as_metadata(),
    )  # fmt: skip


def proxied(path: Path) -> Proxy:
    proxy = make_proxy(imported(path))
    assert proxy is not None
    return proxy


def tags_of(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return (
            int(context.color_primaries), int(context.color_trc), int(context.colorspace), int(context.color_range),
        )  # fmt: skip


def colours_in(path: Path, at: int = 5) -> list[tuple[int, int, int]]:
    """The four quarters of a frame: red, green, blue and white where all is well."""
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[at].to_image()  # type: ignore[no-untyped-call]
    width, height = frame.size
    places = [(width // 4, height // 4), (width * 3 // 4, height // 4), (width // 4, height * 3 // 4)]
    return [frame.getpixel(place) for place in [*places, (width * 3 // 4, height * 3 // 4)]]


def assert_quarters(path: Path) -> None:
    """Red, green, blue and white can be told from each other."""
    red, green, blue, white = colours_in(path)
    assert red[0] > red[1] + 60 and red[0] > red[2] + 60, red  # noqa: PT018
    assert green[1] > green[0] + 60 and green[1] > green[2] + 60, green  # noqa: PT018
    assert blue[2] > blue[0] + 60 and blue[2] > blue[1] + 60, blue  # noqa: PT018
    assert min(white) > 180, white


# --- colours ---


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize(
    ("primaries", "transfer", "matrix", "full"),
    [
        (2, 18, 2, 0),  # HLG, and nothing else is said
        (9, 16, 2, 0),  # PQ without its matrix
        (2, 16, 2, 0),
        (2, 16, 1, 0),
        (9, 18, 9, 1),
        (9, 16, 10, 0),  # constant luminance
        (9, 16, 14, 0),  # ICtCp
        (9, 14, 9, 0),  # wide, of ordinary range
        (9, 2, 2, 0),
        (12, 2, 8, 0),  # YCgCo
        (2, 2, 13, 0),  # derived from primaries that nobody tells
        (1, 1, 12, 0),
        (2, 2, 11, 0),
        (2, 2, 0, 0),  # "it is RGB", which it is not
        (2, 2, 2, 1),
        (11, 17, 2, 0),
        (22, 9, 4, 0),
        (10, 12, 7, 0),
        (8, 8, 6, 0),
        (5, 5, 5, 0),
        (6, 6, 6, 1),
        (255, 255, 255, 0),
        (3, 3, 3, 0),
    ],
)
def test_whatever_the_colour_tags_say_a_proxy_comes_of_it(
    place: Path, codec: str, primaries: int, transfer: int, matrix: int, full: int
) -> None:
    clip = media.make_tagged(place / "clip.mp4", codec, primaries, transfer, matrix, is_full=bool(full), seconds=0.5)

    proxy = proxied(clip)

    assert proxy.duration_s == pytest.approx(0.5, abs=0.15)
    assert tags_of(proxy_path(proxy))[2] in (1, 5, 6)
    assert tags_of(proxy_path(proxy))[3] == 1
    if matrix not in (10, 14):  # the clip's samples are ordinary ones, so what these tags say of them is not true
        assert_quarters(proxy_path(proxy))
    assert derived.poster_path(proxy.file) is not None


@pytest.mark.parametrize(
    ("codec", "primaries", "transfer", "matrix"),
    [("hevc", 9, 16, 9), ("hevc", 2, 18, 2), ("h264", 12, 2, 8), ("hevc", 9, 14, 9), ("h264", 2, 2, 13)],
    ids=["PQ", "HLG", "P3", "BT.2020", "derived"],
)
def test_colours_come_out_like_by_every_ffmpeg(
    place: Path, settings: Settings, codec: str, primaries: int, transfer: int, matrix: int
) -> None:
    seen = []
    for name, program in media.every_ffmpeg().items():
        settings.FFMPEG_PATH = program
        (place / name).mkdir()
        clip = media.make_tagged(place / name / "clip.mp4", codec, primaries, transfer, matrix, seconds=0.5)
        seen.append([value for colour in colours_in(proxy_path(proxied(clip))) for value in colour])

    least, most = (list(map(side, zip(*seen, strict=True))) for side in (min, max))
    assert all(high - low <= COLOUR_TOLERANCE for low, high in zip(least, most, strict=True)), seen


def test_ycgco_of_full_chroma_is_believed(place: Path) -> None:
    plain = media.make_tagged(place / "plain.mp4", "h264", 1, 1, 1)
    real = place / "ycgco.mp4"
    media.run_ffmpeg(
        "-i", plain, "-vf", "zscale=m=ycgco:min=709,format=yuv444p", "-c:v", "libx264", "-qp", "0",
        "-bsf:v", "h264_metadata=matrix_coefficients=8:colour_primaries=1:transfer_characteristics=1", real,
    )  # fmt: skip

    assert_quarters(proxy_path(proxied(real)))


def test_where_no_tone_mapper_works_colours_are_labelled_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "has_filter", lambda name: False)
    clip = media.make_tagged(place / "clip.mp4", "hevc", 9, 16, 9)

    proxy = proxied(clip)

    assert tags_of(proxy_path(proxy)) == (1, 1, 1, 1)
    assert_quarters(proxy_path(proxy))


def test_tags_are_completed_by_size_and_by_each_other() -> None:
    assert colours.completed(Colours(), 720, 576) == Colours(primaries=1, transfer=1, matrix=5)
    assert colours.completed(Colours(), 720, 480) == Colours(primaries=1, transfer=1, matrix=6)
    assert colours.completed(Colours(), 1920, 1080) == Colours(primaries=1, transfer=1, matrix=1)
    assert colours.completed(Colours(primaries=9), 1920, 1080).matrix == 9
    assert colours.completed(Colours(transfer=18), 64, 64) == Colours(primaries=9, transfer=18, matrix=9)
    assert colours.completed(Colours(primaries=12, transfer=16, matrix=1), 64, 64).primaries == 12


def test_every_completed_colour_has_a_name_that_ffmpeg_knows() -> None:
    for primaries, transfer, matrix in product([*range(13), 22, 255], [*range(19), 255], [*range(18), 255]):
        whole = colours.completed(Colours(primaries=primaries, transfer=transfer, matrix=matrix), 640, 480)
        assert all(colours.parameters(whole).values())
        assert all(colours.parameters(colours.shown_as(whole)).values())


# --- how long it is ---


def test_a_dvd_of_several_programs_is_as_long_as_all_of_them(place: Path) -> None:
    for number in (1, 2):
        media.make_clip(
            place / f"{number}.mpg",
            seconds=5,
            size="96x64",
            extra=("-c:v", "mpeg2video", "-f", "vob", "-c:a", "ac3"),
        )
    disc = place / "disc" / "title.vob"
    disc.parent.mkdir()
    disc.write_bytes((place / "1.mpg").read_bytes() + (place / "2.mpg").read_bytes())

    proxy = proxied(disc)

    assert not proxy.is_partial
    assert File.objects.get().duration_s == pytest.approx(10, abs=0.4)


def test_an_mp3_without_a_header_is_as_long_as_it_plays(place: Path) -> None:
    (place / "music").mkdir()
    parts = [
        media.make_audio(place / f"{rate}.mp3", seconds=seconds, extra=("-b:a", f"{rate}k", "-write_xing", "0"))
        for rate, seconds in ((320, 3), (32, 30))
    ]
    song = place / "music" / "song.mp3"
    song.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert (probe(song).duration_s or 0) < 20

    make_proxy(file := imported(song))

    file.refresh_from_db()
    assert file.duration_s == pytest.approx(33, abs=0.5)


@pytest.mark.parametrize("suffix", ["mkv", "webm", "ts", "mp4"])
def test_a_recording_whose_clock_starts_late_is_not_longer_for_it(place: Path, suffix: str) -> None:
    codec = ("-c:v", "libvpx", "-c:a", "libopus") if suffix == "webm" else ("-c:a", "aac")
    clip = media.make_clip(place / f"part2.{suffix}", seconds=4, extra=(*codec, "-output_ts_offset", "100"))

    proxy = proxied(clip)

    assert not proxy.is_partial
    assert File.objects.get().duration_s == pytest.approx(4, abs=0.3)


def test_a_clock_that_jumps_makes_no_recording_longer(place: Path) -> None:
    (place / "tv").mkdir()
    parts = [
        media.make_clip(place / f"{start}.ts", seconds=3, extra=("-output_ts_offset", str(start), "-c:a", "aac"))
        for start in (10, 5000)
    ]
    joined = place / "tv" / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    proxy = proxied(joined)

    assert not proxy.is_partial
    assert File.objects.get().duration_s == pytest.approx(6, abs=0.5)


def test_a_gap_without_pictures_is_part_of_the_length(place: Path) -> None:
    clip = place / "screen.mkv"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=d=12:s=64x64:r=5", "-vf", "select='lt(t,2)+gt(t,11.5)'", "-fps_mode", "vfr",
        "-c:v", "libx264", clip,
    )  # fmt: skip

    proxied(clip)

    assert File.objects.get().duration_s == pytest.approx(12, abs=0.5)


def test_the_length_that_was_decoded_outlives_the_next_look_at_the_file(place: Path) -> None:
    library = place / "library"
    library.mkdir()
    parts = [
        media.make_audio(place / f"{rate}.mp3", seconds=seconds, extra=("-b:a", f"{rate}k", "-write_xing", "0"))
        for rate, seconds in ((320, 2), (32, 20))
    ]
    song = library / "song.mp3"
    song.write_bytes(b"".join(part.read_bytes() for part in parts))
    import_directory(library)
    make_proxy(File.objects.get())

    song.touch()
    import_directory(library)

    assert File.objects.get().duration_s == pytest.approx(22, abs=0.5)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "flv", "wav", "mp3"])
def test_what_is_cut_short_is_told_as_such(place: Path, suffix: str) -> None:
    whole = place / f"whole.{suffix}"
    if suffix in ("wav", "mp3"):
        media.make_audio(whole, seconds=10)
    else:
        fast = ("-movflags", "+faststart") if suffix == "mp4" else ()
        media.make_clip(whole, seconds=10, extra=(*fast, "-c:a", "mp3"))
    (place / "half").mkdir()
    half = media.cut_in_half(whole, place / "half" / f"half.{suffix}")
    claimed_s = probe(half).duration_s or 0

    proxy = make_proxy(imported(half))

    file = File.objects.get()
    if claimed_s > 9:
        assert proxy.is_partial if proxy else file.metadata["is_damaged"]
        assert file.duration_s == pytest.approx(claimed_s)
    else:
        assert file.duration_s == pytest.approx(5, abs=0.7)


# --- what is taken in ---


@pytest.mark.parametrize(
    ("name", "arguments", "media_type"),
    [
        ("camera.h264", ("-c:v", "libx264", "-f", "h264"), "video"),
        ("camera.h265", ("-c:v", "libx265", "-x265-params", "log-level=error", "-f", "hevc"), "video"),
        ("raw.y4m", ("-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"), "video"),
        ("video.m2v", ("-c:v", "mpeg2video", "-f", "mpeg2video"), "video"),
        ("stream.ivf", ("-c:v", "libvpx", "-f", "ivf"), "video"),
        ("video.m4v", ("-c:v", "mpeg4", "-f", "m4v"), "video"),
        ("video.obu", ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-f", "obu"), "video"),
        ("video.nut", ("-c:v", "libx264", "-f", "nut"), "video"),
        ("recorded.wtv", ("-c:v", "mpeg2video", "-f", "wtv"), "video"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_bare_streams_are_taken_in_by_their_content(
    place: Path, name: str, arguments: tuple[str, ...], media_type: str, is_named: bool
) -> None:
    library = place / "library"
    library.mkdir()
    path = library / (name if is_named else "recording")
    media.run_ffmpeg("-f", "lavfi", "-i", "testsrc2=d=2:s=64x64:r=25", *arguments, path)

    report = import_directory(library)

    assert report.imported == 1, report.problems
    file = File.objects.get()
    assert file.media_type == media_type
    assert make_proxy(file) is not None
    assert File.objects.get().duration_s == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("suffix", ["au", "aiff", "caf", "w64", "wv", "tta", "voc", "dts"])
def test_sounds_of_old_machines_are_taken_in(place: Path, suffix: str) -> None:
    library = place / "library"
    library.mkdir()
    dts = ("-c:a", "dca", "-strict", "-2", "-ar", "48000") if suffix == "dts" else ()
    media.make_audio(library / f"voice.{suffix}", seconds=2, extra=dts).rename(library / "voice")

    assert import_directory(library).imported == 1
    file = File.objects.get()
    assert file.media_type == "audio"
    assert file.duration_s == pytest.approx(2, abs=0.1)


def test_the_frame_rate_of_raw_dv(place: Path) -> None:
    dv = place / "tape.dv"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=d=0.2:s=720x576:r=25", "-f", "lavfi", "-i", "sine=d=0.2:sample_rate=48000",
        "-target", "pal-dv", dv,
    )  # fmt: skip

    assert probe(dv).frame_rate == 25


# --- the poster, and what is told ---


@pytest.mark.parametrize("start", ["black", "white", "gray"])
def test_the_poster_is_a_frame_that_shows_something(place: Path, start: str) -> None:
    clip = place / "fade.mp4"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", f"color={start}:s=320x240:d=4:r=25", "-f", "lavfi", "-i", "testsrc2=s=320x240:d=3:r=25",
        "-filter_complex", "[0][1]concat=n=2", "-c:v", "libx264", "-pix_fmt", "yuv420p", clip,
    )  # fmt: skip

    poster = derived.poster_path(proxied(clip).file)

    assert poster is not None
    with Image.open(poster) as image:
        assert len(set(image.convert("RGB").resize((8, 8)).get_flattened_data())) > 20
        assert image.size == (320, 240)


def test_a_clip_of_one_colour_has_it_as_its_poster(place: Path) -> None:
    poster = derived.poster_path(proxied(media.make_clip(place / "a.mp4", picture="color=red")).file)

    assert poster is not None
    with Image.open(poster) as image:
        assert image.getpixel((10, 10))[0] > 200  # type: ignore[index]


def test_the_first_real_error_is_told_once_and_listed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = imported(media.make_clip(place / "a.mp4"))
    monkeypatch.setattr("files.media.proxying.ffmpeg.quality", lambda encoder: ("-profile:v", "nonsense"))

    job = run_now(enqueue(MAKE_PROXY, file.pk))

    assert job.state == "failed"
    assert job.error == "ffmpeg could not convert the file: x264 invalid profile: nonsense."
    assert [(problem.path, problem.reason) for problem in Problem.objects.all()] == [("a.mp4", job.error)]
    monkeypatch.undo()
    run_now(enqueue(MAKE_PROXY, file.pk))
    assert not Problem.objects.exists()


@pytest.mark.parametrize(
    ("errors", "cause"),
    [
        (
            ["Error while filtering: x", "code 3074: no path between colorspaces"],
            "code 3074: no path between colorspaces",
        ),
        (["error while decoding MB 3 4", "Unknown encoder 'x'.", "Conversion failed!"], "Unknown encoder 'x'"),
        (["Nothing was written into output file, because …"], "Nothing was written into output file, because …"),
        ([], ""),
    ],
)
def test_what_names_no_cause_is_not_told(errors: list[str], cause: str) -> None:
    assert ffmpeg.cause_of(errors) == cause


def test_a_picture_that_was_cut_off_is_told_on_the_file_and_listed(place: Path) -> None:
    noisy = media.jpeg_of(Image.effect_noise((640, 480), 80).convert("RGB"), quality=95)
    path = place / "cut.jpg"
    path.write_bytes(noisy[: len(noisy) // 2])
    file = imported(path)

    job = run_now(enqueue(MAKE_PROXY, file.pk))

    assert (job.state, "damaged" in job.message) == ("succeeded", True)
    assert Problem.objects.get().kind == "damaged"
    assert File.objects.get().metadata["is_damaged"] is True
    assert derived.poster_path(file) is not None


def test_each_attempt_gives_up_something(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    info = probe(media.make_clip(place / "a.mp4"))
    monkeypatch.setattr(ffmpeg, "h264_encoder", lambda: "h264_nvenc")
    monkeypatch.setattr(ffmpeg, "has_filter", lambda name: True)

    tried = [(a.encoder, a.can_tonemap, a.sound is not None) for a in attempts(info, info.audio_tracks[0])]

    assert tried == [
        ("h264_nvenc", True, True), ("h264_nvenc", False, True), ("libx264", False, True),
        ("h264_nvenc", True, False), ("h264_nvenc", False, False), ("libx264", False, False),
    ]  # fmt: skip


def test_where_and_with_what_a_video_was_filmed(place: Path) -> None:
    clip = media.make_clip(
        place / "a.mov",
        extra=(
            "-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.make=Apple",
            "-metadata", "com.apple.quicktime.model=iPhone 15",
            "-metadata", "com.apple.quicktime.location.ISO6709=+48.8577-002.2950+035.1/",
        ),
    )  # fmt: skip

    facts: dict[str, Any] = probe(clip).as_metadata()

    assert (facts["latitude"], facts["longitude"], facts["camera"]) == (48.8577, -2.295, "Apple iPhone 15")


def test_no_cover_but_of_a_named_format(place: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "JPEG")
    song = media.make_cover(place / "song.mp3")

    make_proxy(file := imported(song))

    assert derived.poster_path(file) is not None
