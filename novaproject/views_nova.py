"""The page of analyses: what waits, what runs, and what each cost beside its estimate."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from bedrock import catalogue, price_list
from jobs.errors import WorkError
from nova.api_batches import NOW, batches_with_costs, waiting_analyses
from nova.batch import lifecycle, pool
from nova.conf import poll_s
from nova.facet import PERMISSION
from nova.models import LOCAL, BedrockBatch, NovaJob, Question
from nova.questions import likely
from novaproject.pages import overview
from novaproject.templatetags import human

PER_PAGE = 50
#: Shorter than the status's own words, for a badge.
WORDS = {NovaJob.Status.WAITING: "Waiting"}
LOOKS = {
    NovaJob.Status.WAITING: "warn",
    NovaJob.Status.SUBMITTED: "off",
    NovaJob.Status.IN_PROGRESS: "run",
    NovaJob.Status.COMPLETED: "ok",
    NovaJob.Status.FAILED: "bad",
    NovaJob.Status.CANCELLED: "off",
}


#: Batches on one page.
BATCHES = 20
#: Bedrock's own words, and how they look.
REMOTE_LOOKS = {"Completed": "ok", "PartiallyCompleted": "warn", "Stopped": "off", "Failed": "bad", "Expired": "bad"}


@require_safe
@permission_required(("files.view_file", "nova.view_novajob"), raise_exception=True)
def analyses(request: HttpRequest) -> HttpResponse:
    by_nova = NovaJob.objects.exclude(model=LOCAL)
    counts = dict(by_nova.order_by().values_list("status").annotate(Count("pk")))
    local = NovaJob.objects.filter(model=LOCAL)
    wanted = request.GET.get("status", "")
    chosen = local if wanted == LOCAL else by_nova
    if wanted in NovaJob.Status.values:
        chosen = chosen.filter(status=wanted)
    chosen = chosen.select_related("file").order_by("-pk")
    page = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
    month = overview.month_so_far()
    names = dict(catalogue.models().values_list("key", "name"))
    context: dict[str, Any] = {
        "running": counts.get(NovaJob.Status.IN_PROGRESS, 0),
        "waiting": counts.get(NovaJob.Status.WAITING, 0),
        "chips": [(value, _word(value), counts[value]) for value in NovaJob.Status.values if counts.get(value)],
        "local_key": LOCAL,
        "local_count": local.count(),
        "wanted": wanted,
        "total": sum(counts.values()),
        "page": page,
        "rows": [
            (
                job,
                LOOKS[NovaJob.Status(job.status)],
                _word(job.status),
                job.model == LOCAL,
                names.get(job.model, job.model),
            )
            for job in page.object_list
        ],
        "month": month,
        "month_name": month.name,
        "pools": [_Pool(waiting=said) for said in pool.all_waiting()],
        "batches": [
            (
                batch,
                "bad" if batch.error else REMOTE_LOOKS.get(batch.remote_status, "run" if batch.arn else "off"),
                _records(batch),
                names.get(batch.model_key, batch.model_key),
            )
            for batch in batches_with_costs()[:BATCHES]
        ],
        "open_batches": BedrockBatch.objects.open().count(),
        "polled_at": BedrockBatch.objects.aggregate(last=Max("polled_at"))["last"],
        "poll_s": poll_s(),
        "models": price_list.lines(),
        "likely_quality": likely.quality(),
        "may_ask": request.user.has_perm(PERMISSION),
    }
    return render(request, "novaproject/nova.html", context)


def _word(status: str) -> str:
    return WORDS.get(NovaJob.Status(status)) or str(NovaJob.Status(status).label)


class _Pool:
    """What waits for one model, as the page shows it."""

    def __init__(self, *, waiting: pool.WaitingQuestions) -> None:
        self.waiting = waiting
        self.name = catalogue.model(waiting.model_key).name
        self.error = waiting_analyses(waiting.model_key).exclude(error="").values_list("error", flat=True).first() or ""

    @property
    def is_enough(self) -> bool:
        return not self.waiting.short


def _records(batch: BedrockBatch) -> tuple[int, int]:
    """How many of its records are done, by Bedrock's count while it works and by ours once they are taken in."""
    total = batch.records_total or batch.questions.count()
    if batch.collected_at:
        return batch.questions.filter(state=Question.State.ANSWERED).count(), total
    return batch.records_done or 0, total


@require_POST
@permission_required(("nova.view_novajob", PERMISSION), raise_exception=True)
def waiting(request: HttpRequest, model: str) -> HttpResponse:
    """What a person decides about records that wait: send, run now, or cancel."""
    do = request.POST.get("do", "")
    try:
        if do == "send":
            sent = pool.send(model, by_hand=True)
            messages.success(
                request,
                f"{human.count_of(len(sent), 'batch is,batches are')} on the way."
                if sent
                else "Nothing could be sent yet.",
            )
        elif do in NOW:
            count = pool.run_now(waiting_analyses(model), do)
            messages.success(request, f"{human.count_of(count, 'analysis runs,analyses run')} now, in {do}.")
        elif do == "cancel":
            ids = list(waiting_analyses(model).values_list("pk", flat=True))
            pool.cancel_analyses(ids)
            messages.success(
                request,
                f"{human.count_of(len(ids), 'analysis is,analyses are')} cancelled. Nothing was sent, nothing is paid.",
            )
        else:
            return HttpResponseBadRequest("Choose send, flex, realtime or cancel.")
    except WorkError as exc:
        messages.error(request, f"{exc} {exc.remedy}".strip())
    return redirect("nova")


@require_POST
@permission_required(("nova.view_novajob", PERMISSION), raise_exception=True)
def look(request: HttpRequest) -> HttpResponse:
    """Ask Bedrock now about everything that is open."""
    tended = lifecycle.tend_all()
    messages.success(
        request,
        f"Asked Bedrock about {human.count_of(len(tended), 'batch,batches')}." if tended else "No batch is open.",
    )
    return redirect("nova")


@require_POST
@permission_required(("nova.view_novajob", PERMISSION), raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a batch."""
    batch = get_object_or_404(BedrockBatch, pk=pk)
    try:
        lifecycle.cancel_batch(batch)
        what = "given up" if batch.ended_at else "being stopped"
        messages.success(request, f"The batch is {what}. What was done until now is kept.")
    except WorkError as exc:
        messages.error(request, f"{exc} {exc.remedy}".strip())
    return redirect("nova")
