"""Which frames are kept, of pictures that are made cell by cell."""

import numpy as np
import pytest

from vision.frames.perceptual_hash import BYTES, distance, hash_of
from vision.frames.picking import GRID, Cells, FramePicker, Look, is_blank, is_other

RATE = 10.0


def plain(brightness: int = 16) -> Cells:
    cells = np.full((3, GRID[1], GRID[0]), 128, np.uint8)
    cells[0] = brightness
    return cells


def pattern(seed: int) -> Cells:
    """A picture of its own, coarse as real ones are."""
    blocks = np.random.default_rng(seed).integers(30, 220, (6, 8), dtype=np.uint8)
    cells = plain()
    cells[0] = blocks.repeat(6, axis=0).repeat(8, axis=1)
    return cells


def picked(shots: list[tuple[float, Cells]], *, every_s: float = 4.0) -> tuple[list[float], FramePicker]:
    """The seconds that are kept of these shots."""
    picker, kept, number = FramePicker(every_s), [], 0
    for seconds, cells in shots:
        for _ in range(round(seconds * RATE)):
            kept += [look.at_s for look in picker.show(Look(at_s=number / RATE, cells=cells))]
            number += 1
    return kept + [look.at_s for look in picker.end()], picker


def moving(seconds: float, seed: int = 1) -> list[tuple[float, Cells]]:
    """One shot in which something small moves all the time."""
    shots = []
    for step in range(round(seconds * RATE)):
        cells = pattern(seed)
        cells[0, :, step % GRID[0]] = 255
        shots.append((1 / RATE, cells))
    return shots


def test_each_shot_gives_a_frame_within_it() -> None:
    kept, picker = picked([(2.0, pattern(1)), (3.0, pattern(2)), (0.5, pattern(3)), (2.0, pattern(4))])

    assert picker.shots == len(kept) == 4
    for at_s, (start_s, end_s) in zip(kept, [(0, 2), (2, 5), (5, 5.5), (5.5, 7.5)], strict=True):
        assert start_s <= at_s < end_s


@pytest.mark.parametrize("every_s", [1.0, 4.0, 10.0])
def test_within_a_long_shot_never_more_than_so_many_seconds_pass_without_one(every_s: float) -> None:
    kept, picker = picked(moving(60), every_s=every_s)

    assert picker.shots == 1
    assert np.diff([0.0, *kept, 60.0]).max() <= every_s + 1 / RATE
    assert len(kept) <= 60 / (0.7 * every_s) + 1


def test_what_stands_still_gives_one_frame_and_counts_the_rest() -> None:
    kept, picker = picked([(60.0, pattern(1))])

    assert len(kept) == 1
    assert picker.same >= 10


def test_a_picture_that_comes_back_after_another_is_kept_again() -> None:
    kept, _ = picked([(2.0, pattern(1)), (2.0, pattern(2)), (2.0, pattern(1))])

    assert len(kept) == 3


def test_black_and_one_colour_are_passed_over_and_what_follows_is_found_at_once() -> None:
    kept, picker = picked([(6.0, plain(16)), (6.0, plain(180)), (3.0, pattern(1))])

    assert len(kept) == 1
    assert 12.0 <= kept[0] <= 13.2
    assert picker.blank > 100


def test_a_video_without_one_good_frame_gives_none() -> None:
    assert picked([(20.0, plain())])[0] == []
    assert picked([])[0] == []


def test_a_flash_is_not_taken_for_the_picture_of_its_shot() -> None:
    shots = [*moving(2.0), (0.1, plain(255)), *moving(3.0)]

    kept, _ = picked(shots)

    assert not any(2.0 <= at_s < 2.1 for at_s in kept)
    assert kept


def test_one_more_line_on_a_slide_is_kept_as_soon_as_it_stands() -> None:
    slide = pattern(5)
    line = slide.copy()
    line[0, 30, 5:30] ^= 0x40

    kept, picker = picked([(3.0, slide), (3.0, line), (3.0, slide)])

    assert picker.shots == 1
    assert [round(at_s) for at_s in kept] == [0, 3, 6]


def test_equal_brightness_in_other_colours_is_something_to_see() -> None:
    two_colours = plain(100)
    two_colours[1, :, : GRID[0] // 2] = 90

    assert not is_blank(two_colours)
    assert is_blank(plain(100))


def test_a_moving_pointer_is_no_new_picture_but_a_line_of_text_is() -> None:
    slide = pattern(5)
    pointer, line = slide.copy(), slide.copy()
    pointer[0, 10:12, 20:22] ^= 0x40
    line[0, 30, 5:30] ^= 0x40

    assert not is_other(slide, pointer)
    assert is_other(slide, line)


def test_hashes_are_near_for_what_looks_alike_and_far_for_what_does_not() -> None:
    picture, noise = pattern(1)[0], np.random.default_rng(2).normal(0, 6, (GRID[1], GRID[0]))
    again = np.clip(picture * 0.8 + 20 + noise, 0, 255).astype(np.uint8)
    smaller = picture[::2, ::2]

    near = [distance(hash_of(picture), hash_of(other)) for other in (picture, again, smaller)]
    far = [distance(hash_of(picture), hash_of(pattern(seed)[0])) for seed in range(2, 12)]

    assert near[0] == 0
    assert max(near) <= 8
    assert min(far) >= 14
    assert len(hash_of(picture)) == BYTES
