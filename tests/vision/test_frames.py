"""The frames of real videos and pictures: chosen once, kept, cut again, and gone with their file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from files.models import File
from files.upkeep.removing import remove_file
from jobs.errors import Cancelled
from tests.files.factories import make_file
from tests.vision.videos import add_picture, add_video, scene
from vision.errors import NothingToSeeError, VisionError
from vision.frames import choosing, stills
from vision.frames.perceptual_hash import distance
from vision.models import Frame, FrameSelection

pytestmark = pytest.mark.django_db

RED, BLUE, BARS = scene("white", ("circle", "red", 50)), scene("black", ("square", "blue", 300)), scene("green")
STRIPES = scene("gray", *[("bar", "yellow", left) for left in range(0, 640, 80)])


def mean_colour(picture: Image.Image, box: tuple[int, int, int, int]) -> tuple[int, ...]:
    return tuple(int(value) for value in np.asarray(picture.crop(box)).mean(axis=(0, 1)))


@pytest.fixture
def clip(folders: Path) -> File:
    """Two seconds red circle, two blue square, one black, two stripes."""
    return add_video(folders / "media", [(2, RED), (2, BLUE), (1, scene("black")), (2, STRIPES)])


def test_each_shot_is_kept_with_its_second_and_its_still(clip: File) -> None:
    chosen = choosing.choose_frames(clip)

    frames = list(Frame.objects.filter(file=clip))
    assert (chosen.frame_count, [frame.n for frame in frames]) == (3, [0, 1, 2])
    assert [int(frame.at_s // 1) for frame in frames] == [0, 2, 5]
    pictures = [Image.open(io.BytesIO(choosing.still(clip, frame))) for frame in frames]
    assert {picture.size for picture in pictures} == {(455, 256)}
    red, blue, _ = (mean_colour(picture, (60, 90, 120, 150)) for picture in pictures)
    assert red[0] > 200 > 80 > red[2]
    assert max(blue) < 40
    assert chosen.stills_bytes == stills.path_of(clip.pk).stat().st_size


def test_choosing_again_changes_nothing_unless_forced(
    clip: File, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = choosing.choose_frames(clip)
    with django_assert_num_queries(1):
        again = choosing.choose_frames(clip)
    forced = choosing.choose_frames(clip, force=True)

    assert first.pk == again.pk != forced.pk
    assert FrameSelection.objects.count() == 1
    assert Frame.objects.filter(file=clip).count() == 3


def test_other_content_asks_for_other_frames(clip: File) -> None:
    choosing.choose_frames(clip)
    clip.sampled_hash = "something else"
    clip.save()

    assert choosing.selection_of(clip) is None
    with pytest.raises(NothingToSeeError, match="no small copy"):  # its proxy is of the old content
        choosing.choose_frames(clip)


def test_a_picture_is_its_own_one_frame(folders: Path) -> None:
    photo = add_picture(folders / "media", RED)

    chosen = choosing.choose_frames(photo)

    (frame,) = Frame.objects.filter(file=photo)
    assert (chosen.frame_count, frame.n, frame.at_s) == (1, 0, 0.0)
    assert mean_colour(choosing.picture_at(photo, 0.0), (60, 120, 180, 200))[0] > 200


def test_the_same_picture_in_another_coding_has_nearly_the_same_hash(folders: Path) -> None:
    clip = add_video(folders / "media", [(2, STRIPES)])
    photo = add_picture(folders / "photos", STRIPES.resize((320, 180)))
    for file in (clip, photo):
        choosing.choose_frames(file)

    one, other = (bytes(frame.hash) for frame in Frame.objects.all())
    assert distance(one, other) <= 4


@pytest.mark.parametrize(("media_type", "words"), [("audio", "nothing to see"), ("video", "no small copy")])
def test_what_cannot_be_looked_at_is_told_with_what_to_do(folders: Path, media_type: str, words: str) -> None:
    with pytest.raises(NothingToSeeError, match=words) as caught:
        choosing.choose_frames(make_file(media_type=media_type))

    assert caught.value.remedy


def test_a_damaged_proxy_is_told_and_leaves_nothing_half(clip: File, folders: Path) -> None:
    proxy = folders / "proxy_video" / clip.proxies.get().path
    proxy.write_bytes(b"\0" * proxy.stat().st_size)

    with pytest.raises(VisionError, match="cannot be read"):
        choosing.choose_frames(clip, token="1-1")

    assert not FrameSelection.objects.exists()
    assert list(stills.path_of(clip.pk).parent.iterdir()) == []


def test_a_video_without_one_good_frame_is_chosen_from_once_and_has_none(folders: Path) -> None:
    black = add_video(folders / "media", [(3, scene("black"))])

    assert choosing.choose_frames(black).frame_count == 0
    assert choosing.selection_of(black) is not None


def test_a_cancel_is_obeyed_and_leaves_what_was_there(clip: File) -> None:
    class Asked:
        def update(self, fraction: float, message: str = "") -> None:
            raise Cancelled

        def check(self) -> None: ...

    before = choosing.choose_frames(clip)
    with pytest.raises(Cancelled):
        choosing.choose_frames(clip, force=True, progress=Asked(), token="1-1")

    assert choosing.selection_of(clip) == before
    assert stills.path_of(clip.pk).stat().st_size == before.stills_bytes


def test_a_still_that_is_lost_is_cut_again(clip: File) -> None:
    choosing.choose_frames(clip)
    frame = Frame.objects.get(file=clip, n=1)
    kept = choosing.still(clip, frame)
    stills.path_of(clip.pk).unlink()

    again = choosing.still(clip, frame)

    difference = np.abs(
        np.asarray(Image.open(io.BytesIO(kept)), np.int16) - np.asarray(Image.open(io.BytesIO(again)), np.int16)
    )
    assert difference.mean() < 2


def test_pictures_of_many_seconds_come_in_order_from_one_look_at_the_proxy(clip: File) -> None:
    pictures = list(choosing.pictures_at(clip, [0.0, 1.0, 2.5, 6.9, 99.0]))

    assert {picture.size for picture in pictures} == {(640, 360)}
    reds = [mean_colour(picture, (80, 120, 180, 220))[0] > 200 for picture in pictures]
    assert reds == [True, True, False, False, False]
    assert np.asarray(pictures[3]).mean() == pytest.approx(np.asarray(pictures[4]).mean(), abs=3)


def test_larger_pictures_than_the_stills_are_decoded(clip: File) -> None:
    choosing.choose_frames(clip)
    frames = list(Frame.objects.filter(file=clip))

    small, large = (next(choosing.pictures_of(clip, frames, side=side)) for side in (224, 300))

    assert (small.size, large.size) == ((455, 256), (640, 360))


@pytest.mark.django_db(transaction=True)
def test_with_its_file_everything_goes(clip: File) -> None:
    choosing.choose_frames(clip)

    remove_file(clip)

    assert not Frame.objects.exists()
    assert not FrameSelection.objects.exists()
    assert not stills.path_of(clip.pk).exists()
