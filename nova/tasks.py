"""Both sides of the door to background analysis."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Sum
from django.urls import reverse

from bedrock import catalogue
from bedrock.batch.jobs import role_arn
from bedrock.clients import credentials_fault
from bedrock.errors import NotConfiguredError, OverBudgetError
from bedrock.models import CatalogueModel
from files.models import File
from jobs import notices
from jobs.errors import Cancelled, LeaseLost, WorkError
from jobs.progress import Progress
from jobs.queue import enqueue
from jobs.work import Work
from nova.analyze import TYPES, PartProgress, analyze, prepare
from nova.errors import AnalysisError, InBatchError, NotAnalysableError
from nova.kinds import ANALYZE, ASK_NOVA, BATCH_RECORD
from nova.models import LOCAL, NovaJob, Question, RawReply
from nova.notifications import announce
from nova.options import AnalysisRequest
from nova.questions import ledger_calls, preparing, realtime, rekeying, reply_store, results
from nova.types.registry import expand, resolve

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Batch, Job

#: What a person asked for goes before what an import brought.
ASKED_PRIORITY = 5


def request_local(  # noqa: PLR0913  (a request has these parts)
    file: File,
    *,
    types: Sequence[str] = TYPES,
    options: Mapping[str, Any] | None = None,
    force: bool = False,
    priority: int = 0,
    batch: "Batch | None" = None,
    user: "AbstractBaseUser | None" = None,
) -> tuple[NovaJob, "Job | None"]:
    """Ask for a free local analysis. The job is None where the same analysis is there already.

    Raises UnknownTypeError, NotAnalysableError.
    """
    nova_job = prepare(file, types=types, options=options, force=force)
    if nova_job.status == NovaJob.Status.COMPLETED:
        if results.make_current(nova_job):  # a correction was undone, or an earlier transcript chosen again
            transaction.on_commit(lambda: announce(file, nova_job))
        return nova_job, None
    return nova_job, enqueue(ANALYZE, nova_job.pk, priority=priority, batch=batch, created_by=user)


def request_analysis(
    file: File,
    request: AnalysisRequest,
    *,
    force: bool = False,
    batch: "Batch | None" = None,
    user: "AbstractBaseUser | None" = None,
) -> tuple[NovaJob, "Job | None"]:
    """Ask for an analysis by any model, the free local one too. The job is None where there is nothing to do.

    What was answered before costs nothing; `force` asks it again, and pays again. Raises UnknownTypeError,
    NotAnalysableError, ModelRefusedError, NotConfiguredError.
    """
    types = expand(request.types)
    if request.model == LOCAL:
        depth = {"summary_depth": request.depth}
        return request_local(
            file, types=types, options=depth, force=force, priority=ASKED_PRIORITY, batch=batch, user=user
        )
    require_askable(request)
    preparing.require_visible(file)
    fitting = [spec.name for spec in resolve(types, file.media_type)]
    if not fitting:
        raise NotAnalysableError(
            f"Nothing of this is for a file of this kind ({file.media_type}): {', '.join(types)}.",
            remedy="Choose other analysis types.",
        )
    request = replace(request, types=tuple(fitting))
    nova_job, waits = None, request.mode == NovaJob.Mode.BATCH
    if force:
        nova_job = forced_a_moment_ago(file, request)
        request = replace(request, again=NovaJob.objects.of(file).filter(model=request.model).count() + 1)
    if nova_job is None:
        facts: dict[str, Any] = {
            "file": file,
            "model": request.model,
            "mode": request.mode,
            "analysis_types": list(request.types),
            "options": request.as_options(),
        }
        under_way = NovaJob.objects.open().filter(**facts).first()
        status = NovaJob.Status.WAITING if waits else NovaJob.Status.SUBMITTED
        nova_job = under_way or NovaJob.objects.create(**facts, status=status, content_hash=file.full_hash)
    kind = BATCH_RECORD if waits else ASK_NOVA
    return nova_job, enqueue(kind, nova_job.pk, priority=ASKED_PRIORITY, batch=batch, created_by=user)


def require_askable(request: AnalysisRequest) -> None:
    """Raise the reason why this model cannot be asked in this mode now: ModelRefusedError, NotConfiguredError."""
    catalogue.require(request.model, request.mode)
    if request.mode == NovaJob.Mode.BATCH:
        role_arn()
    if fault := credentials_fault():
        raise NotConfiguredError(
            f"{fault.rstrip('.')}.", remedy="Set up AWS credentials (docs/aws.md), or use the free local model."
        )


def forced_a_moment_ago(file: File, request: AnalysisRequest) -> NovaJob | None:
    """The analysis that was forced before and is under way: a second click pays nothing."""
    for nova_job in NovaJob.objects.open().filter(file=file, model=request.model, mode=request.mode):
        earlier = AnalysisRequest.of(nova_job)
        if earlier.again and replace(earlier, again=0) == replace(request, again=0):
            return nova_job
    return None


def run_ask(work: Work) -> str:
    """The body of `ask_nova`: realtime and flex. What the month's cap does not allow now waits for it, and what is
    on its way in a batch for its answer."""
    nova_job = NovaJob.objects.select_related("file", "file__root").get(pk=work.subject)
    ledger_calls.free_the_dead()
    try:
        with _noted(nova_job):
            model, questions = _prepare(nova_job, work.progress)
            token = f"{work.job_id}-{work.attempt}"
            realtime.answer_all(nova_job, model, questions, progress=work.progress, token=token)
    except OverBudgetError as exc:
        nova_job.note_error(str(exc))
        notices.notify("nova-budget", f"Analyses wait: {exc}", remedy=exc.remedy, url=reverse("nova"))
        return work.park(f"Waits: {exc}")
    except InBatchError as exc:
        nova_job.note_error(str(exc))
        return work.park(f"Waits: {exc}")
    reply_store.finish(nova_job)
    return _outcome(nova_job)


def run_batch_record(work: Work) -> str:
    """The body of `batch_record`: make the questions ready, then wait for a full batch."""
    nova_job = NovaJob.objects.select_related("file", "file__root").get(pk=work.subject)
    with _noted(nova_job):
        _prepare(nova_job, PartProgress(work.progress, 0.0))  # nothing is done until Bedrock has done something
    if reply_store.finish(nova_job):
        return _outcome(nova_job)
    if not nova_job.questions.filter(state=Question.State.ASKED).exists():
        nova_job.wait()
    return work.park("Waits for a full batch")


def _prepare(nova_job: NovaJob, progress: Progress) -> tuple[CatalogueModel, list[Question]]:
    nova_job.reopen()
    model = catalogue.require(nova_job.model, nova_job.mode)
    is_new = not nova_job.questions.exists()
    questions = preparing.prepare(nova_job, model, progress=progress)
    if not is_new:
        questions = rekeying.rekey_all(nova_job, questions, model)
    if nova_job.estimated_usd is None:  # to be seen beside what it did cost
        costs = [question.estimated_usd for question in questions if question.state != Question.State.ANSWERED]
        if all(cost is not None for cost in costs):
            nova_job.estimated_usd = sum((cost for cost in costs if cost is not None), Decimal(0))
            todo = [question for question in questions if question.state != Question.State.ANSWERED]
            nova_job.likely_usd = ledger_calls.likely_usd(todo, nova_job, model)
            nova_job.save(update_fields=["estimated_usd", "likely_usd"])
    return model, questions


@contextmanager
def _noted(nova_job: NovaJob) -> Iterator[None]:
    """Whatever ends the work is noted on the analysis too."""
    try:
        yield
    except LeaseLost:  # another worker does it now, and says how it ends
        raise
    except Cancelled:
        reply_store.book(nova_job)  # pieces may have been paid before
        nova_job.cancel()
        raise
    except WorkError as exc:
        if exc.retryable:  # its job comes back to it
            nova_job.note_error(str(exc))
        elif not isinstance(exc, OverBudgetError | InBatchError):
            nova_job.fail(str(exc))
        raise


def _outcome(nova_job: NovaJob) -> str:
    """What to say of an analysis that is over; one that failed fails its job too."""
    nova_job.refresh_from_db()
    if nova_job.status == NovaJob.Status.FAILED:
        raise AnalysisError(nova_job.error)
    if not nova_job.tokens_input:
        return "Answered before: nothing was paid"
    return f"Made {', '.join(nova_job.analysis_types)}"


def cost_of(nova_job_ids: Sequence[int]) -> Decimal:
    """What these analyses have cost so far."""
    total = RawReply.objects.filter(nova_job__in=nova_job_ids).aggregate(total=Sum("cost_usd"))["total"]
    return Decimal(total or 0)


def run_analyze(work: Work) -> str:
    nova_job = NovaJob.objects.select_related("file", "file__root").get(pk=work.subject)
    analyze(nova_job, progress=work.progress)
    return f"Made {', '.join(nova_job.analysis_types)}"


def names_of(nova_job_ids: Sequence[int]) -> dict[int, str]:
    """What the subjects of these jobs are called."""
    rows = NovaJob.objects.filter(pk__in=nova_job_ids).values_list("pk", "file__name")
    return {pk: name or "a file that left the library" for pk, name in rows}


def of_file(file_id: int) -> list[int]:
    return list(NovaJob.objects.filter(file_id=file_id).values_list("pk", flat=True))


def files_of(nova_job_ids: Sequence[int]) -> dict[int, int]:
    rows = NovaJob.objects.filter(pk__in=nova_job_ids, file__isnull=False).values_list("pk", "file_id")
    return {pk: file_id for pk, file_id in rows if file_id is not None}
