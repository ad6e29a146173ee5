"""The commands `jobs` and `work`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs import control, owners, queue
from jobs.execution import claims, running
from jobs.models import Job

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out, stderr=out)
    return out.getvalue()


def test_the_list_shows_what_runs_and_waits(kind: str, broken: str) -> None:
    waiting = queue.enqueue(kind, 1)
    failed = running.run_now(queue.enqueue(broken, 2))
    control.pause("long")

    words = run("jobs")

    assert f"{waiting.pk}  queued" in words
    assert "Count sheep sheep 1" in words
    assert "It broke." not in words
    assert "0 running, 1 waiting, 1 failed; 0 workers; long is paused" in words
    assert "It broke. Mend it." in run("jobs", "list", "--state", "failed")
    listed = json.loads(run("jobs", "list", "--state", "failed", "--kind", broken, "--json"))
    assert [(row["id"], row["state"], row["error"]) for row in listed] == [(failed.pk, "failed", "It broke.")]


def test_queues_are_paused_and_resumed() -> None:
    assert run("jobs", "pause", "long", "fast") == "long: paused\nfast: paused\n"
    assert claims.is_paused("long")
    assert run("jobs", "resume", "long") == "long: open\n"
    assert not claims.is_paused("long")
    for names in (["slow"], []):
        with pytest.raises(CommandError, match="fast or long"):
            run("jobs", "pause", *names)


def test_jobs_are_cancelled_and_retried(kind: str, broken: str) -> None:
    waiting, failed = queue.enqueue(kind, 1), running.run_now(queue.enqueue(broken, 2))

    assert run("jobs", "cancel", str(waiting.pk)) == f"{waiting.pk}: cancelled\n"
    assert run("jobs", "retry", str(failed.pk)) == f"{failed.pk}: queued\n"
    running.run_until_idle()
    assert run("jobs", "retry-failed", "--kind", kind) == "0 queued again.\n"
    assert run("jobs", "retry-failed") == "1 queued again.\n"
    with pytest.raises(CommandError, match="2 of 2"):
        run("jobs", "cancel", str(waiting.pk), "99999")
    with pytest.raises(CommandError, match="by their ids"):
        run("jobs", "retry", "everything")


def test_work_until_idle_does_what_is_due_here(kind: str) -> None:
    queue.enqueue(kind, 1)

    assert run("work", "--until-idle") == "1 job done.\n"
    assert run("work", "--until-idle") == "0 jobs done.\n"
    assert json.loads(run("work", "--until-idle", "--json")) == {"done": 0, "failed": 0}


def test_work_until_idle_goes_on_with_what_an_earlier_run_held_that_was_killed(kind: str) -> None:
    job = claims.claim_job(queue.enqueue(kind, 1))
    assert job is not None
    Job.objects.update(lease_owner=f"{owners.me().partition('@')[0]}@before")

    assert run("work", "--until-idle") == "1 job done.\n"


def test_work_until_idle_ends_with_an_error_where_a_job_failed(kind: str, broken: str) -> None:
    queue.enqueue(kind, 1)
    queue.enqueue(broken, 2)

    with pytest.raises(CommandError, match="1 of them failed"):
        run("work", "--until-idle")

    assert run("work", "--until-idle") == "0 jobs done.\n"
