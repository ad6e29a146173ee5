"""Still pictures as people have them: what is read of them, and what their poster looks like."""

import io
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from files.errors import MediaError, UnreadableError
from files.importing.inspection import inspect_file
from files.importing.listing import entry_of
from files.media import image_files
from files.media.pictures import poster_of_image
from files.media.probe import probe
from tests import media
from tests.files import raw_photos

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
RAW_TAGS = {0x103: (3, 1), 0x106: (3, 32803), 0x111: (4, ("blob", 0)), 0x117: (4, 4)}


def poster(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(poster_of_image(path).content))


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    """The colours in the four quarters: top left, top right, bottom left, bottom right."""
    width, height = image.size
    places = [(width // 4, height // 4), (width * 3 // 4, height // 4), (width // 4, height * 3 // 4)]
    return [image.convert("RGB").getpixel(place) for place in [*places, (width * 3 // 4, height * 3 // 4)]]  # type: ignore[misc]


def assert_like(colours: list[tuple[int, int, int]], *expected: tuple[int, int, int], within: int = 12) -> None:
    for colour, wanted in zip(colours, expected, strict=True):
        assert max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= within, (colours, expected)


def size_of(path: Path) -> tuple[str, int | None, int | None]:
    info = probe(path)
    return info.media_type, info.width, info.height


@pytest.mark.parametrize("name", ["photo.heic", "photo.jpg", "photo.mp4", "photo.mov"])
def test_a_heic_is_a_picture_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    pillow_heif.from_pillow(media.make_quarters((640, 480))).save(tmp_path / name, quality=90)

    assert size_of(tmp_path / name) == ("image", 640, 480)
    assert_like(corners(poster(tmp_path / name)), RED, GREEN, BLUE, WHITE)


def test_a_heif_of_several_pictures_is_its_first_one_and_does_not_move(tmp_path: Path) -> None:
    heif = pillow_heif.from_pillow(media.make_quarters((320, 200)))
    heif.add_from_pillow(Image.new("RGB", (64, 64), "black"))
    heif.save(tmp_path / "two.heif", quality=90)

    assert size_of(tmp_path / "two.heif") == ("image", 320, 200)
    assert probe(tmp_path / "two.heif").frames is None
    assert_like(corners(poster(tmp_path / "two.heif")), RED, GREEN, BLUE, WHITE)


def test_a_heic_lies_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    heif = pillow_heif.from_pillow(media.make_quarters((320, 200)))
    heif.save(tmp_path / "a.heic", exif=exif.tobytes(), quality=90)

    info = probe(tmp_path / "a.heic")

    assert (info.width, info.height) == poster(tmp_path / "a.heic").size


@pytest.mark.skipif(
    not CASES.is_dir(), reason="the tiled picture is not in this checkout, and no encoder here makes one"
)
def test_a_heic_of_tiles_is_put_together() -> None:
    assert size_of(CASES / "images" / "grid.heic") == ("image", 1400, 1000)
    assert_like(corners(poster(CASES / "images" / "grid.heic")), RED, GREEN, BLUE, (240, 240, 240))


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"msf1", b"heix", b"avci", b"hevc"])
def test_a_heif_that_cannot_be_read_is_refused_by_name_and_never_a_video(tmp_path: Path, brand: bytes) -> None:
    # The brand of a clip's file decides, whatever a video player would make of its tracks.
    clip = media.make_clip(tmp_path / "clip.mp4", seconds=1)
    content = bytearray(clip.read_bytes())
    content[8:12] = brand
    content[16:20] = brand
    (tmp_path / "picture.heic").write_bytes(content)

    with pytest.raises(UnreadableError, match="HEIC picture"):
        probe(tmp_path / "picture.heic")


def test_an_ordinary_mp4_that_also_names_a_picture_brand_is_a_video(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "clip.mp4", seconds=1)
    content = clip.read_bytes()
    assert content[16:20] == b"isom"
    clip.write_bytes(content[:20] + b"mif1" + content[24:])

    assert probe(clip).media_type == "video"


def test_a_tiff_is_as_wide_as_it_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    media.make_quarters((64, 40)).save(tmp_path / "a.tif", exif=exif)

    assert size_of(tmp_path / "a.tif") == ("image", 40, 64)
    assert poster(tmp_path / "a.tif").size == (40, 64)
    assert_like(corners(poster(tmp_path / "a.tif")), BLUE, RED, WHITE, GREEN)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_every_orientation_comes_out_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / f"a.{kind}"
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    turned = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    image = media.make_quarters((64, 40))
    (image if turned is None else image.transpose(turned)).save(path, exif=exif)

    assert size_of(path) == ("image", 64, 40)
    assert poster(path).size == (64, 40)
    assert_like(corners(poster(path)), RED, GREEN, BLUE, WHITE, within=25)


# --- camera raw ---


def dng(jpeg: bytes | None, *, order: str = "<", orientation: int = 6, raw: tuple[int, int] = (3200, 2000)) -> bytes:
    """A raw photo with a thumbnail first, the sensor's samples in another table, and a preview in a third."""
    thumbnail = {
        0xFE: (4, 1), 0x100: (4, 160), 0x101: (4, 100), 0x103: (3, 1), 0x106: (3, 2), 0x10F: (2, "Acme"),
        0x110: (2, "Acme X1"), 0x111: (4, ("blob", 0)), 0x112: (3, orientation), 0x117: (4, 48000),
        0xC612: (1, (1, 4, 0, 0)),
    }  # fmt: skip
    sensor = {**RAW_TAGS, 0x100: (4, raw[0]), 0x101: (4, raw[1])}
    tables: list[dict[int, Any]] = [thumbnail, sensor]
    if jpeg:
        tables.append({0x100: (4, 960), 0x101: (4, 600), 0x103: (3, 7), 0x111: (4, ("blob", 1)), 0x117: (4, len(jpeg))})
    return media.tiff_of(tables, [bytes(48000), jpeg or b""], order=order)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["photo.dng", "photo.nef", "photo.tif"])
def test_of_a_raw_photo_the_preview_is_shown_and_never_the_thumbnail(tmp_path: Path, order: str, name: str) -> None:
    (tmp_path / name).write_bytes(dng(media.jpeg_of(media.make_quarters((960, 600))), order=order))

    info = probe(tmp_path / name)

    assert (info.media_type, info.container, info.width, info.height) == ("image", "raw", 2000, 3200)
    assert info.as_metadata()["camera"] == "Acme X1"
    assert poster(tmp_path / name).size == (600, 960)
    assert_like(corners(poster(tmp_path / name)), BLUE, RED, WHITE, GREEN)


def test_a_preview_that_the_camera_has_turned_already_is_not_turned_again(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(dng(media.jpeg_of(media.make_quarters((600, 960)))))

    assert size_of(tmp_path / "a.dng") == ("image", 2000, 3200)
    assert_like(corners(poster(tmp_path / "a.dng")), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("jpeg", [None, media.jpeg_of(Image.new("RGB", (160, 120)))], ids=["none", "a thumbnail only"])
def test_a_raw_photo_without_a_preview_is_refused_by_name(tmp_path: Path, jpeg: bytes | None) -> None:
    (tmp_path / "photo.dng").write_bytes(dng(jpeg))

    with pytest.raises(UnreadableError, match="camera raw") as refused:
        probe(tmp_path / "photo.dng")
    assert "JPEG" in refused.value.remedy


def test_a_cr2_is_its_preview(tmp_path: Path) -> None:
    jpeg = media.jpeg_of(media.make_quarters((600, 400)))
    table = {0x100: (3, 5184), 0x101: (3, 3456), 0x103: (3, 6), 0x111: (4, ("blob", 0)), 0x117: (4, len(jpeg))}
    content = bytearray(media.tiff_of([table], [jpeg]))
    content[8:8] = b"CR\x02\0\0\0\0\0"  # the table begins eight bytes later, and so does all that it points at
    struct.pack_into("<I", content, 4, 16)
    at = content.index(struct.pack("<HHI", 0x111, 4, 1)) + 8
    struct.pack_into("<I", content, at, struct.unpack_from("<I", content, at)[0] + 8)
    (tmp_path / "photo.cr2").write_bytes(content)

    assert size_of(tmp_path / "photo.cr2") == ("image", 5184, 3456)
    assert_like(corners(poster(tmp_path / "photo.cr2")), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("photo.raf", b"FUJIFILMCCD-RAW 0201FF129502"),
        ("photo.cr3", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"),
        ("photo.x3f", b"FOVb\0\0\x02\0"),
        ("photo.orf", b"IIRO\x08\0\0\0\0\0"),
    ],
)
def test_raw_formats_that_are_no_tiff_are_looked_through(tmp_path: Path, name: str, head: bytes) -> None:
    large, small = media.make_quarters((1200, 800)), Image.new("RGB", (160, 120))
    (tmp_path / name).write_bytes(
        head.ljust(500, b"\0") + media.jpeg_of(small) + bytes(5_000_000) + media.jpeg_of(large) + bytes(1000)
    )

    assert size_of(tmp_path / name) == ("image", 1200, 800)
    assert_like(corners(poster(tmp_path / name)), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("maker", raw_photos.MAKERS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_each_makers_raw_photo_is_its_preview_in_its_true_size(tmp_path: Path, maker: str, orientation: int) -> None:
    preview = media.jpeg_of(media.make_quarters((1620, 1080)))
    path = tmp_path / f"DSC_0001.{maker.upper()}"
    path.write_bytes(raw_photos.MAKERS[maker](preview, (6000, 4000), orientation))

    info = probe(path)

    is_turned = orientation == 6
    size = (4000, 6000) if is_turned else (6000, 4000)
    assert (info.media_type, info.container, (info.width, info.height)) == ("image", "raw", size)
    assert info.as_metadata()["camera"] == "Acme X1"
    assert str(info.created_at) == "2023-07-05 14:30:00+00:00"
    order = (BLUE, RED, WHITE, GREEN) if is_turned else (RED, GREEN, BLUE, WHITE)
    assert_like(corners(poster(path)), *order)


@pytest.mark.parametrize("maker", raw_photos.MAKERS)
def test_a_makers_raw_photo_with_a_thumbnail_only_is_refused_by_name(tmp_path: Path, maker: str) -> None:
    path = tmp_path / f"photo.{maker}"
    path.write_bytes(raw_photos.MAKERS[maker](raw_photos.THUMBNAIL, (6000, 4000), 1))

    with pytest.raises(UnreadableError, match="camera raw"):
        probe(path)


def test_a_tile_of_a_raw_photo_is_no_preview(tmp_path: Path) -> None:
    preview = media.jpeg_of(media.make_quarters((960, 640)))
    (tmp_path / "a.dng").write_bytes(raw_photos.lossy_dng(preview, (6000, 4000), 1))
    (tmp_path / "b.dng").write_bytes(raw_photos.lossy_dng(raw_photos.THUMBNAIL, (6000, 4000), 1))

    assert_like(corners(poster(tmp_path / "a.dng")), RED, GREEN, BLUE, WHITE)
    with pytest.raises(UnreadableError, match="camera raw"):
        probe(tmp_path / "b.dng")


def test_raw_photos_are_found_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "no extension").write_bytes(dng(media.jpeg_of(media.make_quarters((960, 600)))))
    path = tmp_path / "no extension"

    assert inspect_file(tmp_path, entry_of(path.name, path.lstat())).info is not None


# --- what is too much, and what is broken ---


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (64, 40)) -> bytes:
    """A PNG with these chunks before its pixels."""
    out = io.BytesIO()
    media.make_quarters(size).save(out, "PNG")
    content = out.getvalue()
    made = b"".join(
        struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return content[:33] + made + content[33:]


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"note\0\0" + zlib.compress(b"words " * 4_000_000)),
        (b"iTXt", b"note\0\1\0\0\0" + zlib.compress(b"words " * 4_000_000)),
        (b"iCCP", b"huge\0\0" + zlib.compress(bytes(20_000_000))),
        (b"iCCP", b"broken\0\0no zlib at all"),
        (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
        (b"zTXt", b"broken\0\0no zlib at all"),
    ],
)
def test_a_note_or_profile_does_not_decide_whether_a_png_is_a_picture(
    tmp_path: Path, chunk: tuple[bytes, bytes]
) -> None:
    (tmp_path / "a.png").write_bytes(png(chunk))

    assert size_of(tmp_path / "a.png") == ("image", 64, 40)
    assert_like(corners(poster(tmp_path / "a.png")), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("pointer", [0xFFFFFFFB, 0xFFFFFFFF, 3, 10_000_000])
def test_exif_that_points_nowhere_is_left_out(tmp_path: Path, pointer: int) -> None:
    broken = b"Exif\0\0" + struct.pack(
        "<2sHIHHHIIHHIII", b"II", 42, 8, 2, 0x8769, 4, 1, pointer, 0x112, 3, 1, 1, pointer
    )
    media.make_quarters().save(tmp_path / "a.jpg", exif=broken)

    assert size_of(tmp_path / "a.jpg") == ("image", 320, 200)
    assert_like(corners(poster(tmp_path / "a.jpg")), RED, GREEN, BLUE, WHITE)


@pytest.mark.slow
def test_two_hundred_million_pixels_are_a_picture(tmp_path: Path) -> None:
    Image.new("L", (16320, 12240), 90).save(tmp_path / "phone.png")

    assert size_of(tmp_path / "phone.png") == ("image", 16320, 12240)
    assert_like(corners(poster(tmp_path / "phone.png")), *[(90, 90, 90)] * 4)


def test_more_pixels_than_can_be_shown_are_refused_before_they_are_read(tmp_path: Path) -> None:
    content = bytearray(png())
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (tmp_path / "a.png").write_bytes(content)

    with pytest.raises(UnreadableError, match="30000 x 30000 pixels"):
        probe(tmp_path / "a.png")


@pytest.mark.parametrize("kept", [0.5, 0.8, -60, -2])
def test_a_jpeg_that_was_cut_off_shows_what_it_has_and_is_marked(tmp_path: Path, kept: float) -> None:
    whole = media.jpeg_of(media.make_quarters((640, 480)), quality=95)
    noisy = media.jpeg_of(Image.effect_noise((640, 480), 80).convert("RGB"), quality=95)
    end = int(len(noisy) * kept) if 0 < kept < 1 else int(kept)
    (tmp_path / "cut.jpg").write_bytes(noisy[:end])
    (tmp_path / "whole.jpg").write_bytes(whole)

    assert poster_of_image(tmp_path / "cut.jpg").is_damaged
    assert poster(tmp_path / "cut.jpg").size == (640, 480)
    assert not poster_of_image(tmp_path / "whole.jpg").is_damaged


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "SGI", "EPS", "PDF", "ICNS", "DDS"])
def test_formats_that_are_not_named_are_not_opened(tmp_path: Path, kind: str) -> None:
    media.make_quarters((64, 64)).save(tmp_path / "a.jpg", kind)

    with pytest.raises(MediaError):
        probe(tmp_path / "a.jpg")


def test_a_cover_is_opened_as_one_of_the_named_formats_only() -> None:
    out = io.BytesIO()
    media.make_quarters().save(out, "TGA")

    with pytest.raises(image_files.DAMAGE):
        image_files.open_bytes(out.getvalue())


# --- colours ---


def ramp(mode: str, values: Callable[[int], float]) -> Image.Image:
    image = Image.new(mode, (256, 20))
    for x in range(256):
        image.paste(values(x), (x, 0, x + 1, 20))
    return image


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.png", ramp("I;16", lambda x: x * 257)),
        ("a.tif", ramp("I;16", lambda x: x * 257)),
        ("b.tif", ramp("I", lambda x: x * 257)),
        ("c.tif", ramp("F", lambda x: x / 255)),
        ("d.tif", ramp("F", float)),
        ("e.tif", ramp("F", lambda x: x * 1000.0)),
        ("f.tif", ramp("I", lambda x: x)),
    ],
)
def test_deep_greys_keep_their_range(tmp_path: Path, name: str, image: Image.Image) -> None:
    image.save(tmp_path / name)

    shown = poster(tmp_path / name).convert("L")

    assert [shown.getpixel((x, 10)) for x in (2, 128, 253)] == [pytest.approx(x, abs=4) for x in (2, 128, 253)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_deep_colours_in_planes_come_out_in_their_colours(tmp_path: Path, order: str) -> None:
    planes = [plane.tobytes() for plane in media.make_quarters((64, 40)).split()]
    contents = [struct.pack(f"{order}{64 * 40}H", *(value * 257 for value in plane)) for plane in planes]
    tags = {
        0x100: (4, 64), 0x101: (4, 40), 0x102: (3, (16, 16, 16)), 0x103: (3, 1), 0x106: (3, 2), 0x115: (3, 3),
        0x111: (4, tuple(("blob", n) for n in range(3))), 0x116: (4, 40), 0x117: (4, (5120, 5120, 5120)), 0x11C: (3, 2),
    }  # fmt: skip
    (tmp_path / "deep.tif").write_bytes(media.tiff_of([tags], contents, order=order))

    assert_like(corners(poster(tmp_path / "deep.tif")), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_scan_in_which_0_is_white_is_no_negative(tmp_path: Path, bits: int) -> None:
    dark = struct.pack("<H", 60_000)[-bits // 8 :] * (64 * 40)
    tags = {
        0x100: (4, 64), 0x101: (4, 40), 0x102: (3, bits), 0x103: (3, 1), 0x106: (3, 0), 0x115: (3, 1),
        0x111: (4, ("blob", 0)), 0x116: (4, 40), 0x117: (4, len(dark)),
    }  # fmt: skip
    (tmp_path / "scan.tif").write_bytes(media.tiff_of([tags], [dark]))

    assert max(corners(poster(tmp_path / "scan.tif"))[0]) < 40


def test_a_tiff_of_a_kind_that_is_not_read_is_refused_as_such(tmp_path: Path) -> None:
    tags = {
        0x100: (4, 8), 0x101: (4, 8), 0x102: (3, (32, 32, 32)), 0x103: (3, 1), 0x106: (3, 2), 0x115: (3, 3),
        0x111: (4, ("blob", 0)), 0x116: (4, 8), 0x117: (4, 768), 0x153: (3, (3, 3, 3)),
    }  # fmt: skip
    (tmp_path / "float.tif").write_bytes(media.tiff_of([tags], [bytes(768)]))

    with pytest.raises(UnreadableError, match="TIFF whose colours") as refused:
        probe(tmp_path / "float.tif")
    assert "16 bits" in refused.value.remedy


def test_floats_that_are_no_numbers_are_a_damaged_picture(tmp_path: Path) -> None:
    Image.new("F", (8, 8), float("nan")).save(tmp_path / "a.tif")

    with pytest.raises(UnreadableError, match="damaged"):
        poster_of_image(tmp_path / "a.tif")


def test_cmyk_comes_out_in_its_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)

    assert_like(corners(poster(tmp_path / "a.jpg")), *[(255, 0, 0)] * 4, within=25)


def test_lab_comes_out_in_its_colours(tmp_path: Path) -> None:
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (40, 40), (200, 80, 60)), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )  # fmt: skip
    assert lab is not None
    lab.save(tmp_path / "a.tif")

    assert_like(corners(poster(tmp_path / "a.tif")), *[(200, 80, 60)] * 4)


def wide_profile() -> bytes:
    """sRGB with red and green exchanged: a profile that nobody can leave out unseen."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {bytes(content[i : i + 4]): i for i in range(132, 132 + 12 * struct.unpack(">I", content[128:132])[0], 12)}
    red, green = (bytes(content[at[name] + 4 : at[name] + 12]) for name in (b"rXYZ", b"gXYZ"))
    content[at[b"rXYZ"] + 4 : at[b"rXYZ"] + 12], content[at[b"gXYZ"] + 4 : at[b"gXYZ"] + 12] = green, red
    return bytes(content)


@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp"])
def test_the_profile_of_a_picture_is_applied(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGB", (40, 40), (200, 80, 60))
    image.save(tmp_path / f"a.{kind}", icc_profile=wide_profile(), lossless=True)

    assert_like(corners(poster(tmp_path / f"a.{kind}")), *[(80, 200, 60)] * 4)


def test_a_profile_counts_for_what_can_be_seen_through_as_well(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (200, 80, 60, 255)).save(tmp_path / "a.png", icc_profile=wide_profile())

    assert_like(corners(poster(tmp_path / "a.png")), *[(80, 200, 60)] * 4)


@pytest.mark.parametrize("profile", [b"no profile", wide_profile()[:200]])
def test_a_broken_profile_says_nothing(tmp_path: Path, profile: bytes) -> None:
    Image.new("RGB", (40, 40), (200, 80, 60)).save(tmp_path / "a.png", icc_profile=profile)

    assert_like(corners(poster(tmp_path / "a.png")), *[(200, 80, 60)] * 4)


# --- when, where, with what ---


def dated(path: Path, **tags: str) -> datetime | None:
    exif = Image.Exif()
    for name, text in tags.items():
        if name in ("DateTime", "Make", "Model"):
            exif[Base[name]] = text
        else:
            exif.get_ifd(IFD.Exif)[Base[name]] = text
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return probe(path).created_at


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"DateTimeOriginal": "2023:07:05 14:30:00", "OffsetTimeOriginal": "-05:00"}, "2023-07-05T19:30:00"),
        ({"DateTimeOriginal": "2023:07:05 14:30:00", "OffsetTimeOriginal": "+09:30"}, "2023-07-05T05:00:00"),
        ({"DateTimeOriginal": "2023:07:05 14:30:00", "OffsetTimeOriginal": "Z"}, "2023-07-05T14:30:00"),
        ({"DateTimeOriginal": "2023:07:05 14:30:00", "OffsetTimeOriginal": "   :  "}, "2023-07-05T14:30:00"),
        ({"DateTimeOriginal": "2023:07:05 14:30:00", "OffsetTime": "-05:00"}, "2023-07-05T14:30:00"),
        ({"DateTimeOriginal": "0000:00:00 00:00:00", "DateTime": "2023:07:05 14:30:00"}, "2023-07-05T14:30:00"),
        (
            {"DateTimeOriginal": "    :  :     :  :  ", "DateTimeDigitized": "2023:07:05 14:30:00"},
            "2023-07-05T14:30:00",
        ),
        ({"DateTimeDigitized": "2023:07:05 14:30:00", "DateTime": "2024:01:01 00:00:00"}, "2023-07-05T14:30:00"),
        ({"DateTimeDigitized": "2023:07:05 14:30:00", "OffsetTimeDigitized": "+02:00"}, "2023-07-05T12:30:00"),
        ({"DateTime": "2023:07:05 14:30:00", "OffsetTime": "+01:00"}, "2023-07-05T13:30:00"),
        ({"DateTimeOriginal": "2023-07-05 14:30:00"}, "2023-07-05T14:30:00"),
        ({"DateTimeOriginal": "1970:01:01 00:00:00"}, None),
        ({"DateTimeOriginal": "yesterday"}, None),
    ],
)
def test_when_a_picture_was_taken(tmp_path: Path, tags: dict[str, str], expected: str | None) -> None:
    wanted = datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None

    assert dated(tmp_path / "a.jpg", **tags) == wanted


def placed(path: Path, **gps: Any) -> dict[str, Any]:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = "NIKON CORPORATION", "NIKON D850"
    exif.get_ifd(IFD.GPSInfo).update({GPS[name]: value for name, value in gps.items()})
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return probe(path).as_metadata()


def test_where_and_with_what_a_picture_was_taken(tmp_path: Path) -> None:
    facts = placed(
        tmp_path / "a.jpg",
        GPSLatitudeRef="S", GPSLatitude=(33.0, 51.0, 24.0), GPSLongitudeRef="E", GPSLongitude=(151.0, 12.0, 54.0),
    )  # fmt: skip

    assert [facts["latitude"], facts["longitude"]] == pytest.approx([-33.8567, 151.215], abs=1e-3)
    assert facts["camera"] == "NIKON D850"


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {"GPSLatitude": (33.0, 51.0, 24.0)},
        {"GPSLatitude": (0.0, 0.0, 0.0), "GPSLongitude": (0.0, 0.0, 0.0)},
        {"GPSLatitude": (133.0, 0.0, 0.0), "GPSLongitude": (10.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_cannot_be_is_none(tmp_path: Path, gps: dict[str, Any]) -> None:
    facts = placed(tmp_path / "a.jpg", **gps)

    assert (facts["latitude"], facts["longitude"]) == (None, None)


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_a_picture_that_moves_says_so(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(tmp_path / f"still.{kind}")

    assert probe(tmp_path / f"a.{kind}").as_metadata()["frames"] == 3
    assert probe(tmp_path / f"still.{kind}").as_metadata()["frames"] is None
