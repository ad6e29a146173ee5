"""Sending one batch: reserve, stage, write the records, and have Bedrock make the job.

Each step is done again safely: reservations are found by their holder, staged videos are skipped, and the client token
makes one job of two calls. Until the batch is *sealed* (its questions are `asked`) anything may leave it; from then on
nothing may, since Bedrock may have it. Only a plain refusal of AWS opens it again.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from bedrock import catalogue, converse, staging
from bedrock import conf as bedrock_conf
from bedrock.batch import jobs, records
from bedrock.batch.jobs import NewJob, RemoteJob
from bedrock.batch.records import BatchFolder
from bedrock.errors import BedrockError, BusyError, OverBudgetError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel
from files.storage import disk
from jobs import notices
from jobs.bulk import sliced
from jobs.control import report_all_parked
from jobs.errors import Cancelled, LeaseLost, WorkError
from jobs.progress import NO_PROGRESS, Progress
from nova import conf
from nova.batch import pool
from nova.batch.reserving import Reservation, TooDearError, fail, waiting_in
from nova.kinds import BATCH_RECORD
from nova.models import BedrockBatch, NovaJob, Question, QuestionQuerySet
from nova.options import AnalysisRequest
from nova.questions import estimating, ledger_calls, preparing

logger = logging.getLogger(__name__)

#: Questions whose prompts are in memory at once.
CHUNK = 200
#: Questions may leave while records are written; after so many rounds of that it is tried again later.
ROUNDS = 5
#: Clocks of AWS and of this machine may differ by so much.
CLOCKS = timedelta(hours=2)
SENT = "Sent to Bedrock"
CONFLICT = "ConflictException"


def send_batch(batch: BedrockBatch, *, progress: Progress = NO_PROGRESS, token: str = "") -> str:
    """Do what is left to do until Bedrock has the job. Returns what to say of it; raises BedrockError, Cancelled."""
    with _alone(batch), batch.there():
        batch.refresh_from_db()
        if batch.arn or batch.ended_at:
            return f"{batch}: {batch.error or SENT}"
        was_called = batch.called_at is not None
        try:
            return _send(batch, progress, token or f"batch-{batch.pk}")
        except OverBudgetError as exc:
            return f"Waits: {exc}"
        except LeaseLost:  # another worker sends it now
            raise
        except Cancelled:
            if not was_called:
                give_up(batch, "Sending it was cancelled.", "Send it again by hand.", is_held=True)
            raise
        except BedrockError as exc:
            if exc.retryable:
                BedrockBatch.objects.filter(pk=batch.pk, arn="").update(error=ledger_calls.in_words(exc))
            else:
                give_up(batch, str(exc), exc.remedy, is_held=True)
            raise


def give_up(batch: BedrockBatch, reason: str, remedy: str, *, is_held: bool, needs_usd: Decimal | None = None) -> None:
    """Bedrock does not have this batch and will not: its questions wait again, what was staged is deleted.

    `is_held`: it is not tried again by itself until a setting or the cap has changed.
    """
    said = f"{reason} {remedy}".strip()
    hold = pool.settings_digest(batch.model_key) if is_held else ""
    with transaction.atomic():
        open_ = BedrockBatch.objects.filter(pk=batch.pk, arn="", ended_at__isnull=True)
        if open_.update(error=said, ended_at=timezone.now(), hold=hold, needs_usd=needs_usd):
            pool.give_back(list(Question.objects.open().filter(bedrock_batch=batch)), said)
            if is_held:
                notices.notify(
                    f"{pool.REFUSED_NOTICE}{batch.model_key}",
                    f"A batch could not be sent: {reason}",
                    level="error",
                    remedy=remedy,
                    url=reverse("nova"),
                )
    with suppress(BedrockError):  # the tick clears it later
        clear(batch)


def find_remote(batch: BedrockBatch) -> RemoteJob | None:
    """The job that Bedrock has of this batch, if it was made and its answer was lost."""
    for job in records.our_jobs(since=batch.created_at - CLOCKS):
        if job.client_token == batch.client_token or job.name == str(batch):
            return job
    return None


def take_arn(batch: BedrockBatch, arn: str, output_uri: str) -> bool:
    """Bedrock has it. A second time changes nothing."""
    facts = {"arn": arn, "output_uri": output_uri, "submitted_at": timezone.now(), "error": ""}
    with transaction.atomic():
        if not BedrockBatch.objects.filter(pk=batch.pk, arn="").update(**facts, remote_status="Submitted"):
            return False
        asked = batch.questions.filter(state=Question.State.ASKED)
        count = asked.update(attempts=F("attempts") + 1)
        BedrockBatch.objects.filter(pk=batch.pk).update(records_total=count)
        ids = list(asked.order_by().values_list("nova_job_id", flat=True).distinct())
        for some_pks in sliced(ids):
            NovaJob.objects.filter(pk__in=some_pks).take_on()
        report_all_parked(BATCH_RECORD, ids, 0.0, SENT)
    notices.clear(f"{pool.REFUSED_NOTICE}{batch.model_key}")
    batch.refresh_from_db()
    return True


def clear(batch: BedrockBatch) -> None:
    """Delete the staged copies of a batch that is over, and what Bedrock wrote for it."""
    if batch.cleared_at is not None:
        return
    with batch.there():
        BatchFolder(batch.folder).clear()
        if batch.arn and batch.output_uri:
            staging.delete_folder(f"{staging.key_of(batch.output_uri).rstrip('/')}/{batch.arn.rpartition('/')[2]}")
    batch.cleared_at = timezone.now()
    batch.save(update_fields=["cleared_at"])


# --- inside ---------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(batch: BedrockBatch) -> Iterator[None]:
    """One process at a time; the lock falls with the process."""
    held = disk.try_lock(disk.make_dir(conf.lock_folder()) / f"bedrock-batch-{batch.pk}.lock")
    if held is None:
        raise BusyError("Another worker sends this batch.")
    with held:
        yield


def _send(batch: BedrockBatch, progress: Progress, token: str) -> str:
    was_called = batch.called_at is not None
    if batch.is_cancelled and not was_called:
        pool.cancel_analyses(_analyses(batch))
        give_up(batch, "Cancelled before it was sent.", "", is_held=False)
        return "Cancelled before it was sent"
    if not was_called:
        model = catalogue.require(batch.model_key, NovaJob.Mode.BATCH)
        jobs.check(_new_job(batch))  # before anything is reserved or staged
        if not _Preparation(batch, model, progress, token).run():
            return f"{batch}: {batch.error}"
        if not _begin_call(batch):
            return f"{batch}: {batch.error}"
    _create(batch, was_called=was_called)
    return f"{SENT}: {batch.records_total:,} records"


def _begin_call(batch: BedrockBatch) -> bool:
    """From here on Bedrock may have it. Not where it was cancelled or given up since its records were written."""
    due = BedrockBatch.objects.filter(pk=batch.pk, called_at__isnull=True, ended_at__isnull=True, is_cancelled=False)
    is_due = bool(due.update(called_at=timezone.now()))
    batch.refresh_from_db()
    return is_due


def _create(batch: BedrockBatch, *, was_called: bool) -> None:
    """Have Bedrock make the job. A job of an earlier call whose answer was lost is taken instead."""
    found = _made_before(batch) if was_called else None
    if found is None:
        new_job = _new_job(batch)
        try:
            take_arn(batch, jobs.create(new_job), new_job.output_uri)
        except BedrockError as exc:
            if exc.aws_code != CONFLICT:
                raise
            # Its generated name is in use: an earlier try of the client made it. The list tells of it in a while.
            raise BusyError(str(exc), remedy=exc.remedy) from exc
    else:
        logger.info("Took up %s, which Bedrock had and we did not", found.arn)
        take_arn(batch, found.arn, found.output_uri)


def _new_job(batch: BedrockBatch) -> NewJob:
    return BatchFolder(batch.folder).new_job(client_token=batch.client_token, runtime_id=batch.runtime_id)


def _made_before(batch: BedrockBatch) -> RemoteJob | None:
    """As long as this cannot be told, Bedrock may have the job, and nothing of it may be asked elsewhere."""
    try:
        return find_remote(batch)
    except BedrockError as exc:
        raise BusyError(str(exc), remedy=exc.remedy) from exc


def _analyses(batch: BedrockBatch) -> list[int]:
    return list(batch.questions.order_by().values_list("nova_job_id", flat=True).distinct())


class _Preparation:
    """From linked questions to a sealed batch. Done again after a crash, it does what is left."""

    def __init__(self, batch: BedrockBatch, model: CatalogueModel, progress: Progress, token: str) -> None:
        self.batch, self.model, self.progress, self.token = batch, model, progress, token
        self.folder = BatchFolder(batch.folder)
        self.minimum = bedrock_conf.batch().min_records

    def run(self) -> bool:
        """Whether the batch is sealed; else it was given up for lack of records."""
        if self._is_sealed():
            return True
        for _ in range(ROUNDS):
            self._reserve()
            self._stage()
            if not self._has_enough():
                self.batch.refresh_from_db()
                return False
            if self._seal(self._write()):
                return True
        raise BusyError("Questions leave this batch while it is being sent.")

    def _is_sealed(self) -> bool:
        return self.batch.questions.filter(state=Question.State.ASKED).exists()

    def _questions(self) -> QuestionQuerySet:
        return waiting_in(self.batch)

    def some(self) -> Iterator[list[Question]]:
        """What is left in the batch, a few at a time, those of one analysis one after the other."""
        pks = list(self._questions().order_by("nova_job_id", "index", "pk").values_list("pk", flat=True))
        for some_pks in sliced(pks, CHUNK):
            rows = self._questions().filter(pk__in=some_pks)
            yield list(rows.select_related("nova_job__file").order_by("nova_job_id", "index", "pk"))
            self.progress.check()

    def _reserve(self) -> None:
        try:
            Reservation(self.batch, self.model).make(self.some())
        except TooDearError as exc:
            give_up(self.batch, str(exc), exc.remedy, is_held=True, needs_usd=exc.needs_usd)
            raise

    # --- videos -----------------------------------------------------------------------------------------------------

    def _stage(self) -> None:
        """Upload what is not there yet, side by side. A file that can't be staged fails alone."""
        staged, total = self.folder.staged(), self._questions().count()
        here = _Uploads(self, staged, total)
        with here.stack:
            staging.upload_many(here.items(), on_done=here.done, on_unreadable=here.unreadable)

    def fail_alone(self, question: Question, exc: Exception) -> None:
        """It leaves the batch with its reason, and its analysis ends."""
        told = exc if isinstance(exc, WorkError) else WorkError(str(exc), remedy="Make the proxy again.")
        fail(self.batch, question, told)

    def _has_enough(self) -> bool:
        left = self._questions().count()
        if left >= self.minimum:
            return True
        reason = (
            f"{left:,} records were left of this batch, and Bedrock takes {self.minimum:,} or more: they wait again."
        )
        give_up(self.batch, reason, "", is_held=False)
        return False

    # --- records ----------------------------------------------------------------------------------------------------

    def _write(self) -> set[str]:
        """Write the records, streaming. Returns their ids."""
        self.progress.update(1.0, "Writing the records")
        written: set[str] = set()

        def lines() -> Iterator[tuple[str, dict[str, Any]]]:
            for questions in self.some():
                for question in questions:
                    record_id = question.record_id or ""
                    written.add(record_id)
                    yield record_id, self._body(question, record_id)

        self.folder.write_records(lines())
        return written

    def _body(self, question: Question, record_id: str) -> dict[str, Any]:
        prompt = preparing.prompt_of(question)
        depth = AnalysisRequest.of(question.nova_job).depth
        return converse.batch_body(
            converse.ConverseRequest(
                runtime_id=self.batch.runtime_id,
                system=prompt.system,
                text=prompt.text_without_tool,
                video_uri=self.folder.video_uri(record_id),
                max_tokens=estimating.max_tokens(self.model, question.types, depth),
            )
        )

    def _seal(self, written: set[str]) -> bool:
        """From here on nothing leaves: what was written is what is asked, and each has its reservation."""
        with transaction.atomic():
            BedrockBatch.objects.select_for_update().get(pk=self.batch.pk)
            ids = dict(self._questions().select_for_update().values_list("pk", "record_id"))
            if set(ids.values()) != written:
                return False
            pks = list(ids)
            for some_pks in sliced(pks):
                some = list(self._questions().filter(pk__in=some_pks).only("pk", "key"))
                entries = ledger_calls.entries_of(some)
                if len(entries) < len(some):
                    return False
                booking.sent(*entries.values())
            self._questions().update(state=Question.State.ASKED, error="")
        return True


class _Uploads:
    """The pieces on their way to S3. Cut pieces are on disk only until theirs are up."""

    def __init__(self, preparation: _Preparation, staged: set[str], total: int) -> None:
        self.work, self.staged, self.total = preparation, staged, total
        self.stack = ExitStack()
        self._open: dict[str, tuple[ExitStack, set[str]]] = {}
        self._by_key: dict[str, Question] = {}
        self._done = 0

    def items(self) -> Iterator[tuple[Path, str]]:
        for questions in self.work.some():
            for _, some in groupby(questions, key=lambda one: one.nova_job_id):
                yield from self._of_analysis(list(some))

    def _of_analysis(self, questions: Sequence[Question]) -> Iterator[tuple[Path, str]]:
        keys = {self._key(one): one for one in questions}
        todo = {key: one for key, one in keys.items() if key not in self.staged}
        self._done += len(keys) - len(todo)
        if not todo:
            return
        nova_job = questions[0].nova_job
        whole = list(nova_job.questions.all())
        mine = self.stack.enter_context(ExitStack())
        try:
            pieces = mine.enter_context(ledger_calls.cut_proxy(nova_job, whole, token=self.work.token))
            for question in todo.values():
                piece = pieces[question.index]
                with piece.path.open("rb"):
                    ledger_calls.place(question, piece, is_cut=len(pieces) > 1)
        except (WorkError, OSError) as exc:
            mine.close()
            if isinstance(exc, WorkError) and exc.retryable:
                raise
            for question in todo.values():
                self.work.fail_alone(question, exc)
            return
        under_way = set(todo)
        for key, question in todo.items():
            self._open[key], self._by_key[key] = (mine, under_way), question
        for key, question in todo.items():
            yield pieces[question.index].path, key

    def done(self, key: str) -> None:
        self._close(key)
        self._done += 1
        self.work.progress.update(self._done / max(1, self.total), f"Staging: {self._done:,} of {self.total:,} videos")

    def unreadable(self, key: str, exc: OSError) -> None:
        question = self._by_key[key]
        self._close(key)
        self.work.fail_alone(question, exc)

    def _close(self, key: str) -> None:
        mine, under_way = self._open.pop(key)
        self._by_key.pop(key)
        under_way.discard(key)
        if not under_way:
            mine.close()

    def _key(self, question: Question) -> str:
        return self.work.folder.video_key(question.record_id or "")
