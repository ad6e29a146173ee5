"""Sizes, lengths, moments and money as people say them."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from novaproject.player import marks, parse_start, seconds
from novaproject.templatetags import human, times


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (88_000_000, "88 MB"),
        (999_999_999, "1.0 GB"),
        (1_530_000_000, "1.5 GB"),
        (9_800_000_000_000, "9.8 TB"),
        (5_000_000_000_000_000_000, "5,000 PB"),
    ],
)
def test_sizes(value: int | None, text: str) -> None:
    assert human.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (-1, "0:00"), (0, "0:00"), (59.9, "0:59"), (222.4, "3:42"), (3723, "1:02:03")]
)
def test_timecodes(value: float | None, text: str) -> None:
    assert human.timecode(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (2.54, "2.5 s"),
        (59.7, "1 min"),
        (1104, "18 min 24 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90_061, "1 d 1 h"),
        (86_400 * 1200, "1,200 d"),
    ],
)
def test_durations(value: float | None, text: str) -> None:
    assert human.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "0 s"), (76, "1 min 16 s"), (1_086_000, "301 h 40 min"), (7200, "2 h"), (3_600_060 * 2, "2,000 h")],
)
def test_running_times(value: float | None, text: str) -> None:
    assert human.hours(value) == text


def test_moments_say_as_much_as_is_needed() -> None:
    now = timezone.localtime().replace(hour=12, minute=5)

    assert human.moment(None) == "never"
    assert human.moment(now) == "today 12:05"
    assert human.moment(now - timedelta(days=1)) == "yesterday 12:05"
    assert human.moment(timezone.make_aware(datetime(2015, 9, 14, 9, 3))) == "14 Sep 2015"  # noqa: DTZ001
    assert human.day(None) == "unknown"
    assert human.exactly(None) == ""
    assert human.exactly(now).startswith(str(now.year))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unpriced"),
        (Decimal(0), "$0.00"),
        (Decimal("0.0571"), "$0.0571"),
        (Decimal("46.4449"), "$46.44"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("-2"), "−$2.00"),
    ],
)
def test_money(value: Decimal | None, text: str) -> None:
    assert human.usd(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (None, 5, "0 %"), (3, 4, "75 %"), (9999, 10000, "99 %"), (1, 10000, "under 1 %"), (4, 4, "100 %")],
)
def test_percentages_never_round_to_all_or_nothing(part: float | None, whole: float, text: str) -> None:
    assert human.percent(part, whole) == text


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [(1, "file", "1 file"), (3, "file", "3 files"), (1284, "entry,entries", "1,284 entries")],
)
def test_counts(number: int, words: str, text: str) -> None:
    assert human.count_of(number, words) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [(None, 0), ("", 0), ("12.5", 12.5), ("3:42", 222), ("1:02:03", 3723), ("x", 0), ("-4", 0), ("nan", 0), ("inf", 0)],
)
def test_the_start_of_an_address(text: str | None, value: float) -> None:
    assert parse_start(text) == value


def test_seconds_are_printed_for_machines() -> None:
    assert [seconds(value) for value in (0, 12.5, 222, 1234.5678)] == ["0", "12.5", "222", "1234.568"]


def test_marks_are_clipped_to_the_clip() -> None:
    first, last = marks([(-5, 10, "a"), (90, 130, "b")], duration_s=100)

    assert (first.start_s, first.end_s, first.x, first.number) == (0, 10, "0.00%", 1)
    assert (last.start_s, last.end_s, last.width) == (90, 100, "9.80%")
    assert marks([(0, 1, "a")], duration_s=0) == []


def test_backticks_become_code_and_everything_is_escaped() -> None:
    assert human.with_code("Run `make <b>` & wait") == "Run <code>make &lt;b&gt;</code> &amp; wait"


def test_times_in_prose_seek_the_player() -> None:
    linked = times.time_links("A <b> at 3:42, and 1:02:03. Not 12:345 or 3:99.", "/files/7/")

    assert '<a href="/files/7/?t=222" data-seek="222">3:42</a>' in linked
    assert 'data-seek="3723">1:02:03</a>' in linked
    assert "&lt;b&gt;" in linked
    assert linked.count("<a ") == 2
