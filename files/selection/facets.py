"""What the floors above know of a file, registered here: a flag, a filter, a badge and an action each.

The API's flags and filters, the admin's list and dialogs, `/api/batch/<name>` and `/api/estimate` are made from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.db.models.expressions import BaseExpression

from files import humanize
from files.models import File, FileQuerySet
from jobs.queue import enqueue_many

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from rest_framework.serializers import Serializer

    from jobs.models import Batch


@dataclass(frozen=True, kw_only=True)
class ModeQuote:
    """The same work in one mode: what it costs, and whether it can be had now (else `reason` says why not)."""

    mode: str
    label: str
    usd_low: Decimal | None = None
    usd_likely: Decimal | None = None
    usd_high: Decimal | None = None
    is_available: bool = True
    reason: str = ""
    is_chosen: bool = False
    #: What it has, and what it gives up beside the others.
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ActionPlan:
    """What an action would do to a selection, and what that costs."""

    total: int
    todo: int
    already_done: int = 0
    usd_low: Decimal = Decimal(0)
    usd_high: Decimal = Decimal(0)
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    records: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    #: Nobody knows the price; the two figures say nothing then.
    is_unpriced: bool = False
    #: Files that the action passes over, by reason.
    left_out: list[dict[str, Any]] = field(default_factory=list)
    #: What it will most likely cost, where that is known better than by the two figures; from where, and from how many.
    usd_likely: Decimal | None = None
    likely_from: str = ""
    likely_count: int = 0
    #: How far such prices were off until now: .08 = half of them by less than 8 %.
    likely_error: float | None = None
    #: Seconds that it will take here, at the pace of this machine's own finished jobs; None where nothing tells.
    expected_s: float | None = None
    modes: list[ModeQuote] = field(default_factory=list)

    @property
    def compares_prices(self) -> bool:
        """Whether one of the modes costs something."""
        return any(mode.usd_high for mode in self.modes)


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A short word beside a file, and where it leads."""

    text: str
    url: str = ""
    level: str = "ok"
    title: str = ""


def enqueue_selection(
    job_kind: str, selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None"
) -> int:
    """One job of this kind for each file of the selection. Returns how many."""
    ids = selection.order_by("pk").values_list("pk", flat=True)
    return enqueue_many(job_kind, ids, dict(options), batch=batch, created_by=user)


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be done to a selection of files."""

    name: str
    label: str
    job_kind: str
    options: "type[Serializer[Any]]"
    permission: str
    plan: Callable[[FileQuerySet, Mapping[str, Any]], ActionPlan]
    start: "Callable[[FileQuerySet, Mapping[str, Any], Batch, User | None], None] | None" = None
    #: Whether files leave this machine with these options: those of folders that are never sent are left out.
    sends: Callable[[Mapping[str, Any]], bool] = lambda options: False
    #: The files that are left with these options, and by reason what is left out, before anything is planned or begun.
    narrow: Callable[[FileQuerySet, Mapping[str, Any]], tuple[FileQuerySet, list[dict[str, Any]]]] | None = None
    #: Takes back what a batch of it did, and says so; None where that cannot be.
    undo: "Callable[[Batch, User | None], str] | None" = None
    #: For so many files it is begun at once, in a tenth of a second; for more in pieces of as many, by the workers.
    piece: int = 2000
    #: What a batch of it is called; `{files}` becomes "42 files".
    batch_label: str = ""

    def label_for(self, count: int) -> str:
        """What doing it to so many files is called."""
        return (self.batch_label or f"{self.label} {{files}}").format(files=humanize.files(count))

    def begin(self, selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
        """Enqueue the jobs of the batch."""
        if self.start is not None:
            self.start(selection, options, batch, user)
        else:
            enqueue_selection(self.job_kind, selection, options, batch, user)


EVERY_FILE = Q()


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One thing to know of a file."""

    name: str
    label: str
    annotation: Callable[[], BaseExpression]
    #: The files that can have it: others are neither missing nor counted, and an action leaves them out.
    applies: Q = EVERY_FILE
    #: Parameters of `GET /api/files` that narrow a list to these, where media types do not say it.
    listed_by: Sequence[tuple[str, str]] = ()
    filter_label: str = ""
    badge: Callable[[File], Badge | None] | None = None
    action: Action | None = None
    #: Whether it is well when every file has it; what should be on none is not counted as progress.
    is_goal: bool = True
    #: What a file that lacks it is called; empty: "No" and its label.
    missing: str = ""


_facets: dict[str, Facet] = {}
#: Actions that no facet has: they do not make something that a file then has.
_actions: dict[str, Action] = {}


def register(facet: Facet) -> None:
    """Make a facet known. Called in `AppConfig.ready()`."""
    _facets[facet.name] = facet


def register_action(action: Action) -> None:
    """Make an action known that belongs to no facet. Called in `AppConfig.ready()`."""
    _actions[action.name] = action


def facets() -> list[Facet]:
    """Every facet, in the order of registration (lower floors first)."""
    return list(_facets.values())


def applicable(queryset: FileQuerySet, name: str) -> FileQuerySet:
    """The files among these that can have this facet."""
    return queryset.filter(_facets[name].applies)


def parameters_of(facet: Facet) -> list[tuple[str, str]]:
    """The parameters of `GET /api/files` that narrow a list to what a facet applies to, as far as there are any."""
    condition = facet.applies
    if facet.listed_by or condition.negated or condition.connector != Q.AND:
        return list(facet.listed_by)
    wanted: dict[str, Any] = dict(child for child in condition.children if isinstance(child, tuple))
    types = wanted.get("media_type__in") or [value for name, value in wanted.items() if name == "media_type"]
    return [("media_type", str(media_type)) for media_type in types]


def actions() -> list[Action]:
    """Every action that can be done to a selection."""
    return [*(facet.action for facet in _facets.values() if facet.action is not None), *_actions.values()]


def annotate(queryset: FileQuerySet) -> FileQuerySet:
    """Add every facet's flag. Read them with `flag`."""
    return queryset.annotate(**{facet.name: facet.annotation() for facet in _facets.values()})


def narrow(queryset: FileQuerySet, facet: Facet, *, wanted: bool) -> FileQuerySet:
    """Files that have, or have not, this facet. It is not selected: only the condition is worked out."""
    return queryset.alias(**{f"_{facet.name}": facet.annotation()}).filter(**{f"_{facet.name}": wanted})


def fill(files: Sequence[File]) -> None:
    """Add every facet's flag to files that were read without `annotate`, in one query.

    For pages: SQLite works out annotations before it sorts and cuts, so for all rows that match.
    """
    names = [facet.name for facet in _facets.values()]
    known = annotate(File.everything.filter(pk__in=[file.pk for file in files])).order_by()
    flags = {row["pk"]: row for row in known.values("pk", *names)}
    for file in files:
        for name in names:
            setattr(file, name, flags[file.pk][name])


def flag(file: File, name: str) -> bool:
    """Whether the file has this facet. One query where the file was not read through `annotate`."""
    if name in file.__dict__:
        return bool(file.__dict__[name])
    known = File.everything.filter(pk=file.pk).annotate(**{name: _facets[name].annotation()})
    return bool(known.values_list(name, flat=True).get())


def badges(file: File) -> list[Badge]:
    """The badges of a file that was read through `annotate`."""
    made = (facet.badge(file) for facet in _facets.values() if facet.badge is not None)
    return [badge for badge in made if badge is not None]
