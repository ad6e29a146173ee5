"""Batch mode as a whole: what is due is done a step further, by the tick, by a person, or by whoever asks for a status.

A batch is made of what waits (`pool.py`), sent (`sending.py`), asked about and taken in (`collecting.py`).
Every step can be done by several at once and again after a crash.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from bedrock.batch import records
from bedrock.errors import BedrockError
from jobs.models import Job
from jobs.queue import enqueue
from nova import budget
from nova.batch import pool, sending
from nova.batch.collecting import collect, poll, stop
from nova.kinds import COLLECT_BATCH, SEND_BATCH
from nova.models import BedrockBatch, NovaJob

logger = logging.getLogger(__name__)

#: After work on a batch failed for good, it is tried again by itself no sooner than this.
PAUSE = timedelta(minutes=10)


def tick() -> None:
    """What `manage.py work` does every NOVA_POLL_SECONDS."""
    tend_all()
    for model_key in pool.models_waiting():
        try:
            pool.send(model_key)
        except BedrockError as exc:
            logger.warning("Sending what waits for %s: %s", model_key, exc)
    pool.forget_notices()
    budget.go_on()


def tend_all(*, force: bool = False, here: bool = False) -> list[BedrockBatch]:
    """Bring every batch that is not over a step further. One that AWS gives trouble stops no other."""
    tended = []
    adopt()
    for pk in list(BedrockBatch.objects.open().order_by("pk").values_list("pk", flat=True)):
        batch = BedrockBatch.objects.get(pk=pk)
        try:
            tend(batch, force=force, here=here)
        except BedrockError as exc:
            logger.warning("%s: %s", batch, exc)
        tended.append(batch)
    return tended


def tend(batch: BedrockBatch, *, force: bool = False, here: bool = False) -> None:
    """Bring a batch a step further: have it sent, ask Bedrock, take its results in, clear up. Raises BedrockError.

    `here`: results are taken in by this process; else by a worker.
    """
    if batch.cleared_at is not None:
        return
    if not batch.arn:
        if batch.ended_at is None:
            _have_done(SEND_BATCH, batch)
        else:
            sending.clear(batch)
        return
    poll(batch, force=force)
    if batch.is_cancelled and batch.ended_at is None:
        stop(batch)
    if batch.ended_at is None:
        return
    if here:
        collect(batch)
        batch.refresh_from_db()
    else:
        _have_done(COLLECT_BATCH, batch)


def look(nova_job: NovaJob) -> None:
    """Bring the batches of one analysis a step further at once, and take their results in. Raises BedrockError."""
    mine = BedrockBatch.objects.open().filter(questions__nova_job=nova_job).distinct()
    for batch in mine:
        tend(batch, here=True)
    nova_job.refresh_from_db()


def adopt() -> int:
    """Take up the jobs that Bedrock has and we don't: a crash came between the call and its answer."""
    lost = {str(batch): batch for batch in BedrockBatch.objects.open().filter(arn="", called_at__isnull=False)}
    if not lost:
        return 0
    since = min(batch.created_at for batch in lost.values()) - sending.CLOCKS
    by_token = {batch.client_token: batch for batch in lost.values()}
    taken = 0
    try:
        for remote in records.our_jobs(since=since):
            batch = by_token.get(remote.client_token) or lost.get(remote.name)
            if batch is not None:
                taken += sending.take_arn(batch, remote.arn, remote.output_uri)
    except BedrockError as exc:
        logger.warning("Looking for batch jobs that we lost sight of: %s", exc)
    return taken


def cancel_batch(batch: BedrockBatch) -> None:
    """Stop it. What was done until then is kept; the other analyses are cancelled. Raises BedrockError."""
    if not BedrockBatch.objects.filter(pk=batch.pk, collected_at__isnull=True).update(is_cancelled=True):
        return
    batch.refresh_from_db()
    if batch.arn and batch.ended_at is None:
        stop(batch)
    elif not batch.arn and batch.ended_at is None and batch.called_at is None:
        mine = batch.questions.order_by().values_list("nova_job_id", flat=True).distinct()
        pool.cancel_analyses(list(mine))
        sending.give_up(batch, "Cancelled before it was sent.", "", is_held=False)
        batch.refresh_from_db()
        return
    if batch.ended_at is not None and batch.arn:
        enqueue(COLLECT_BATCH, batch.pk)  # at once, also where taking it in has failed a moment ago
        return
    tend(batch)


def labels(batch_ids: Iterable[int]) -> dict[int, str]:
    """What batches are called in the list of jobs."""
    return {batch.pk: str(batch) for batch in BedrockBatch.objects.filter(pk__in=list(batch_ids))}


def _have_done(kind: str, batch: BedrockBatch) -> None:
    """Let a worker do it, unless it failed for good a moment ago."""
    last = Job.objects.filter(kind=kind, subject_id=batch.pk).order_by("-pk").first()
    if last is not None and last.state == Job.State.FAILED:
        since = timezone.now() - (last.finished_at or last.created_at)
        if abs(since) < PAUSE:  # the clock may have been put back
            return
    enqueue(kind, batch.pk)
