"""A proxy in pieces: whole, in order, without a gap, and gone afterwards."""

from pathlib import Path

import pytest

from files.errors import FfmpegFailedError
from files.media import derived, probe
from files.media.cutting import pieces
from tests.files.factories import make_file
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
