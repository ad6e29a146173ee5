"""A proxy in pieces: whole, in order, without a gap, and gone afterwards."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from files.errors import BadRangeError, FfmpegFailedError
from files.media import derived, probe
from files.media.cutting import cut_range, pieces
from tests.files.factories import make_file, make_root
from tests.media import run_ffmpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whichever_ffmpeg")]


@pytest.fixture
def proxy(folders: Path, tmp_path: Path) -> Path:
    path = tmp_path / "proxy_video" / "long.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=30")
    run_ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", path)
    return path


def test_pieces_follow_each_other_and_together_are_the_whole(proxy: Path) -> None:
    file = make_file(duration_s=30.0)

    with pieces(file, proxy, [10.0, 20.0], token="7-1") as made:
        times = [(piece.start_s, piece.end_s) for piece in made]
        lengths = [probe.probe(piece.path).duration_s or 0 for piece in made]
        assert times[0][0] == pytest.approx(0, abs=0.2)
        assert [start for start, _ in times[1:]] == [end for _, end in times[:-1]]
        assert all(abs(start - at) <= 2.1 for (start, _), at in zip(times[1:], [10, 20], strict=True))
        assert lengths == pytest.approx([end - start for start, end in times], abs=0.3)
        assert sum(lengths) == pytest.approx(30, abs=0.5)

    assert not list(derived.folder(file.pk).glob("pieces-*"))


def test_without_a_cut_nothing_is_copied(proxy: Path) -> None:
    with pieces(make_file(duration_s=30.0), proxy, [], token="7-1") as made:
        assert [piece.path for piece in made] == [proxy]


def test_a_cut_behind_the_end_is_told_and_leaves_nothing(proxy: Path) -> None:
    file = make_file(duration_s=90.0)

    with pytest.raises(FfmpegFailedError, match="pieces"), pieces(file, proxy, [10.0, 60.0], token="7-1"):
        pass
    assert not list(derived.folder(file.pk).glob("pieces-*"))


def test_cut_once_more_at_its_own_beginnings_it_is_cut_the_same(folders: Path, tmp_path: Path) -> None:
    """A retry cuts where the pieces that were answered begin: a key frame later would leave a hole between them."""
    path = tmp_path / "proxy_video" / "thirds.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=15:d=30")  # a key frame each 3.3333 s
    run_ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", path)
    file = make_file(duration_s=30.0)

    def cut(cuts: list[float]) -> list[tuple[float, float]]:
        with pieces(file, path, cuts, token="7-1") as made:
            return [(piece.start_s, piece.end_s) for piece in made]

    once = cut([5.0, 12.0, 17.0])

    assert cut([start for start, _ in once[1:]]) == once


def test_a_marked_range_is_cut_to_the_frame(clip: Path, library: Path) -> None:
    file = make_file(make_root(clip.parent), clip.name, duration_s=probe.probe(clip).duration_s)

    with cut_range(file, 0.2, 0.6, token="range-1") as path:
        made = probe.probe(path)

        assert made.duration_s == pytest.approx(0.4, abs=0.09)
        assert (made.video_codec, path.suffix) == ("h264", ".mp4")
    assert not list(derived.folder(file.pk).glob("pieces-*"))


@pytest.mark.parametrize(("start_s", "end_s"), [(5.0, 4.0), (40.0, 41.0), (0.0, 601.0)])
def test_seconds_that_cannot_be_cut_are_refused(folders: Path, start_s: float, end_s: float) -> None:
    with pytest.raises(BadRangeError), cut_range(make_file(duration_s=30.0), start_s, end_s, token="1"):
        pass


def test_a_range_is_downloaded_under_the_name_of_its_file(clip: Path, library: Path) -> None:
    file = make_file(make_root(clip.parent), clip.name, duration_s=probe.probe(clip).duration_s)
    api = APIClient()
    api.force_authenticate(User.objects.create_superuser("ada"))

    answer: Any = api.get(f"/api/files/{file.pk}/range?start_s=0.1&end_s=0.5")
    wrong = api.get(f"/api/files/{file.pk}/range?start_s=now&end_s=0.5")

    assert answer["Content-Disposition"] == f'attachment; filename="{clip.stem}_0.1-0.5.mp4"'
    assert b"ftyp" in b"".join(answer.streaming_content)[:32]
    assert (wrong.status_code, list(wrong.json())) == (400, ["start_s"])
