"""The jobs page and the page of one batch. What they show is read anew each time: a reload loses nothing."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from jobs import control, counting, notices, registry, subjects, throughput
from jobs.errors import WorkError
from jobs.models import Batch, Job, JobQuerySet, QueueState
from jobs.web import permissions
from jobs.workers import clusters

#: Rows of each part of the pages.
MAX_RUNNING = 20
MAX_NEXT = 10
MAX_LATELY = 12
MAX_FAILED = 50
MAX_BATCHES = 10


@require_safe
@permission_required("jobs.view_job", raise_exception=True)
def jobs_page(request: HttpRequest) -> HttpResponse:
    running = _with_subjects(Job.objects.running().order_by("started_at"), MAX_RUNNING)
    by_state = dict(Job.objects.active().order_by().values_list("state").annotate(n=Count("pk")))
    groups = counting.reasons()
    unfinished = Batch.jobs.through.objects.filter(job__state__in=Job.ACTIVE).values("batch_id")
    batches = list(Batch.objects.filter(pk__in=unfinished)[:MAX_BATCHES])
    counts = counting.count(batches)
    context = {
        "running": running,
        "n_running": by_state.get(Job.State.RUNNING, 0),
        "n_queued": by_state.get(Job.State.QUEUED, 0),
        "next": _with_subjects(Job.objects.queued().order_by("-priority", "run_after", "pk"), MAX_NEXT),
        "lately": _with_subjects(Job.objects.filter(finished_at__isnull=False).order_by("-finished_at"), MAX_LATELY),
        "batches": [{"batch": batch, "counts": counts[batch.pk]} for batch in batches],
        "reasons": groups,
        "n_failed": sum(group.count for group in groups),
        "queues": _queues(),
        "workers": sum(cluster.workers for cluster in clusters.standing()),
        "notices": notices.standing(),
        "may_pause": request.user.has_perm("jobs.change_queuestate"),
    }
    template = _part(request, "jobs/_jobs_body.html", "jobs/jobs.html")
    if template == "jobs/jobs.html":
        context["plots"] = throughput.plots()
    return render(request, template, context)


@require_safe
@permission_required("jobs.view_batch", raise_exception=True)
def batch_page(request: HttpRequest, pk: int) -> HttpResponse:
    batch = get_object_or_404(Batch, pk=pk)
    jobs = Job.objects.filter(batches=batch)
    counts = counting.count([batch])[batch.pk]
    context = {
        "batch": batch,
        "counts": counts,
        "running": _with_subjects(jobs.running().order_by("started_at"), MAX_RUNNING),
        "next": _with_subjects(jobs.queued().order_by("-priority", "run_after", "pk"), MAX_NEXT),
        "failed": _with_subjects(jobs.failed().order_by("-finished_at"), MAX_FAILED),
        "reasons": counting.reasons(batch),
        "cost_usd": counting.cost_usd(batch),
        "is_paused": QueueState.objects.filter(name__in=jobs.active().values("queue"), is_paused=True).exists(),
    }
    return render(request, _part(request, "jobs/_batch_body.html", "jobs/batch.html"), context)


def _part(request: HttpRequest, part: str, page: str) -> str:
    """What htmx polls for is the part that changes."""
    return part if request.headers.get("HX-Request") == "true" else page


def _with_subjects(jobs: JobQuerySet, most: int) -> list[dict[str, Any]]:
    rows = list(jobs[:most])
    about = subjects.describe(rows)
    return [{"job": job, "about": about[job.pk], "kind": registry.label_of(job.kind)} for job in rows]


def _queues() -> list[dict[str, Any]]:
    paused = set(QueueState.objects.filter(is_paused=True).values_list("name", flat=True))
    waiting = dict(Job.objects.queued().order_by().values_list("queue").annotate(n=Count("pk")))
    return [{"name": name, "is_paused": name in paused, "queued": waiting.get(name, 0)} for name in registry.QUEUES]


def _back(request: HttpRequest, default: str) -> HttpResponse:
    """To the page on which the button was."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = default
    return HttpResponseRedirect(target)


def _say(request: HttpRequest, number: int, words: str) -> None:
    noun = "job" if number == 1 else "jobs"
    messages.success(request, f"{number:,} {noun} {words}.")


@require_POST
def job_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Cancel or retry one job."""
    job = get_object_or_404(Job, pk=pk)
    permissions.check_job(request.user, job)
    try:
        (control.cancel if action == "cancel" else control.retry)(job)
        messages.success(request, "It will be cancelled." if action == "cancel" else "Queued again.")
    except WorkError as exc:
        messages.warning(request, f"{exc} {exc.remedy}".strip())
    return _back(request, reverse("jobs"))


@require_POST
def batch_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Cancel what is left of a batch, or retry what failed."""
    batch = get_object_or_404(Batch, pk=pk)
    permissions.check_batch(request.user, batch)
    if action == "cancel":
        _say(request, control.cancel_batch(batch), "cancelled")
    else:
        _say(request, control.retry_failed(batch), "queued again")
    return _back(request, reverse("batch-page", args=[batch.pk]))


@require_POST
def retry_failed(request: HttpRequest) -> HttpResponse:
    """Retry everything that failed, or what failed for one reason; what one may not retry is left alone."""
    failed = Job.objects.failed()
    if request.POST.get("kind"):
        failed = failed.filter(kind=request.POST["kind"], error=request.POST.get("error", ""))
    if request.POST.get("batch", "").isdigit():
        failed = failed.filter(batches=int(request.POST["batch"]))
    kinds = set(failed.order_by().values_list("kind", flat=True).distinct())
    allowed = [kind for kind in kinds if permissions.may_control(request.user, [kind])]
    if kinds and not allowed:
        raise PermissionDenied("You don't have permission to retry these jobs.")
    _say(request, control.retry_all(failed.filter(kind__in=allowed)), "queued again")
    return _back(request, reverse("jobs"))


@require_POST
@permission_required("jobs.change_queuestate", raise_exception=True)
def queue_action(request: HttpRequest, name: str, action: str) -> HttpResponse:
    """Pause or resume a queue."""
    if name not in registry.QUEUES:
        raise Http404(f"There is no queue {name}.")
    person: Any = request.user
    if action == "pause":
        control.pause(name, by=person)
        messages.success(request, f"The {name} queue is paused: what runs goes on, nothing more starts.")
    else:
        control.resume(name, by=person)
        messages.success(request, f"The {name} queue goes on.")
    return _back(request, reverse("jobs"))
