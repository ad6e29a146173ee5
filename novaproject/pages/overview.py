"""The numbers of the home page: what is in the library, what runs, what is done, what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Sum
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from bedrock.ledger import spend
from files.humanize import MEDIA_TYPES
from files.models import File, Proxy, Root
from files.selection import facets
from files.selection.actions import estimate
from files.selection.resolving import resolve
from files.storage import disk
from jobs import counting, registry, subjects
from jobs.errors import WorkError
from jobs.kept_answers import kept
from jobs.models import Batch, Job
from jobs.web.option_forms import form_from_serializer
from novaproject.templatetags import human

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Totals:
    files: int
    by_type: list[tuple[int, str]]
    duration_s: float
    size_bytes: int
    proxy_bytes: int
    free_bytes: int

    @property
    def average_bytes(self) -> float:
        return self.size_bytes / self.files if self.files else 0.0

    @property
    def average_s(self) -> float:
        return self.duration_s / self.files if self.files else 0.0


def totals() -> Totals:
    """Counted in three queries, whatever the library's size, and again only when it has changed."""
    files, proxies = File.objects.order_by(), Proxy.objects.order_by()
    by_type = files.values_list("media_type").annotate(Count("pk"))
    types = dict(kept(by_type, "rows", lambda: list(by_type)))
    sums = kept(files, "sums", lambda: files.aggregate(total_s=Sum("duration_s"), total_bytes=Sum("size_bytes")))
    proxy_sums = kept(proxies, "sums", lambda: proxies.aggregate(total=Sum("size_bytes")))
    return Totals(
        files=sum(types.values()),
        by_type=[(types[name], words[types[name] != 1]) for name, words in MEDIA_TYPES.items() if types.get(name)],
        duration_s=sums["total_s"] or 0.0,
        size_bytes=sums["total_bytes"] or 0,
        proxy_bytes=proxy_sums["total"] or 0,
        free_bytes=disk.free_bytes(settings.PROXY_DIR),
    )


@dataclass(frozen=True, kw_only=True)
class RunningWork:
    """A batch, or a job on its own, that is under way."""

    label: str
    url: str
    done: int
    total: int
    failed: int = 0
    progress: float = 0.0
    message: str = ""
    eta_s: float | None = None
    cost_usd: Decimal | None = None


def _page(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def running() -> list[RunningWork]:
    """What is under way: batches first, then jobs that belong to none."""
    return [*_batches(), *_single_jobs()][:SHOWN]


def _batches() -> list[RunningWork]:
    active = Job.objects.active().values("batches")
    batches = list(Batch.objects.filter(pk__in=active, cancelled_at__isnull=True).order_by("-pk")[:SHOWN])
    counts = counting.count(batches)
    return [
        RunningWork(
            label=batch.label,
            url=_page("batch-page", batch.pk),
            done=counts[batch.pk].ended,
            total=counts[batch.pk].total,
            failed=counts[batch.pk].failed,
            progress=counts[batch.pk].progress,
            eta_s=counts[batch.pk].eta_s,
        )
        for batch in batches
    ]


def _single_jobs() -> list[RunningWork]:
    jobs = Job.objects.active().filter(batches__isnull=True).order_by("state", "pk")[:SHOWN]
    about = subjects.describe(jobs)
    return [
        RunningWork(
            label=f"{registry.label_of(job.kind)} {about[job.pk].label}".strip(),
            url=_page("jobs"),
            done=0,
            total=1,
            progress=job.progress if job.state == Job.State.RUNNING else 0.0,
            message=job.message if job.state == Job.State.RUNNING else "waiting for its turn",
            eta_s=job.eta_s,
        )
        for job in jobs
    ]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many files have a facet, and where those without it are listed."""

    name: str
    label: str
    have: int
    total: int
    missing: int
    query: str
    action: facets.Action | None

    @property
    def missing_url(self) -> str:
        return f"{reverse('library')}?{self.query}"

    @property
    def next_step(self) -> str:
        """`make proxies for 42 files`"""
        words = self.action.label_for(self.missing) if self.action else ""
        return words[:1].lower() + words[1:]


def coverage() -> list[Coverage]:
    """Two queries per facet."""
    found = []
    for facet in (one for one in facets.facets() if one.is_goal):
        files = facets.applicable(File.objects.order_by(), facet.name)
        having = facets.narrow(files, facet, wanted=True)
        total, have = kept(files, "count", files.count), kept(having, "count", having.count)
        found.append(
            Coverage(
                name=facet.name,
                label=facet.label,
                have=have,
                total=total,
                missing=total - have,
                query=urlencode([(facet.name, "false"), *facets.parameters_of(facet)]),
                action=facet.action,
            )
        )
    return found


#: Above this many files the price is worked out only when it is asked for.
PLANNED = 2000


def next_step(done: Sequence[Coverage], user: "AbstractBaseUser | AnonymousUser") -> tuple[Coverage, str] | None:
    """The first thing that is missing somewhere and can be done now, and what it costs.

    None while it is being done: an import goes on by itself, and what comes after depends on it.
    """
    waiting = [Job.objects.filter(state=state).order_by().values_list("kind", flat=True) for state in Job.ACTIVE]
    under_way = {kind for kinds in waiting for kind in kinds.distinct()}
    for one in done:
        if not one.missing or one.action is None or not user.has_perm(one.action.permission):  # type: ignore[union-attr]
            continue
        if one.action.job_kind in under_way:
            return None
        if one.missing > PLANNED:
            return one, "What it costs is said before anything starts."
        plan = plan_for(one)
        if plan is None or plan.refusals or not plan.todo:
            continue
        if plan.usd_high:
            return one, f"{human.usd(plan.usd_low)}–{human.usd(plan.usd_high)}, and nothing starts before you say so."
        return one, " ".join(["Free, on this machine.", *plan.warnings[:1]])
    return None


def plan_for(coverage: Coverage) -> facets.ActionPlan | None:
    """What the action would do to the files that miss it; None where its options cannot do without an answer."""
    if coverage.action is None:
        return None
    form = form_from_serializer(coverage.action.options).with_defaults()
    if not form.is_valid():
        return None
    try:
        return estimate(coverage.action.name, resolve(filter=QueryDict(coverage.query)), form.options())
    except WorkError:
        return None


def arrived_lately(now: datetime | None = None) -> list[Root]:
    """The folders into which files came since yesterday, each with how many, the most first."""
    since = (now or timezone.now()) - timedelta(days=1)
    new = File.objects.filter(imported_at__gte=since).order_by().values_list("root").annotate(Count("pk"))
    counts = dict(new)
    roots = list(Root.objects.listed().filter(pk__in=counts))
    for root in roots:
        root.new_count = counts[root.pk]  # type: ignore[attr-defined]
    return sorted(roots, key=lambda root: counts[root.pk], reverse=True)


def roots_away() -> list[Root]:
    """Drives that are not connected, with how many files lie there."""
    away = Root.objects.listed().filter(is_present=False).annotate(file_count=Count("files"))
    return list(away.filter(file_count__gt=0))


@dataclass(frozen=True, kw_only=True)
class MonthSoFar:
    """Where this month stands, for a tile and a bar."""

    name: str
    spent_usd: Decimal
    reserved_usd: Decimal
    possibly_paid_usd: Decimal
    unpriced_calls: int
    cap_usd: Decimal | None
    left_usd: Decimal | None

    @property
    def used_share(self) -> str:
        """How much of the cap is gone, 0 to 1, for a progress bar."""
        if not self.cap_usd or self.left_usd is None:
            return "0"
        return f"{min(max(1 - self.left_usd / self.cap_usd, Decimal(0)), Decimal(1)):.3f}"


def month_so_far() -> MonthSoFar:
    """The ledger's own words about this month (UTC)."""
    month = spend.month()
    return MonthSoFar(
        name=date.fromisoformat(f"{month.month}-01").strftime("%B"),
        spent_usd=month.spent_usd,
        reserved_usd=month.reserved_usd,
        possibly_paid_usd=month.possibly_paid_usd,
        unpriced_calls=month.unpriced_calls,
        cap_usd=month.cap_usd,
        left_usd=month.left_usd,
    )
