"""The page of analyses: what waits, what runs, and what each cost beside its estimate."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from nova.models import LOCAL, NovaJob
from novaproject import overview

PER_PAGE = 50
LOOKS = {
    NovaJob.Status.WAITING: "warn",
    NovaJob.Status.SUBMITTED: "off",
    NovaJob.Status.IN_PROGRESS: "run",
    NovaJob.Status.COMPLETED: "ok",
    NovaJob.Status.FAILED: "bad",
    NovaJob.Status.CANCELLED: "off",
}


@require_safe
@permission_required(("files.view_file", "nova.view_novajob"), raise_exception=True)
def analyses(request: HttpRequest) -> HttpResponse:
    counts = dict(NovaJob.objects.order_by().values_list("status").annotate(Count("pk")))
    wanted = request.GET.get("status", "")
    chosen = NovaJob.objects.select_related("file").order_by("-pk")
    if wanted in NovaJob.Status.values:
        chosen = chosen.filter(status=wanted)
    page = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
    month = overview.month_so_far()
    context: dict[str, Any] = {
        "running": counts.get(NovaJob.Status.IN_PROGRESS, 0),
        "waiting": counts.get(NovaJob.Status.WAITING, 0),
        "chips": [(value, word, counts.get(value, 0)) for value, word in NovaJob.Status.choices if counts.get(value)],
        "wanted": wanted,
        "total": sum(counts.values()),
        "page": page,
        "rows": [(job, LOOKS[NovaJob.Status(job.status)], job.model == LOCAL) for job in page.object_list],
        "month": month,
        "month_name": month.name,
    }
    return render(request, "novaproject/nova.html", context)
