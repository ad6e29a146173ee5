import os
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.utils import timezone

from files.models import File, Proxy
from tests.files.factories import make_file, make_proxy_row, make_root

pytestmark = pytest.mark.django_db


def test_a_path_is_in_the_library_once() -> None:
    root = make_root()
    make_file(root, "a.mp4")

    with pytest.raises(IntegrityError):
        make_file(root, "a.mp4")


def test_a_removed_file_leaves_its_path_free_and_its_row_behind() -> None:
    root = make_root()
    gone = make_file(root, "a.mp4")

    gone.mark_removed()
    again = make_file(root, "a.mp4")

    assert list(File.objects.all()) == [again]
    assert set(File.everything.all()) == {gone, again}
    assert list(File.everything.in_trash()) == [gone]


def test_a_missing_file_has_its_moment() -> None:
    file = make_file(state="missing", missing_since=timezone.now())

    assert list(File.objects.missing()) == [file]
    with pytest.raises(IntegrityError):
        make_file(state="missing", missing_since=None)


def test_an_available_file_has_no_moment_of_missing() -> None:
    with pytest.raises(IntegrityError):
        make_file(missing_since=timezone.now())


def test_under_finds_a_folder_and_what_is_below_but_not_its_namesakes() -> None:
    root = make_root()
    inside = make_file(root, "trip/a.mp4")
    deeper = make_file(root, "trip/day 1/b.mp4")
    make_file(root, "trips/c.mp4")
    make_file(root, "trip.mp4")

    assert set(File.objects.under("trip/")) == {inside, deeper}
    assert File.objects.under("").count() == 4


def test_a_name_that_is_not_utf8_leads_to_its_bytes(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    raw = b"caf\xe9.mp4"
    file = make_file(root, "caf\\xe9.mp4", path_raw=raw)

    assert os.fsencode(file.local_path) == os.fsencode(tmp_path) + b"/" + raw


def test_one_proxy_of_a_kind() -> None:
    file = make_file()
    make_proxy_row(file)

    with pytest.raises(IntegrityError):
        Proxy.objects.create(file=file, proxy_spec="720p15", path="other.mp4", size_bytes=1)
