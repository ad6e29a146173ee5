"""What the library shows of frames and of text on screen: flags, filters, badges and actions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from files import humanize
from files.models import IS_VISIBLE, File, FileQuerySet
from files.selection.facets import Action, ActionPlan, Badge, Facet, applicable, enqueue_selection, flag
from vision.models import DuplicateMember, FrameSelection, ScreenReading
from vision.reading import engine
from vision.reading.read import time_needed_s
from vision.serializers import FramesOptionsSerializer
from vision.tasks import CHOOSE_FRAMES, READ

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

NAME = "has_frames"
PERMISSION = "vision.add_frame"


def annotation() -> Exists:
    return Exists(FrameSelection.objects.current().filter(file=OuterRef("pk")))


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many files there are to look through, and which of them cannot be."""
    total = selection.count()
    seen = applicable(selection, NAME)
    todo = _remaining(seen, options)
    count, of_seen = todo.count(), seen.count()
    bare = todo.filter(media_type=File.MediaType.VIDEO, proxies=None).count()
    warnings = [f"{total - of_seen:,} of {total:,} files have no picture."] if total > of_seen else []
    if bare:
        warnings.append(f"{bare:,} have no proxy yet and will fail until one is made.")
    return ActionPlan(total=total, todo=count, already_done=of_seen - count, warnings=warnings)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    force = bool(options.get("force"))
    todo = _remaining(applicable(selection, NAME), options)
    enqueue_selection(CHOOSE_FRAMES, todo, {"force": True} if force else {}, batch, user)


def _remaining(seen: FileQuerySet, options: Mapping[str, Any]) -> FileQuerySet:
    return seen if options.get("force") else seen.exclude(annotation())


def is_read() -> Exists:
    return Exists(ScreenReading.objects.current().filter(file=OuterRef("pk")))


def read_badge(file: File) -> Badge | None:
    if not flag(file, "is_read"):
        return None
    return Badge(text="Read", url=f"{reverse('file-page', args=[file.pk])}#on-screen", title="Text on screen was read")


def plan_reading(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many files there are to read, and about how long that takes."""
    total = selection.count()
    visible = applicable(selection, "is_read")
    todo = visible if options.get("force") else visible.exclude(is_read())
    count, able = todo.count(), visible.count()
    warnings = [f"{total - able:,} of {total:,} files have no picture."] if total > able else []
    if count:
        warnings.append(f"It takes a worker about {humanize.length(time_needed_s(todo))} (h:mm:ss).")
    missing = f"{engine.problem()} {engine.REMEDY}" if engine.problem() else ""
    return ActionPlan(
        total=total, todo=count, already_done=able - count, warnings=warnings, refusals=[missing] if missing else []
    )


def start_reading(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    visible, force = applicable(selection, "is_read"), bool(options.get("force"))
    todo = visible if force else visible.exclude(is_read())
    enqueue_selection(READ, todo, {"force": True} if force else {}, batch, user)


@extend_schema_field(OpenApiTypes.INT)
class DuplicateFilter(django_filters.ModelChoiceFilter):
    """The other files that show the same as one, or are equal to it to the last byte."""

    def __init__(self) -> None:
        super().__init__(queryset=File.objects.all(), label="Duplicates of this file")

    def filter(self, qs: Any, value: Any) -> Any:
        if value is None:
            return qs
        groups = DuplicateMember.objects.filter(file=value).values("group_id")
        alike = Q(pk__in=DuplicateMember.objects.filter(group__in=groups).values("file_id"))
        if value.full_hash:
            alike |= Q(full_hash=value.full_hash)
        return qs.filter(alike).exclude(pk=value.pk)


HAS_FRAMES = Facet(
    name=NAME,
    label="Frames",
    filter_label="Has frames",
    annotation=annotation,
    applies=IS_VISIBLE,
    action=Action(
        name="frames",
        label="Choose frames",
        job_kind=CHOOSE_FRAMES,
        options=FramesOptionsSerializer,
        permission=PERMISSION,
        plan=plan,
        start=start,
        batch_label="Choose the frames of {files}",
    ),
)
IS_READ = Facet(
    name="is_read",
    label="Text on screen",
    filter_label="Text on screen was read",
    annotation=is_read,
    applies=IS_VISIBLE,
    badge=read_badge,
    is_goal=False,
    action=Action(
        name="read",
        label="Read text on screen",
        job_kind=READ,
        options=FramesOptionsSerializer,
        permission="vision.add_screentext",
        plan=plan_reading,
        start=start_reading,
        batch_label="Read the text on screen of {files}",
    ),
)
