"""Sending one batch: reserve, stage, write the records, and have Bedrock make the job.

Each step is done again safely: reservations are found by their holder, staged videos are skipped, and the client token
makes one job of two calls. Until the batch is *sealed* (its questions are `asked`) anything may leave it; from then on
nothing may, since Bedrock may have it. Only a plain refusal of AWS opens it again.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from bedrock import batch_quotas, catalogue, converse, never_send, staging
from bedrock.batch import jobs, records
from bedrock.batch.jobs import NewJob, RemoteJob
from bedrock.batch.records import BatchFolder
from bedrock.errors import BedrockError, BusyError, OverBudgetError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel
from files.storage import locks
from jobs import notices
from jobs.bulk import sliced
from jobs.control import report_all_parked
from jobs.errors import Cancelled, LeaseLost, WorkError
from jobs.progress import NO_PROGRESS, Progress
from nova.batch import pool
from nova.batch.reserving import Reservation, TooDearError, fail, waiting_in
from nova.kinds import BATCH_RECORD
from nova.models import BedrockBatch, NovaJob, Question
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
    with locks.tried(f"bedrock-batch-{batch.pk}") as is_held, batch.there():  # it falls with the process
        if not is_held:
            raise BusyError("Another worker sends this batch.")
        batch.refresh_from_db()
        if batch.arn or batch.ended_at:
            return f"{batch}: {batch.error or SENT}"
        was_called = batch.called_at is not None
        try:
            if not was_called and not make_ready(batch, progress, token or f"batch-{batch.pk}"):
                return f"{batch}: {batch.error}"
            create_job(batch, was_called=was_called)
            return f"{SENT}: {batch.records_total:,} records"
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


def make_ready(batch: BedrockBatch, progress: Progress, token: str) -> bool:
    """Reserve, stage and write what is asked. From then on Bedrock may have it.

    False where it was cancelled or given up meanwhile: then `batch.error` says so.
    """
    if batch.is_cancelled:
        pool.cancel_analyses(batch.questions.order_by().values_list("nova_job_id", flat=True).distinct())
        give_up(batch, "Cancelled before it was sent.", "", is_held=False)
        batch.refresh_from_db()
        return False
    model = catalogue.require(batch.model_key, NovaJob.Mode.BATCH)
    jobs.check(new_job(batch))  # before anything is reserved or staged
    if not Preparation(batch, model, progress, token).run():
        return False
    due = BedrockBatch.objects.filter(pk=batch.pk, called_at__isnull=True, ended_at__isnull=True, is_cancelled=False)
    is_due = bool(due.update(called_at=timezone.now()))
    batch.refresh_from_db()
    return is_due


def create_job(batch: BedrockBatch, *, was_called: bool) -> None:
    """Have Bedrock make the job. A job of an earlier call whose answer was lost is taken instead."""
    try:
        remote = find_remote(batch) if was_called else None
    except BedrockError as exc:
        # As long as this cannot be told, Bedrock may have the job, and nothing of it may be asked elsewhere.
        raise BusyError(str(exc), remedy=exc.remedy) from exc
    if remote is not None:
        logger.info("Took up %s, which Bedrock had and we did not", remote.arn)
        take_arn(batch, remote.arn, remote.output_uri)
        return
    request = new_job(batch)
    try:
        take_arn(batch, jobs.create(request), request.output_uri)
    except BedrockError as exc:
        if exc.aws_code != CONFLICT:
            raise
        # Its generated name is in use: an earlier try of the client made it. The list tells of it in a while.
        raise BusyError(str(exc), remedy=exc.remedy) from exc


def new_job(batch: BedrockBatch) -> NewJob:
    """What Bedrock is asked to make."""
    return BatchFolder(batch.folder).new_job(client_token=batch.client_token, runtime_id=batch.runtime_id)


class Preparation:
    """From linked questions to a sealed batch. Done again after a crash, it does what is left."""

    def __init__(self, batch: BedrockBatch, model: CatalogueModel, progress: Progress, token: str) -> None:
        self.batch, self.model, self.progress, self.token = batch, model, progress, token
        self.folder = BatchFolder(batch.folder)

    def run(self) -> bool:
        """Whether the batch is sealed; else it was given up for lack of records."""
        if self.batch.questions.filter(state=Question.State.ASKED).exists():
            return True
        minimum = batch_quotas.of(self.model).min_records
        for _ in range(ROUNDS):
            self.reserve()
            self.stage()
            left = waiting_in(self.batch).count()
            if left < minimum:
                words = f"{left:,} records were left of this batch, and Bedrock takes {minimum:,} or more"
                give_up(self.batch, f"{words}: they wait again.", "", is_held=False)
                self.batch.refresh_from_db()
                return False
            if self.seal(self.write_records()):
                return True
        raise BusyError("Questions leave this batch while it is being sent.")

    def reserve(self) -> None:
        """Money for what is left in the batch; where the cap has no room for a whole batch, it is given up."""
        try:
            Reservation(self.batch, self.model).make(self.in_portions())
        except TooDearError as exc:
            give_up(self.batch, str(exc), exc.remedy, is_held=True, needs_usd=exc.needs_usd)
            raise

    def stage(self) -> None:
        """Upload what is not there yet, side by side. A file that can't be staged fails alone."""
        uploads = Uploads(self, self.folder.staged(), waiting_in(self.batch).count())
        with uploads.stack:
            staging.upload_many(uploads.items(), on_done=uploads.done, on_unreadable=uploads.unreadable)

    def in_portions(self) -> Iterator[list[Question]]:
        """What is left in the batch, a few at a time, those of one analysis one after the other."""
        pks = list(waiting_in(self.batch).order_by("nova_job_id", "index", "pk").values_list("pk", flat=True))
        for start in range(0, len(pks), CHUNK):
            rows = waiting_in(self.batch).filter(pk__in=pks[start : start + CHUNK])
            yield list(rows.select_related("nova_job__file").order_by("nova_job_id", "index", "pk"))
            self.progress.check()

    def write_records(self) -> set[str]:
        """Write the records, streaming. Returns their ids."""
        self.progress.update(1.0, "Writing the records")
        written: set[str] = set()

        def lines() -> Iterator[tuple[str, dict[str, Any]]]:
            for question in chain.from_iterable(self.in_portions()):
                record_id = question.record_id or ""
                written.add(record_id)
                prompt = preparing.prompt_of(question)
                depth = AnalysisRequest.of(question.nova_job).depth
                request = converse.ConverseRequest(
                    runtime_id=self.batch.runtime_id,
                    system=prompt.system,
                    text=prompt.text_without_tool,
                    media_uri=self.folder.media_uri(record_id, preparing.medium_of(question)),
                    medium=preparing.medium_of(question),
                    max_tokens=estimating.max_tokens(self.model, question.types, depth, preparing.medium_of(question)),
                )
                yield record_id, converse.batch_body(request)

        self.folder.write_records(lines(), max_bytes=batch_quotas.of(self.model).records_file_bytes)
        return written

    def seal(self, written: set[str]) -> bool:
        """From here on nothing leaves: what was written is what is asked, and each has its reservation."""
        with transaction.atomic():
            BedrockBatch.objects.select_for_update().get(pk=self.batch.pk)
            questions = waiting_in(self.batch)
            rows = list(questions.select_for_update(of=("self",)).only("pk", "key", "record_id"))
            if {question.record_id for question in rows} != written:
                return False
            if not all(len(ledger_calls.entries_of(portion)) == len(portion) for portion in sliced(rows)):
                return False
            for portion in sliced(rows):
                booking.sent(*ledger_calls.entries_of(portion).values())
            questions.update(state=Question.State.ASKED, error="")
        return True


class Uploads:
    """The pieces on their way to S3. Cut pieces are on disk only until theirs are up."""

    def __init__(self, preparation: Preparation, staged: set[str], total: int) -> None:
        self.work, self.staged, self.total = preparation, staged, total
        self.stack = ExitStack()
        self._open: dict[str, tuple[ExitStack, set[str], Question]] = {}
        self._done = 0

    def items(self) -> Iterator[tuple[Path, str]]:
        """The pieces that are not there yet, analysis by analysis, with their keys."""
        for questions in self.work.in_portions():
            for _, of_analysis in groupby(questions, key=lambda question: question.nova_job_id):
                keys = {
                    self.work.folder.media_key(question.record_id or "", preparing.medium_of(question)): question
                    for question in of_analysis
                }
                todo = {key: question for key, question in keys.items() if key not in self.staged}
                self._done += len(keys) - len(todo)
                if todo:
                    yield from self.pieces_of_analysis(todo)

    def pieces_of_analysis(self, todo: dict[str, Question]) -> Iterator[tuple[Path, str]]:
        """Cut the proxy of one analysis, and open each piece once: what can't be read fails before it is sent."""
        nova_job = next(iter(todo.values())).nova_job
        files = self.stack.enter_context(ExitStack())
        try:
            never_send.require_sendable([nova_job.file_id])
            whole = list(nova_job.questions.all())
            pieces = files.enter_context(ledger_calls.cut_proxy(nova_job, whole, token=self.work.token))
            for question in todo.values():
                piece = pieces[question.index]
                with piece.path.open("rb"):
                    ledger_calls.note_cut(question, piece, is_cut=len(pieces) > 1)
        except (WorkError, OSError) as exc:
            files.close()
            if isinstance(exc, WorkError) and exc.retryable:
                raise
            for question in todo.values():
                self.fail_alone(question, exc)
            return
        under_way = set(todo)
        self._open |= {key: (files, under_way, question) for key, question in todo.items()}
        for key, question in todo.items():
            yield pieces[question.index].path, key

    def done(self, key: str) -> None:
        self.close(key)
        self._done += 1
        self.work.progress.update(self._done / max(1, self.total), f"Staging: {self._done:,} of {self.total:,} files")

    def unreadable(self, key: str, exc: OSError) -> None:
        self.fail_alone(self.close(key), exc)

    def close(self, key: str) -> Question:
        """This piece is over; the cut pieces of its analysis go with the last of them."""
        files, under_way, question = self._open.pop(key)
        under_way.discard(key)
        if not under_way:
            files.close()
        return question

    def fail_alone(self, question: Question, exc: Exception) -> None:
        """It leaves the batch with its reason, and its analysis ends."""
        error = exc if isinstance(exc, WorkError) else WorkError(str(exc), remedy="Make the proxy again.")
        fail(self.work.batch, question, error)
