"""Taking in an upload, without HTTP: what goes wrong leaves nothing behind."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from files.errors import UploadRefusedError
from files.importing.arrivals import Arrivals
from files.importing.scanning import scan_root
from files.importing.uploading import checked_name, store_upload
from files.models import File
from tests.media import make_image

pytestmark = pytest.mark.django_db


def residue(folders: Path) -> list[str]:
    return [path.name for path in (folders / "uploads").rglob("*") if path.is_file()]


def picture(folders: Path, name: str = "a.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, make_image(folders / "source.png").read_bytes())


def test_a_scan_finds_an_upload_unchanged(folders: Path) -> None:
    file = store_upload(picture(folders))

    report = scan_root(file.root)

    assert (report.unchanged, report.imported, report.missing) == (1, 0, 0)


def test_two_uploads_of_one_name_do_not_collide(folders: Path) -> None:
    one, two = store_upload(picture(folders)), store_upload(picture(folders))

    assert one.path != two.path
    assert one.name == two.name == "a.png"
    assert len(residue(folders)) == 2


def test_what_fails_after_the_bytes_are_in_place_takes_them_away_again(folders: Path) -> None:
    def fail(arrivals: Arrivals) -> None:
        raise RuntimeError("no queue")

    with pytest.raises(RuntimeError):
        store_upload(picture(folders), arrived=fail)

    assert residue(folders) == []
    assert not File.everything.exists()


@pytest.mark.parametrize("name", ["", "  ", ".", "..", "a/b.mp4", "a\\b.mp4", "a\0b.mp4"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UploadRefusedError) as caught:
        checked_name(name)
    assert caught.value.remedy


def test_a_hidden_name_is_stored_in_the_open(folders: Path) -> None:
    file = store_upload(picture(folders, ".hidden.png"))

    assert file.name == ".hidden.png"
    assert not file.path.startswith(".")
