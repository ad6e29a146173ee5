"""What the library shows of analyses: flags, filters, badges, and the action “Analyse”."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import BaseExpression
from django.urls import reverse

from files.models import IS_VISIBLE, File, FileQuerySet
from files.selection.facets import Action, ActionPlan, Badge, Facet, flag
from nova.cheap_first import without_known
from nova.kinds import ANALYZE
from nova.models import LOCAL, AnalysisResult
from nova.options import AnalysisRequest
from nova.quoting import Quote, askable, local_askable, quote
from nova.serializers import AnalyzeOptionsSerializer
from nova.tasks import request_analysis
from nova.types.built_in import BUILT_IN
from nova.types.registry import expand

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

PERMISSION = "nova.add_novajob"


def has_result() -> BaseExpression:
    return Exists(AnalysisResult.objects.filter(file=OuterRef("pk"), is_current=True))


def has_result_by_nova() -> BaseExpression:
    mine = AnalysisResult.objects.filter(file=OuterRef("pk"), is_current=True)
    return Exists(mine.exclude(nova_job__model=LOCAL))


def badge(file: File) -> Badge | None:
    if not flag(file, "has_analysis"):
        return None
    by_nova = flag(file, "has_nova_analysis")
    return Badge(
        text="Nova" if by_nova else "Facts" if file.media_type == File.MediaType.IMAGE else "Chapters",
        url=reverse("file-page", args=[file.pk]) + ("#chapters" if file.is_playable else "#summary"),
        title="Analysed by Amazon Nova" if by_nova else "Analysed on this machine",
    )


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """What the analysis would do and cost: pictures are left out, and what has these results already is free."""
    request, force = request_of(options), bool(options.get("force"))
    if request.model != LOCAL:
        return _plan_of(quote(selection, request, force=force))
    total = selection.count()
    possible = local_askable(selection, request.types)
    todo = possible if force else _without(possible, expand(request.types))
    count, able = todo.count(), possible.count()
    left_out = f"{total - able} of {total} files are left out: nothing of this can be made of them on this machine."
    warnings = [left_out] if total > able else []
    return ActionPlan(total=total, todo=count, already_done=able - count, warnings=warnings)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    request, force = request_of(options), bool(options.get("force"))
    if request.model == LOCAL:
        possible = local_askable(selection, request.types)
        todo = possible if force else _without(possible, expand(request.types))
    else:
        todo = askable(selection, request)
    for file in todo.order_by("pk").iterator(chunk_size=500):
        request_analysis(file, request, force=force, batch=batch, user=user)


def narrow(selection: FileQuerySet, options: Mapping[str, Any]) -> tuple[FileQuerySet, list[dict[str, Any]]]:
    """What is asked for where the free signals leave something to ask, and what is left out otherwise."""
    return without_known(selection, request_of(options), options["skip"], force=bool(options.get("force")))


def request_of(options: Mapping[str, Any]) -> AnalysisRequest:
    """The request behind the options that the serializer checked."""
    return AnalysisRequest(
        model=options["model"],
        types=tuple(options["analysis_types"]),
        mode=options["mode"],
        language=options["language"],
        depth=options["summary_depth"],
    )


def _plan_of(quoted: Quote) -> ActionPlan:
    return ActionPlan(
        total=quoted.total,
        todo=quoted.todo,
        already_done=quoted.already_done,
        usd_low=quoted.usd_low or Decimal(0),
        usd_high=quoted.usd_high or Decimal(0),
        is_unpriced=bool(quoted.todo) and quoted.usd_high is None,
        refusals=quoted.refusals,
        warnings=quoted.warnings,
        usd_likely=quoted.usd_likely,
        likely_from=quoted.likely.source,
        likely_count=quoted.likely.count,
        likely_error=quoted.likely_error,
        modes=quoted.modes,
        records=quoted.records,
        input_tokens=quoted.estimate.input_tokens.high,
        output_tokens=quoted.estimate.output_tokens.high,
    )


def _without(selection: FileQuerySet, types: Sequence[str]) -> FileQuerySet:
    """The files that lack at least one of the results that the local model can make of them."""
    lacking = Q()
    for medium in File.MediaType.values:
        complete = Q()
        for name in types:
            if name in BUILT_IN and BUILT_IN[name].is_local(medium):
                complete &= Q(Exists(AnalysisResult.objects.filter(file=OuterRef("pk"), is_current=True, type=name)))
        lacking |= Q(media_type=medium) & ~complete
    return selection.filter(lacking)


HAS_ANALYSIS = Facet(
    name="has_analysis",
    label="Analysis",
    filter_label="Has an analysis",
    annotation=has_result,
    badge=badge,
)
HAS_NOVA_ANALYSIS = Facet(
    name="has_nova_analysis",
    label="Nova analysis",
    filter_label="Has an analysis by Nova",
    annotation=has_result_by_nova,
    applies=IS_VISIBLE,
    action=Action(
        name="nova",
        label="Analyse",
        job_kind=ANALYZE,
        options=AnalyzeOptionsSerializer,
        permission=PERMISSION,
        plan=plan,
        start=start,
        sends=lambda options: options["model"] != LOCAL,
        narrow=narrow,
        piece=200,
    ),
)
