"""The home page, and what of it is asked again while work runs."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling

from embeddings import found_by
from files import conf
from files.importing.roots import notice_key
from files.models import File, Problem
from files.selection import facets
from jobs import notices
from jobs.models import Job
from novaproject.pages import forecast, overview
from novaproject.pages.cards import cards
from novaproject.setup import doctor
from novaproject.views_setup import grouped, headline, weights

NEWEST = 4


@require_safe
@permission_required("files.view_file", raise_exception=True)
def home(request: HttpRequest) -> HttpResponse:
    totals = overview.totals()
    if not totals.files:
        return _empty(request)
    done = overview.coverage()
    month = overview.month_so_far()
    step = overview.next_step(done, request.user)
    newest = facets.annotate(File.objects.select_related("root")).order_by("-imported_at", "-id")[:NEWEST]
    away = overview.roots_away()
    context: dict[str, Any] = {
        "totals": totals,
        "running": overview.running() if request.user.has_perm("jobs.view_job") else [],
        "coverage": done,
        "pace": forecast.in_words(
            (row.action, totals.average_bytes * row.missing) for row in done if row.action is not None and row.missing
        ),
        "found_by": found_by.counts(),
        "next": step[0] if step else None,
        "next_price": step[1] if step else "",
        "notices": notices.standing().exclude(key__in=[notice_key(root) for root in away]),  # said once
        "roots_away": away,
        "failed": Job.objects.unresolved().count() if request.user.has_perm("jobs.view_job") else 0,
        "problems": Problem.objects.count(),
        "may_see_problems": request.user.has_perm("files.view_problem"),
        "arrived": overview.arrived_lately(),
        "newest": cards(newest),
        "month": month,
        "month_name": month.name,
    }
    return render(request, "novaproject/home.html", context)


def _empty(request: HttpRequest) -> HttpResponse:
    checks = doctor.checks()
    context = {
        "groups": grouped(checks),
        "headline": headline(checks),
        "import_roots": conf.import_roots(),
        "limits_folders": True,
        "recursive": True,
        "make_proxies": True,
        "running": overview.running() if request.user.has_perm("jobs.view_job") else [],
        "notices": notices.standing(),
        **weights(request),
    }
    return render(request, "novaproject/empty.html", context)


@require_safe
@permission_required("files.view_file", raise_exception=True)
def home_running(request: HttpRequest) -> HttpResponse:
    """The list of what runs, as a fragment. When nothing does, the page is loaded anew, with all its numbers."""
    running = overview.running() if request.user.has_perm("jobs.view_job") else []
    answer = render(request, "novaproject/_running.html", {"running": running})
    return answer if running else HttpResponseStopPolling(answer.content, headers={"HX-Refresh": "true"})
