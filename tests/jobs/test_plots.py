"""Plots: as high as their numbers, readable without seeing them, and there only when there is something to see."""

from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from jobs import queue, throughput
from jobs.models import Job
from jobs.plots import HEIGHT, TOP, Column, Plot, Series, draw, round_up

SERIES = (Series(name="done", css="c1"), Series(name="failed", css="bad"))


def drawn(*numbers: tuple[int, int]) -> Plot | None:
    columns = [Column(label=f"{hour}:00", values=values) for hour, values in enumerate(numbers)]
    return draw(columns, SERIES, key="k", title="Jobs", first_column="Hour", shown=str)


def test_columns_stand_on_each_other_and_reach_as_high_as_their_numbers() -> None:
    plot = drawn((10, 0), (5, 5), (0, 0), (1, 0))

    assert plot is not None
    assert plot.top_text == "10"
    heights = [(bar.css, float(bar.y), float(bar.height)) for bar in plot.bars]
    whole, half = float(HEIGHT), HEIGHT / 2
    first, second, third, _ = heights
    assert [first, second, third] == [("c1", TOP, whole), ("c1", TOP + half, half), ("bad", TOP, half)]
    assert plot.rows[1] == ("1:00", ["5", "5"])
    assert plot.description == "0:00 to 3:00: 21 together, most in 0:00: 10."


def test_nothing_to_see_is_no_plot() -> None:
    assert drawn((0, 0), (0, 0)) is None
    assert drawn() is None


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=62))
def test_nothing_is_drawn_outside_whatever_the_numbers(numbers: list[tuple[int, int]]) -> None:
    plot = drawn(*numbers)

    for bar in plot.bars if plot else ():
        assert float(bar.y) >= 0
        assert float(bar.x.rstrip("%")) + float(bar.width.rstrip("%")) <= 100.01
        assert float(bar.height) >= 1


@given(st.decimals("0.000001", "1000000", allow_nan=False))
def test_the_axis_ends_at_a_round_number(value: Decimal) -> None:
    top = round_up(value)

    assert value <= top <= value * Decimal("2.5")
    assert top.normalize().as_tuple().digits in {(1,), (2,), (5,)}


class Words(HTMLParser):
    """What a screen reader is told of the plots."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.named: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.ids.add(facts.get("id") or "")
        if tag == "svg" and facts.get("role") == "img":
            self.named += (facts["aria-labelledby"] or "").split()


@pytest.mark.django_db
def test_the_jobs_page_shows_what_ended_and_what_was_open(client: Client, kind: str) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    now = timezone.now()
    jobs = [queue.enqueue(kind, subject) for subject in range(6)]
    two_hours_ago = now - timedelta(hours=2)
    Job.objects.update(created_at=now - timedelta(hours=5))
    Job.objects.filter(pk__in=[job.pk for job in jobs[:3]]).update(state="succeeded", finished_at=two_hours_ago)
    Job.objects.filter(pk=jobs[3].pk).update(state="failed", finished_at=two_hours_ago)

    ended, still_open = throughput.plots()
    page = client.get("/jobs/").content.decode()

    assert ended.rows[-3][1] == ["3", "1"]
    assert [values[0] for _, values in still_open.rows[-7:]] == ["0", "6", "6", "6", "2", "2", "2"]
    words = Words(page)
    assert len(words.named) == 4
    assert set(words.named) <= words.ids
    assert "Jobs ended, by hour" in page
    assert " style=" not in page
    assert "plot-ended" not in client.get("/jobs/", headers={"hx-request": "true"}).content.decode()


@pytest.mark.django_db
def test_an_idle_library_has_no_plots(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))

    assert throughput.plots() == []
    assert "The last 24 hours" not in client.get("/jobs/").content.decode()
