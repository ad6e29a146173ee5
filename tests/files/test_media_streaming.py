"""Bytes over HTTP, exact to the byte."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from files.importing.directories import import_directory
from files.importing.scanning import scan_root
from files.media.proxying import make_proxy
from files.media.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from files.media.streaming import serve
from files.models import File, Root
from files.storage.hashing import sampled_hash
from files.storage.originals import as_local_path
from tests import media
from tests.files.factories import make_file, make_proxy_row, make_root

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 4000  # more than one chunk


@pytest.fixture
def viewer(client: Client, django_user_model: type[User]) -> Client:
    user = django_user_model.objects.create_user("viewer")
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_file", "view_proxy")))
    client.force_login(user)
    return client


@pytest.fixture
def original(folders: Path) -> File:
    place = folders / "originals"
    place.mkdir()
    (place / "clip.mp4").write_bytes(CONTENT)
    return make_file(make_root(place, name="Blue drive"), "clip.mp4")


def get(client: Client, file: File, **headers: str) -> Any:
    return client.get(
        f"/api/files/{file.pk}/stream", headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def body(response: Any) -> bytes:
    """What was sent. The test client closes a response that was read; closing it by hand would close the database."""
    return bytes(response.getvalue())


def test_whole_file(viewer: Client, original: File) -> None:
    response = get(viewer, original)

    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert body(response) == CONTENT


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        ("bytes=1023990-", 1023990, 1023999),
        ("bytes=-10", 1023990, 1023999),
        ("bytes=0-99999999", 0, 1023999),
        ("bytes=-99999999", 0, 1023999),
        ("bytes=1000-700000", 1000, 700000),
    ],
)
def test_part_is_exact(viewer: Client, original: File, asked: str, first: int, last: int) -> None:
    response = get(viewer, original, range=asked)

    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=1024000-", "bytes=2000000-3000000", "bytes=-0"])
def test_part_behind_the_end_is_refused(viewer: Client, original: File, asked: str) -> None:
    response = get(viewer, original, range=asked)

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "items=0-5", "bytes=0-1,5-9", "nonsense", "bytes=a-b"])
def test_range_without_sense_gives_the_whole(viewer: Client, original: File, asked: str) -> None:
    response = get(viewer, original, range=asked)

    assert response.status_code == 200
    assert body(response) == CONTENT


def test_part_only_of_the_file_that_the_player_has(viewer: Client, original: File) -> None:
    first = get(viewer, original)
    body(first)

    same = get(viewer, original, range="bytes=0-9", if_range=first["ETag"])
    by_date = get(viewer, original, range="bytes=0-9", if_range=first["Last-Modified"])
    other = get(viewer, original, range="bytes=0-9", if_range='"of-another-file"')

    assert [answer.status_code for answer in (same, by_date, other)] == [206, 206, 200]
    assert body(other) == CONTENT
    body(same)
    body(by_date)


def test_unchanged_file_is_not_sent_again(viewer: Client, original: File) -> None:
    first = get(viewer, original)
    body(first)

    assert get(viewer, original, if_none_match=first["ETag"]).status_code == 304


def test_head_tells_without_sending(viewer: Client, original: File) -> None:
    response = viewer.head(f"/api/files/{original.pk}/stream", headers={"range": "bytes=5-9"})

    assert (response.status_code, response["Content-Length"], response.content) == (206, "5", b"")


def test_empty_file_is_sent_empty(viewer: Client, original: File) -> None:
    original.local_path.write_bytes(b"")

    response = get(viewer, original)

    assert (response.status_code, body(response)) == (200, b"")
    assert get(viewer, original, range="bytes=0-").status_code == 416


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.MOV", "video/quicktime"), ("a.webm", "video/webm"), ("a.html", "application/octet-stream"),
     ("a.svg", "application/octet-stream"), ("noname", "application/octet-stream")],
)  # fmt: skip
def test_type_is_one_that_no_browser_runs(viewer: Client, folders: Path, name: str, content_type: str) -> None:
    (folders / name).write_bytes(b"<script>alert(1)</script>")
    file = make_file(make_root(folders), name)

    response = get(viewer, file)
    body(response)

    assert response["Content-Type"] == content_type


def test_absent_drive_is_named(viewer: Client) -> None:
    file = make_file(make_root("/nowhere/blue", name="Blue drive"))

    response = get(viewer, file)

    assert response.status_code == 409
    assert "Blue drive" in response.json()["detail"]


def test_file_that_went_from_a_present_drive(viewer: Client, original: File) -> None:
    (original.local_path.parent / "other.mp4").touch()
    original.local_path.unlink()

    response = get(viewer, original)

    assert response.status_code == 409
    assert "no longer in Blue drive" in response.json()["detail"]


def test_link_out_of_the_root_is_not_followed(viewer: Client, original: File, folders: Path) -> None:
    secret = folders / "secret.mp4"
    secret.write_bytes(b"secret")
    original.local_path.unlink()
    original.local_path.symlink_to(secret)

    assert get(viewer, original).status_code == 409


@pytest.mark.parametrize("path", ["files/1/stream", "files/1/thumbnail", "proxies/1/stream", "files/1/sprite.vtt"])
def test_needs_a_login_and_the_right(client: Client, django_user_model: type[User], path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 401

    client.force_login(django_user_model.objects.create_user("nobody"))

    assert client.get(f"/api/{path}").status_code == 403


def test_proxy_thumbnail_and_sprite_of_a_real_clip(viewer: Client, folders: Path) -> None:
    place = folders / "originals"
    clip = media.make_clip(place / "clip.avi", seconds=3)
    file = make_file(make_root(place), clip.name, duration_s=3.0)
    proxy = make_proxy(file)
    assert proxy is not None

    played = viewer.get(f"/api/proxies/{proxy.pk}/stream", headers={"range": "bytes=4-7", "accept": "video/*"})
    poster = viewer.get(f"/api/files/{file.pk}/thumbnail", headers={"accept": "image/avif"})
    at_two = viewer.get(f"/api/files/{file.pk}/thumbnail?t=2.5")
    sheet = viewer.get(f"/api/files/{file.pk}/sprite.jpg")
    index = viewer.get(f"/api/files/{file.pk}/sprite.vtt")

    assert (played.status_code, body(played), played["Content-Type"]) == (206, b"ftyp", "video/mp4")
    assert (poster["Content-Type"], poster["Cache-Control"]) == ("image/jpeg", "private, max-age=300")
    assert Image.open(io.BytesIO(body(poster))).size == (320, 240)
    small, whole = Image.open(io.BytesIO(at_two.content)), Image.open(io.BytesIO(body(sheet)))
    assert (small.size, whole.size) == ((160, 120), (480, 120))
    assert abs(small.convert("L").tobytes()[60 * 160 + 80] - whole.convert("L").tobytes()[60 * 480 + 320 + 80]) < 12
    assert index["Content-Type"].startswith("text/vtt")
    assert body(index).count(b"sprite.jpg#xywh=") == 3
    bad = viewer.get(f"/api/files/{file.pk}/thumbnail?t=soon")
    assert (bad.status_code, bad.json()) == (400, {"t": ["A number of seconds, 0 or more."]})


def red_and_blue(folders: Path) -> Path:
    """A folder with a red and a blue clip, in the library with their proxies."""
    place = folders / "originals"
    for colour in ("red", "blue"):
        media.make_clip(place / f"{colour}.mp4", seconds=1, audio=False, picture=f"color={colour}")
        os.utime(place / f"{colour}.mp4", (1_600_000_000, 1_600_000_000))
    import_directory(place)
    for file in File.objects.all():
        make_proxy(file)
    return place


def swap_names(place: Path) -> None:
    for old, new in (("red", "spare"), ("blue", "red"), ("spare", "blue")):
        (place / f"{old}.mp4").rename(place / f"{new}.mp4")


def is_red(picture: bytes) -> bool:
    red, _green, blue = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((9, 9))  # type: ignore[misc]
    return red > blue


def test_files_that_swapped_names_show_their_own_pictures(viewer: Client, folders: Path) -> None:
    place = red_and_blue(folders)
    proxies = {file.pk: file.proxies.get().pk for file in File.objects.all()}

    swap_names(place)
    scan_root(Root.objects.get())

    for file in File.objects.all():
        holds_red = file.path == "blue.mp4"
        assert is_red(body(viewer.get(f"/api/files/{file.pk}/thumbnail"))) is holds_red
        assert is_red(body(viewer.get(f"/api/files/{file.pk}/thumbnail?t=0"))) is holds_red
        assert body(viewer.get(f"/api/proxies/{proxies[file.pk]}/stream"))
        with as_local_path(file) as path:
            assert file.proxies.get().source_hash == sampled_hash(path)


def test_a_proxy_of_other_content_than_the_file_has_is_not_shown(viewer: Client, folders: Path) -> None:
    """Names were swapped, and proxies made anew, before a scan could notice."""
    place = red_and_blue(folders)
    swap_names(place)
    for file in File.objects.all():
        make_proxy(file)

    for _before_and_after in range(2):
        for file in File.objects.all():
            proxy = file.proxies.get()
            assert proxy.is_outdated
            assert viewer.get(f"/api/proxies/{proxy.pk}/stream").status_code == 404
            for name in ("thumbnail", "thumbnail?t=0", "sprite.jpg", "sprite.vtt"):
                assert viewer.get(f"/api/files/{file.pk}/{name}").status_code == 404
        scan_root(Root.objects.get())

    for file in File.objects.all():
        make_proxy(file)
        assert is_red(body(viewer.get(f"/api/files/{file.pk}/thumbnail"))) is (file.path == "blue.mp4")


def test_what_is_not_made_yet(viewer: Client, original: File) -> None:
    proxy = make_proxy_row(original)

    assert viewer.get(f"/api/files/{original.pk}/thumbnail").status_code == 404
    assert viewer.get(f"/api/files/{original.pk}/thumbnail?t=1").status_code == 404
    lost = viewer.get(f"/api/proxies/{proxy.pk}/stream")
    assert lost.status_code == 409
    assert "make_proxies" in lost.json()["detail"]


@given(size=st.integers(0, 50), first=st.none() | st.integers(0, 60), last=st.none() | st.integers(0, 60))
def test_every_range_is_what_python_slices(size: int, first: int | None, last: int | None) -> None:
    content = bytes(range(size))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"

    try:
        part = parse_range(header, size)
    except UnsatisfiableRangeError:
        assert (first is None and (last == 0 or size == 0)) or (first is not None and first >= size)
        return

    if part is None:
        assert (first is None and last is None) or (first is not None and last is not None and last < first)
    elif first is None:
        assert last is not None
        assert content[part.first : part.last + 1] == content[-last:]
    else:
        assert content[part.first : part.last + 1] == content[first : None if last is None else last + 1]
        assert part == ByteRange(first, part.last)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="few file systems keep such times")
def test_a_file_from_the_far_future_is_sent(rf: RequestFactory) -> None:
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".mp4") as future:
        os.utime(future.name, (300_000_000_000, 300_000_000_000))

        response = serve(rf.get("/"), Path(future.name))

        assert response["Last-Modified"].endswith("9999 23:59:59 GMT")
        response.close()
