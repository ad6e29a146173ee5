"""Asking Bedrock how its batch jobs are, and taking their results in.

Two collectors at once (a worker and the web) are harmless: a record is taken in by the one whose transaction finds its
question still asked, and nothing is cleared before everything is stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from bedrock.batch import jobs, records
from bedrock.batch.jobs import TERMINAL, RemoteJob
from bedrock.batch.records import OutputRecord
from bedrock.errors import BedrockError, MissingObjectError
from bedrock.ledger import booking
from jobs import notices
from jobs.bulk import sliced
from jobs.control import report_all_parked, unpark
from jobs.progress import NO_PROGRESS, Progress
from nova import conf
from nova.batch import pool, sending
from nova.kinds import ASK_NOVA, BATCH_RECORD
from nova.models import BedrockBatch, NovaJob, Question
from nova.questions import ledger_calls, reply_store

#: Records that one transaction takes in.
CHUNK = 300
#: Batches that a question is sent in before it fails.
MOST_ATTEMPTS = 3
THROTTLED = 429
NOT_WRITTEN = "Bedrock wrote no answer to it."
#: Ends with answers, where Bedrock gives no numbers.
ANSWERING = frozenset({"Completed", "PartiallyCompleted"})
#: Ends after which sending the same again by itself would only repeat them.
FUTILE = frozenset({"Failed", "Stopped"})


def poll(batch: BedrockBatch, *, force: bool = False) -> BedrockBatch:
    """Ask Bedrock for this job, at most every few seconds, and note its own words. Raises BedrockError."""
    if not batch.arn or batch.ended_at:
        return batch
    now, pause = timezone.now(), timedelta(seconds=conf.poll_pause_s())
    rows = BedrockBatch.objects.filter(pk=batch.pk)
    if not force:
        # Later than now: the clock was put back, and nobody waits until it is there again.
        due = Q(polled_at__isnull=True) | Q(polled_at__lte=now - pause) | Q(polled_at__gt=now + pause)
        rows = rows.filter(due)
    if not rows.update(polled_at=now):  # one of those who ask at once gets the turn
        return batch
    try:
        with batch.there():
            remote = jobs.get(batch.arn)
    except BedrockError as exc:
        words = ledger_calls.in_words(exc)
        if isinstance(exc, MissingObjectError):
            words = f"{exc} Was AWS_REGION or the account changed? Set it back; or cancel this batch, to give it up."
        BedrockBatch.objects.filter(pk=batch.pk).update(error=words)
        raise
    before = (batch.remote_status, batch.records_done)
    batch.note(remote)
    if before != (batch.remote_status, batch.records_done):
        tell_analyses(batch)
    return batch


def tell_analyses(batch: BedrockBatch) -> None:
    """Pass on how far Bedrock is, to the analyses that it answers and to their jobs."""
    asked = batch.questions.filter(state=Question.State.ASKED)
    ids = list(asked.order_by().values_list("nova_job_id", flat=True).distinct())
    done, total = batch.records_done or 0, batch.records_total or 0
    part = min(1.0, done / total) if total else 0.0
    if batch.remote_status == "InProgress":
        for some_pks in sliced(ids):
            NovaJob.objects.filter(pk__in=some_pks).get_going(part)
    words = f"Bedrock: {batch.remote_status}" + (f", {done:,} of {total:,} records" if done else "")
    report_all_parked(BATCH_RECORD, ids, part, words)


def stop(batch: BedrockBatch) -> None:
    """Have Bedrock stop it. What it has done until then is paid for, and taken in as usual."""
    try:
        with batch.there():
            jobs.stop(batch.arn)
    except MissingObjectError:
        # Nobody knows what became of it: what is asked again may have been paid.
        BedrockBatch.objects.filter(pk=batch.pk, ended_at__isnull=True).update(ended_at=timezone.now())
        batch.refresh_from_db()
        return
    poll(batch, force=True)


def collect(batch: BedrockBatch, *, progress: Progress = NO_PROGRESS) -> int:
    """Take in what Bedrock wrote for a job that is over, however it ended; then clear its staged copies.

    Returns how many answers this call took in. Raises BedrockError.
    """
    batch.refresh_from_db()
    if not batch.arn or batch.ended_at is None:
        return 0
    taken = 0
    try:
        with batch.there():
            if batch.collected_at is None:
                taken = take_output(batch, progress)
                finish_analyses(batch, progress)
                BedrockBatch.objects.filter(pk=batch.pk, collected_at__isnull=True).update(collected_at=timezone.now())
                batch.refresh_from_db()
            sending.clear(batch)
    except BedrockError as exc:
        theirs = BedrockBatch.objects.filter(pk=batch.pk, collected_at__isnull=False)
        if isinstance(exc, MissingObjectError) and batch.collected_at is None and theirs.exists():
            return taken  # somebody else took it in, and has cleared it
        BedrockBatch.objects.filter(pk=batch.pk).update(error=ledger_calls.in_words(exc))
        raise
    return taken


# --- its output -----------------------------------------------------------------------------------------------------


def take_output(batch: BedrockBatch, progress: Progress) -> int:
    """Keep every answer, then settle the records that are in error or missing. Returns how many answers were new."""
    has_answers = batch.remote_status in ANSWERING if batch.records_done is None else batch.records_done > 0
    # Answers were made and paid, and nothing is left of them: deleted, or taken in before a backup came back.
    is_gone = has_answers and not records.has_output(_as_remote(batch))
    if is_gone and not batch.is_cancelled:  # asking the same again by itself would pay twice
        raise MissingObjectError(
            f"Bedrock has answered, and nothing of it is in {batch.output_uri} any more.",
            remedy="Bring the output back if somebody moved it; or cancel this batch, to give it up: "
            "its questions then count as possibly paid.",
        )
    errors: dict[str, OutputRecord] = {}
    taken = 0
    outcomes = records.read_output(_as_remote(batch))
    while portion := list(islice(outcomes, CHUNK)):
        # Errors wait for the end: the same record may come once more, with an answer that was paid for.
        errors.update({record.record_id: record for record in portion if record.reply is None})
        taken += keep_answers(batch, portion)
        progress.update(min(0.5, taken / (2 * max(1, batch.records_total or 1))), f"Taking in results: {taken:,}")
    left = list(batch.questions.filter(state=Question.State.ASKED).order_by("pk").values_list("pk", flat=True))
    for some_pks in sliced(left, CHUNK):
        with transaction.atomic():
            rows = Question.objects.select_for_update(of=("self",)).filter(
                pk__in=some_pks, bedrock_batch=batch, state=Question.State.ASKED
            )
            settle_unanswered(batch, list(rows.select_related("nova_job")), errors, is_gone=is_gone)
    if left and batch.remote_status in FUTILE and not batch.is_cancelled:
        # It failed as a whole, or somebody stopped it: nobody but a person sends the same again.
        words = f"Bedrock's batch job ended as {batch.remote_status}: {batch.remote_message or 'it gives no reason'}"
        remedy = "Correct what it says, then send the batch again (Nova page or admin), or run the analyses now."
        hold = pool.settings_digest(batch.model_key)
        BedrockBatch.objects.filter(pk=batch.pk).update(error=f"{words} {remedy}", hold=hold)
        key = f"{pool.REFUSED_NOTICE}{batch.model_key}"
        notices.notify(key, words, level="error", remedy=remedy, url=reverse("nova"))
    return taken


def keep_answers(batch: BedrockBatch, records: Iterable[OutputRecord]) -> int:
    """Keep the answers of some records, in any order; duplicates and strangers are left out."""
    replies: dict[str, Any] = {}
    for record in records:
        if record.reply is not None:
            replies.setdefault(record.record_id, record.reply)
    with transaction.atomic():
        asked = Question.objects.select_for_update(of=("self",)).filter(
            bedrock_batch=batch, state=Question.State.ASKED, record_id__in=list(replies)
        )
        answered = [(question, replies[question.record_id or ""]) for question in asked.select_related("nova_job")]
        entries = ledger_calls.entries_of_answered([question for question, _ in answered])
        reply_store.keep_replies(
            [(question, reply, entries.get(question.pk)) for question, reply in answered], mode=NovaJob.Mode.BATCH
        )
        booking.settle_many(
            [(entries[question.pk], reply.usage) for question, reply in answered if question.pk in entries]
        )
    return len(answered)


def settle_unanswered(
    batch: BedrockBatch, questions: Sequence[Question], errors: Mapping[str, OutputRecord], *, is_gone: bool
) -> None:
    """Records in error and records that are missing: each fails alone, or waits for another batch.

    Bedrock charges no record without an answer. Of a job or an output that is gone nobody can tell.
    """
    if batch.remote_status in TERMINAL and not is_gone:
        pool.release(questions, note="Bedrock gave no answer.")
    else:
        why = f"The output of {batch.arn} is gone." if is_gone else f"Bedrock no longer knows the job {batch.arn}."
        for entry in ledger_calls.entries_of(questions).values():
            booking.possibly_paid(entry, why)
    again: dict[str, list[Question]] = {}
    remote_words = f" ({batch.remote_status}: {batch.remote_message})" if batch.remote_message else ""
    for question in questions:
        error = errors.get(question.record_id or "")
        reason = f"{NOT_WRITTEN}{remote_words}"
        if error is not None:
            reason = f"Bedrock answered {error.error_code or 'an error'}: {error.error}"
        if batch.is_cancelled or question.nova_job.status not in NovaJob.OPEN:
            again.setdefault("Cancelled.", []).append(question)
        elif error is not None and 400 <= (error.error_code or 0) < 500 and error.error_code != THROTTLED:
            fail_all_who_ask(question, reason)  # asking the same again gives the same
        elif question.attempts >= MOST_ATTEMPTS:
            fail_all_who_ask(question, f"After {question.attempts} batches: {reason}")
        else:
            again.setdefault(reason, []).append(question)
    for reason, portion in again.items():
        pool.give_back(portion, reason)
    if batch.is_cancelled:
        pool.cancel_analyses(sorted({question.nova_job_id for question in questions}))


def fail_all_who_ask(question: Question, reason: str) -> None:
    """Fail this question, and those in the pool that ask the very same."""
    same = Question.objects.poolable().filter(key=question.key)
    pks = [question.pk, *same.values_list("pk", flat=True)]
    Question.objects.filter(pk__in=pks).update(state=Question.State.FAILED, error=reason)


def finish_analyses(batch: BedrockBatch, progress: Progress) -> None:
    """End the analyses of this batch, and all others that asked the same."""
    for cancelled in NovaJob.objects.filter(status=NovaJob.Status.CANCELLED, questions__bedrock_batch=batch).distinct():
        reply_store.book(cancelled)
    same = NovaJob.objects.open().filter(questions__key__in=batch.questions.values("key"))
    touched = list(same.values_list("pk", "mode").distinct())
    for number, (pk, mode) in enumerate(touched, 1):
        if mode == NovaJob.Mode.BATCH:
            reply_store.finish(NovaJob(pk=pk))
        else:
            unpark(ASK_NOVA, pk)  # its own job finds the answer
        progress.update(0.5 + number / (2 * len(touched)), f"Reading results: {number:,} of {len(touched):,}")


def _as_remote(batch: BedrockBatch) -> RemoteJob:
    """The job as it was told last; its output is found by that."""
    return RemoteJob(
        arn=batch.arn,
        name=str(batch),
        status=batch.remote_status,
        message=batch.remote_message,
        client_token=batch.client_token,
        input_uri="",
        output_uri=batch.output_uri
        or records.BatchFolder(batch.folder).new_job(client_token="", runtime_id="").output_uri,
        submitted_at=batch.submitted_at or batch.created_at,
        ended_at=batch.ended_at,
        total=batch.records_total,
        processed=batch.records_done,
        succeeded=None,
        failed=None,
    )
