"""Looking into many files in helper processes."""

import os
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest

from files.errors import NotMediaError, UnreadableError
from files.importing import inspection_pool, inspection_server
from files.importing.inspection import inspect_file
from files.importing.inspection_pool import InspectionPool
from files.importing.listing import ListedFile, list_folder
from tests.files.library import copy


@pytest.fixture
def pool() -> Iterator[InspectionPool]:
    """A pool that uses helpers for however few files."""
    with InspectionPool(2, few=0) as pool:
        yield pool


@pytest.fixture
def clips(library: Path, clip: Path) -> list[ListedFile]:
    for number in range(45):
        copy(clip, library / f"{number:02}.mp4", different=True)
    return list_folder(library).entries


def test_helpers_find_what_is_found_here_and_answer_in_order(
    pool: InspectionPool, library: Path, clips: list[ListedFile]
) -> None:
    assert list(pool.inspect_all(library, clips)) == [inspect_file(library, entry) for entry in clips]


def test_errors_come_over_with_their_remedy(pool: InspectionPool, library: Path) -> None:
    (library / "notes.mp4").write_bytes(b"shopping list")
    (library / "empty.mp4").write_bytes(b"")

    found = {one.entry.path: one.error for one in pool.inspect_all(library, list_folder(library).entries)}

    assert isinstance(found["notes.mp4"], NotMediaError)
    assert isinstance(found["empty.mp4"], UnreadableError)
    assert found["empty.mp4"].remedy == "Copy the file again from where it came."


def test_a_name_that_is_no_utf8_comes_over(pool: InspectionPool, library: Path, clip: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    copy(clip, library / name)

    assert [one.entry.path for one in pool.inspect_all(library, list_folder(library).entries)] == [name]


def test_a_file_that_hangs_its_reader_is_bad_and_stops_no_other(
    pool: InspectionPool, library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection_pool, "PATIENCE_S", 6.0)
    copy(clip, library / "good.mp4")
    os.mkfifo(library / "hangs.mp4")  # nobody ever writes into it
    entries = [ListedFile("hangs.mp4", 1, 1, 1), *list_folder(library).entries]

    bad, good = pool.inspect_all(library, entries)

    assert isinstance(bad.error, UnreadableError)
    assert "hangs.mp4 is damaged" in str(bad.error)
    assert good.info is not None


def test_helpers_that_were_killed_are_replaced(pool: InspectionPool, library: Path, clips: list[ListedFile]) -> None:
    list(pool.inspect_all(library, clips))
    for helper in pool._helpers:
        helper._process.kill()
        helper._process.wait()

    assert [one.error for one in pool.inspect_all(library, clips)] == [None] * len(clips)


def test_no_helper_outlives_its_pool(library: Path, clips: list[ListedFile]) -> None:
    with InspectionPool(2, few=0) as pool:
        next(pool.inspect_all(library, clips))
        helpers = list(pool._helpers)

    assert helpers
    assert all(helper._process.returncode is not None for helper in helpers)


def test_few_files_need_no_pool_of_helpers(library: Path, clips: list[ListedFile]) -> None:
    with InspectionPool(2, few=len(clips) + 1) as pool:
        assert len(list(pool.inspect_all(library, clips))) == len(clips)
        assert not pool._helpers


def test_the_server_answers_until_the_other_side_is_gone(library: Path, clips: list[ListedFile]) -> None:
    its_asked, asked = Pipe(duplex=False)
    answers, its_answers = Pipe(duplex=False)
    server = threading.Thread(target=inspection_server.serve, args=(its_asked, its_answers))
    server.start()

    asked.send((library, clips[:2]))
    found = answers.recv()
    asked.close()
    server.join(10)

    assert found == [inspect_file(library, entry) for entry in clips[:2]]
    assert not server.is_alive()
