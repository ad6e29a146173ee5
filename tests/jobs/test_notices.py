"""Standing notices, and what is done now and then."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import notices
from jobs.workers import ticks


@pytest.mark.django_db
def test_a_notice_is_one_row_however_often_it_is_said() -> None:
    notices.notify("weights", "Whisper's weights are missing.", remedy="Run download_model.", url="/setup/")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        notices.notify("weights", "Whisper's weights are missing.", remedy="Run download_model.", url="/setup/")
    assert len(queries) == 1
    notices.notify("weights", "Still missing.", level="error")

    notice = notices.standing().get()
    assert (notice.text, notice.level, notice.remedy, notice.url) == ("Still missing.", "error", "", "")
    assert str(notice) == "Still missing."
    notices.clear("weights")
    notices.clear("weights")
    assert not notices.standing().exists()


def test_a_tick_runs_when_it_is_due_and_never_twice_at_once() -> None:
    started, may_end = threading.Semaphore(0), threading.Event()

    def run() -> None:
        started.release()
        may_end.wait(10)

    ticks.register_tick("look", lambda: 60, run)
    try:
        with pytest.raises(ValueError, match="twice"):
            ticks.register_tick("look", lambda: 60, run)
        tick = next(tick for tick in ticks.ticks() if tick.name == "look")
        tick.start(1000.0)
        assert started.acquire(timeout=10)
        assert not tick.is_due(1100.0)  # it still runs
        may_end.set()
        assert tick.thread is not None
        tick.thread.join()
        assert not tick.is_due(1059.0)
        assert tick.is_due(1060.0)
    finally:
        ticks.unregister_tick("look")


def test_a_tick_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tick = ticks.PeriodicTask("poll", lambda: 60, lambda: 1 / 0)

    tick.run_safely()

    assert "The tick poll failed; it is tried again in 60 s" in caplog.text
