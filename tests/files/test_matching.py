"""Which row a file is that turned up: what proves it, and which of several rows comes first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from files.importing.inspection import Inspection
from files.importing.listing import ListedFile
from files.importing.matching import Candidates, rearranged
from files.models import File, Root
from files.storage.hashing import full_hash, sampled_hash
from tests.files.factories import make_file, make_root

pytestmark = pytest.mark.django_db
CONTENT = b"the same bytes everywhere"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return make_root(tmp_path)


def turned_up(root: Root, path: str, content: bytes = CONTENT, *, inode: int = 900) -> Inspection:
    """A file that a scan found and inspected."""
    place = root.local_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return Inspection(entry=ListedFile(path, len(content), 5, inode), sampled_hash=sampled_hash(place))


def row_of(root: Root, path: str, like: Inspection, **fields: Any) -> File:
    """A row with the content of this file."""
    known = {"size_bytes": like.entry.size_bytes, "sampled_hash": like.sampled_hash, "mtime_ns": 5, "inode": 1}
    return make_file(root, path, **{**known, **fields})


def claimed(candidates: Candidates, inspection: Inspection, root: Root, **more: Any) -> int | None:
    row = candidates.claim(inspection, root_id=root.pk, root=root.local_path, **more)
    return row.id if row is not None else None


def candidates_of(*files: File, displaced: tuple[File, ...] = ()) -> Candidates:
    candidates = Candidates()
    candidates.add(File.everything.filter(pk__in=[file.pk for file in files]))
    candidates.add(File.everything.filter(pk__in=[file.pk for file in displaced]), is_displaced=True)
    return candidates


def test_a_row_of_the_same_content_is_claimed_once(root: Root) -> None:
    found = turned_up(root, "b.mp4")
    candidates = candidates_of(file := row_of(root, "a.mp4", found))

    assert claimed(candidates, found, root) == file.pk
    assert candidates.claimed == {file.pk}
    assert claimed(candidates, found, root) is None


@pytest.mark.parametrize("fields", [{"sampled_hash": "other"}, {"size_bytes": 1}, {"sampled_hash": ""}])
def test_a_row_of_other_content_is_not_claimed(root: Root, fields: dict[str, Any]) -> None:
    found = turned_up(root, "b.mp4")

    assert claimed(candidates_of(row_of(root, "a.mp4", found, **fields)), found, root) is None


def test_a_displaced_row_is_no_other_files_for_its_content_alone(root: Root) -> None:
    found = turned_up(root, "copy.mp4")
    candidates = candidates_of(displaced=(row_of(root, "a.mp4", found),))

    assert claimed(candidates, found, root) is None
    assert candidates.may_be_displaced(found)
    assert candidates.claimed == set()


def test_a_displaced_row_goes_where_its_inode_went(root: Root) -> None:
    found = turned_up(root, "renamed.mp4", inode=77)
    file = row_of(root, "a.mp4", found, inode=77)

    assert claimed(candidates_of(displaced=(file,)), found, root) == file.pk


@pytest.mark.parametrize("other", [{"inode": 78}, {"mtime_ns": 6}])
def test_an_inode_counts_with_its_time_only(root: Root, other: dict[str, Any]) -> None:
    found = turned_up(root, "renamed.mp4", inode=77)
    file = row_of(root, "a.mp4", found, **{"inode": 77, **other})

    assert claimed(candidates_of(displaced=(file,)), found, root) is None


def test_an_inode_of_another_root_says_nothing(root: Root, tmp_path: Path) -> None:
    found = turned_up(root, "b.mp4", inode=77)
    file = row_of(make_root(tmp_path / "other"), "a.mp4", found, inode=77)

    assert claimed(candidates_of(displaced=(file,)), found, root) is None


def test_a_displaced_row_is_free_once_its_place_holds_other_content(root: Root) -> None:
    found = turned_up(root, "b.mp4")
    file = row_of(root, "a.mp4", found)

    assert claimed(candidates_of(displaced=(file,)), found, root, replaced={file.pk}) == file.pk


def test_a_missing_file_may_be_elsewhere_without_being_displaced(root: Root) -> None:
    found = turned_up(root, "b.mp4")

    assert not candidates_of(row_of(root, "a.mp4", found)).may_be_displaced(found)


def test_where_the_full_hash_is_known_it_decides(root: Root) -> None:
    found = turned_up(root, "b.mp4")
    right = row_of(root, "right.mp4", found, full_hash=full_hash(root.local_path / "b.mp4"))
    wrong = [row_of(root, f"{digit}.mp4", found, full_hash=digit * 64) for digit in "0f"]

    assert claimed(candidates_of(*wrong), found, root) is None
    assert claimed(candidates_of(*wrong, right), found, root) == right.pk


def test_a_file_that_cannot_be_read_to_the_end_is_claimed_by_nobody_with_a_full_hash(root: Root) -> None:
    found = turned_up(root, "b.mp4")
    file = row_of(root, "a.mp4", found, full_hash=full_hash(root.local_path / "b.mp4"))
    (root.local_path / "b.mp4").unlink()

    assert claimed(candidates_of(file), found, root) is None


def test_a_row_in_the_library_comes_before_a_removed_one_of_this_very_path(root: Root) -> None:
    found = turned_up(root, "b.mp4")
    removed = row_of(root, "b.mp4", found, removed_at=datetime(2026, 1, 1, tzinfo=UTC), inode=900)
    present = row_of(root, "elsewhere/other.mp4", found)

    assert claimed(candidates_of(removed, present), found, root) == present.pk


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"path": "trip/b.mp4"}, {"path": "trip/a.mp4", "inode": 900}),  # this very path, before the inode
        ({"path": "x.mp4", "inode": 900}, {"path": "elsewhere/b.mp4"}),  # the inode, before the name
        ({"path": "elsewhere/B.MP4"}, {"path": "x.mp4"}),  # the name, however it is written
        ({"path": "elsewhere/B.MP4"}, {"path": "a.mp4"}),
    ],
)
def test_of_several_equal_rows_the_likest_is_claimed(root: Root, better: dict[str, Any], worse: dict[str, Any]) -> None:
    found = turned_up(root, "trip/b.mp4")
    second = row_of(root, like=found, **worse)
    first = row_of(root, like=found, **better)

    assert claimed(candidates_of(second, first), found, root) == first.pk


def test_a_row_of_this_root_comes_before_one_of_another(root: Root, tmp_path: Path) -> None:
    found = turned_up(root, "b.mp4")
    foreign = row_of(make_root(tmp_path / "other"), "x.mp4", found)
    own = row_of(root, "x.mp4", found)

    assert claimed(candidates_of(foreign, own), found, root) == own.pk


def test_the_path_of_another_root_is_not_this_path(root: Root, tmp_path: Path) -> None:
    found = turned_up(root, "b.mp4")
    foreign = row_of(make_root(tmp_path / "other"), "b.mp4", found, name="b.mp4")
    renamed = row_of(root, "x.mp4", found, inode=900)

    assert claimed(candidates_of(foreign, renamed), found, root) == renamed.pk


def test_names_that_were_swapped_swap_their_rows(root: Root) -> None:
    first, second = turned_up(root, "a.mp4", b"one"), turned_up(root, "b.mp4", b"two")
    row_a, row_b = row_of(root, "a.mp4", second), row_of(root, "b.mp4", first)
    candidates = candidates_of(displaced=(row_a, row_b))
    own = {"a.mp4": row_a.pk, "b.mp4": row_b.pk}

    moves = rearranged([first, second], own, candidates, root_id=root.pk, root=root.local_path)

    assert moves == {"a.mp4": row_b.pk, "b.mp4": row_a.pk}
    assert candidates.claimed == {row_a.pk, row_b.pk}


def test_a_row_whose_content_is_gone_stays_and_so_does_all_that_would_push_it_out(root: Root) -> None:
    # c's content went to b, b's to a, and a's is nowhere: a copy chain over what was there, not a renaming.
    at_a, at_b = turned_up(root, "a.mp4", b"of b"), turned_up(root, "b.mp4", b"of c")
    row_a = row_of(root, "a.mp4", turned_up(root, "gone.mp4", b"of a"))
    row_b, row_c = row_of(root, "b.mp4", at_a), row_of(root, "c.mp4", at_b)
    candidates = candidates_of(row_c, displaced=(row_a, row_b))
    own = {"a.mp4": row_a.pk, "b.mp4": row_b.pk}

    moves = rearranged([at_a, at_b], own, candidates, root_id=root.pk, root=root.local_path)

    assert moves == {}
    assert candidates.claimed == set()
