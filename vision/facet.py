"""What the library shows of frames: flag, filter, badge, and the action “Choose frames”."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef

from files.models import IS_VISIBLE, File, FileQuerySet
from files.selection.facets import Action, ActionPlan, Facet, applicable, enqueue_selection
from vision.models import FrameSelection
from vision.serializers import FramesOptionsSerializer
from vision.tasks import CHOOSE_FRAMES

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
        warnings.append(f"{bare:,} have no proxy, which is what is looked at: they fail until it is made.")
    return ActionPlan(total=total, todo=count, already_done=of_seen - count, warnings=warnings)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    force = bool(options.get("force"))
    todo = _remaining(applicable(selection, NAME), options)
    enqueue_selection(CHOOSE_FRAMES, todo, {"force": True} if force else {}, batch, user)


def _remaining(seen: FileQuerySet, options: Mapping[str, Any]) -> FileQuerySet:
    return seen if options.get("force") else seen.exclude(annotation())


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
