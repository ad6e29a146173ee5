"""Asking Bedrock how its batch jobs are, and taking their results in.

Two collectors at once (a worker and the web) are harmless: a record is taken in by the one whose transaction finds its
question still asked, and nothing is cleared before everything is stored.
"""

from collections.abc import Iterable, Mapping
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
    if not batch.arn or batch.ended_at or not _may_ask(batch, force=force):
        return batch
    try:
        with batch.there():
            remote = jobs.get(batch.arn)
    except BedrockError as exc:
        BedrockBatch.objects.filter(pk=batch.pk).update(error=_in_words(exc))
        raise
    _note(batch, remote)
    return batch


def collect(batch: BedrockBatch, *, progress: Progress = NO_PROGRESS) -> int:
    """Take in what Bedrock wrote for a job that is over, however it ended; then clear its staged copies.

    Returns how many answers this call took in. Raises BedrockError.
    """
    batch.refresh_from_db()
    if not batch.arn or batch.ended_at is None:
        return 0
    try:
        with batch.there():
            return _collect(batch, progress)
    except BedrockError as exc:
        BedrockBatch.objects.filter(pk=batch.pk).update(error=ledger_calls.in_words(exc))
        raise


def _collect(batch: BedrockBatch, progress: Progress) -> int:
    taken = 0
    if batch.collected_at is None:
        try:
            taken = _take_all_in(batch, progress)
        except MissingObjectError:
            if BedrockBatch.objects.filter(pk=batch.pk, collected_at__isnull=False).exists():
                return taken  # somebody else took it in, and has cleared it
            raise
        _finish_touched(batch, progress)
        BedrockBatch.objects.filter(pk=batch.pk, collected_at__isnull=True).update(collected_at=timezone.now())
        batch.refresh_from_db()
    sending.clear(batch)
    return taken


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


# --- what Bedrock says ----------------------------------------------------------------------------------------------


def _may_ask(batch: BedrockBatch, *, force: bool) -> bool:
    """Take the turn of asking; only one gets it."""
    now, pause = timezone.now(), timedelta(seconds=conf.poll_pause_s())
    rows = BedrockBatch.objects.filter(pk=batch.pk)
    if not force:
        # Later than now: the clock was put back, and nobody waits until it is there again.
        due = Q(polled_at__lte=now - pause) | Q(polled_at__gt=now + pause)
        rows = rows.filter(Q(polled_at__isnull=True) | due)
    return bool(rows.update(polled_at=now))


def _note(batch: BedrockBatch, remote: RemoteJob) -> None:
    before = (batch.remote_status, batch.records_done)
    batch.remote_status, batch.remote_message, batch.error = remote.status, remote.message, ""
    batch.output_uri = remote.output_uri or batch.output_uri
    batch.records_total = remote.total if remote.total is not None else batch.records_total
    batch.records_done = remote.processed if remote.processed is not None else batch.records_done
    fields = ["remote_status", "remote_message", "error", "output_uri", "records_total", "records_done"]
    if remote.is_over:
        batch.ended_at = remote.ended_at or timezone.now()
        fields.append("ended_at")
    batch.save(update_fields=fields)
    if before != (batch.remote_status, batch.records_done):
        _tell_analyses(batch)


def _tell_analyses(batch: BedrockBatch) -> None:
    asked = batch.questions.filter(state=Question.State.ASKED)
    ids = list(asked.order_by().values_list("nova_job_id", flat=True).distinct())
    done, total = batch.records_done or 0, batch.records_total or 0
    part = min(1.0, done / total) if total else 0.0
    if batch.remote_status == "InProgress":
        for some_pks in sliced(ids):
            NovaJob.objects.filter(pk__in=some_pks).get_going(part)
    words = f"Bedrock: {batch.remote_status}" + (f", {done:,} of {total:,} records" if done else "")
    report_all_parked(BATCH_RECORD, ids, part, words)


# --- its output -----------------------------------------------------------------------------------------------------


def _take_all_in(batch: BedrockBatch, progress: Progress) -> int:
    is_gone = _is_output_gone(batch)
    if is_gone and not batch.is_cancelled:
        raise MissingObjectError(
            f"Bedrock has answered, and nothing of it is in {batch.output_uri} any more.",
            remedy="Bring the output back if somebody moved it; or cancel this batch, to give it up: "
            "its questions then count as possibly paid.",
        )
    errors: dict[str, OutputRecord] = {}
    taken = 0
    outcomes = records.read_output(_as_remote(batch))
    while some := list(islice(outcomes, CHUNK)):
        # Errors wait for the end: the same record may come once more, with an answer that was paid for.
        errors.update({one.record_id: one for one in some if one.reply is None})
        taken += _take_in(batch, some)
        progress.update(min(0.5, taken / (2 * max(1, batch.records_total or 1))), f"Taking in results: {taken:,}")
    _settle_rest(batch, errors, is_gone=is_gone)
    return taken


def _is_output_gone(batch: BedrockBatch) -> bool:
    """Whether answers were made and paid, and nothing is left of them: deleted, or taken in before a backup came back.

    Asking the same again by itself would pay twice.
    """
    has_answers = batch.remote_status in ANSWERING if batch.records_done is None else batch.records_done > 0
    return has_answers and not records.has_output(_as_remote(batch))


def _take_in(batch: BedrockBatch, records: Iterable[OutputRecord]) -> int:
    """Keep the answers of some records, in any order; duplicates and strangers are left out."""
    replies: dict[str, Any] = {}
    for record in records:
        if record.reply is not None:
            replies.setdefault(record.record_id, record.reply)
    with transaction.atomic():
        asked = Question.objects.select_for_update(of=("self",)).filter(
            bedrock_batch=batch, state=Question.State.ASKED, record_id__in=list(replies)
        )
        questions = list(asked.select_related("nova_job"))
        entries = ledger_calls.entries_of_answered(questions)
        reply_store.keep_replies(
            [(one, replies[one.record_id or ""], entries.get(one.pk)) for one in questions], mode=NovaJob.Mode.BATCH
        )
        booking.settle_many(
            [(entries[one.pk], replies[one.record_id or ""].usage) for one in questions if one.pk in entries]
        )
    return len(questions)


def _settle_rest(batch: BedrockBatch, errors: Mapping[str, OutputRecord], *, is_gone: bool) -> None:
    """Records in error and records that are missing: each fails alone, or waits for another batch."""
    left = list(batch.questions.filter(state=Question.State.ASKED).order_by("pk").values_list("pk", flat=True))
    for some_pks in sliced(left, CHUNK):
        with transaction.atomic():
            rows = Question.objects.select_for_update(of=("self",)).filter(
                pk__in=some_pks, bedrock_batch=batch, state=Question.State.ASKED
            )
            _settle_some(batch, list(rows.select_related("nova_job")), errors, is_gone=is_gone)
    if left and batch.remote_status in FUTILE and not batch.is_cancelled:
        _hold(batch)


def _settle_some(
    batch: BedrockBatch, questions: list[Question], errors: Mapping[str, OutputRecord], *, is_gone: bool
) -> None:
    _give_money_back(batch, questions, is_gone=is_gone)
    again: dict[str, list[Question]] = {}
    for question in questions:
        error = errors.get(question.record_id or "")
        reason = f"Bedrock answered {error.error_code or 'an error'}: {error.error}" if error else _missing(batch)
        if batch.is_cancelled or question.nova_job.status not in NovaJob.OPEN:
            again.setdefault("Cancelled.", []).append(question)
        elif error is not None and _is_final(error):
            _fail_all_who_ask(question, reason)
        elif question.attempts >= MOST_ATTEMPTS:
            _fail_all_who_ask(question, f"After {question.attempts} batches: {reason}")
        else:
            again.setdefault(reason, []).append(question)
    for reason, some in again.items():
        pool.give_back(some, reason)
    if batch.is_cancelled:
        pool.cancel_analyses(sorted({one.nova_job_id for one in questions}))


def _give_money_back(batch: BedrockBatch, questions: list[Question], *, is_gone: bool) -> None:
    """Bedrock charges no record without an answer. Of a job or an output that is gone nobody can tell."""
    if batch.remote_status in TERMINAL and not is_gone:
        pool.release(questions, note="Bedrock gave no answer.")
        return
    why = f"The output of {batch.arn} is gone." if is_gone else f"Bedrock no longer knows the job {batch.arn}."
    for entry in ledger_calls.entries_of(questions).values():
        booking.possibly_paid(entry, why)


def _is_final(error: OutputRecord) -> bool:
    """Refused as it is: asking the same again gives the same."""
    code = error.error_code or 0
    return 400 <= code < 500 and code != THROTTLED


def _missing(batch: BedrockBatch) -> str:
    said = f" ({batch.remote_status}: {batch.remote_message})" if batch.remote_message else ""
    return f"{NOT_WRITTEN}{said}"


def _fail_all_who_ask(question: Question, reason: str) -> None:
    """It, and those in the pool that ask the very same."""
    Question.objects.filter(pk=question.pk).update(state=Question.State.FAILED, error=reason)
    same = Question.objects.poolable().filter(key=question.key)
    Question.objects.filter(pk__in=list(same.values_list("pk", flat=True))).update(
        state=Question.State.FAILED, error=reason
    )


def _hold(batch: BedrockBatch) -> None:
    """The job failed as a whole, or somebody stopped it: nobody but a person sends the same again."""
    said = f"Bedrock's batch job ended as {batch.remote_status}: {batch.remote_message or 'it gives no reason'}"
    remedy = "Mend what it says, then send the batch again (Nova page or admin), or run the analyses now."
    hold = pool.settings_digest(batch.model_key)
    BedrockBatch.objects.filter(pk=batch.pk).update(error=f"{said} {remedy}", hold=hold)
    notices.notify(f"{pool.REFUSED_NOTICE}{batch.model_key}", said, level="error", remedy=remedy, url=reverse("nova"))


def _finish_touched(batch: BedrockBatch, progress: Progress) -> None:
    """End the analyses of this batch, and all others that asked the same."""
    keys = batch.questions.values("key")
    open_ = NovaJob.objects.open().filter(questions__key__in=keys)
    touched = list(open_.values_list("pk", "mode").distinct())
    for cancelled in NovaJob.objects.filter(status=NovaJob.Status.CANCELLED, questions__bedrock_batch=batch).distinct():
        reply_store.book(cancelled)
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


def _in_words(exc: BedrockError) -> str:
    if isinstance(exc, MissingObjectError):
        return f"{exc} Was AWS_REGION or the account changed? Set it back; or cancel this batch, to give it up."
    return ledger_calls.in_words(exc)
