"""The facet of what is seen: whether the frames of a file were looked at, and the action that does it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.urls import NoReverseMatch, reverse
from rest_framework import serializers

from embeddings import picture_tasks
from embeddings.indexing import pictures
from embeddings.models import KIND_CODES, WITHOUT_WORDS, Embedding
from embeddings.stores.registry import store
from files.models import IS_VISIBLE, File, FileQuerySet
from files.selection.facets import Action, ActionPlan, Badge, Facet, applicable, enqueue_selection, flag
from jobs.errors import WorkError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

NAME = "is_seen"
_CODES = [KIND_CODES[kind] for kind in WITHOUT_WORDS]


class SeeOptionsSerializer(serializers.Serializer[Any]):
    """What can be chosen for looking."""

    force = serializers.BooleanField(
        required=False, default=False, label="Again", help_text="Also what was looked at already."
    )


def seen() -> Exists:
    """Whether anything of the file can be found by what is seen, in the picture space in use."""
    return Exists(
        Embedding.objects.filter(file_id=OuterRef("pk"), space__is_used_for_pictures=True, kind_code__in=_CODES)
    )


def badge(file: File) -> Badge | None:
    if not flag(file, NAME):
        return None
    try:
        url = f"{reverse('search')}?like_file={file.pk}&kind=seen"
    except NoReverseMatch:
        url = ""
    return Badge(text="Seen", url=url, title="Found by what is seen; opens what looks like it")


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many files there are to look at."""
    total = selection.count()
    visible = applicable(selection, NAME)
    able = visible.count()
    try:
        space = pictures.picture_space()
        problem = f"sqlite-vec is missing: {store().problem()}." if store().problem() else ""
    except WorkError as error:
        return ActionPlan(total=total, todo=0, refusals=[f"{error} {error.remedy}".strip()])
    todo = able if options.get("force") else picture_tasks.unseen(visible, space).count()
    warnings = [f"{total - able:,} of {total:,} files have no picture."] if total > able else []
    bare = visible.filter(media_type=File.MediaType.VIDEO, proxies=None).count()
    if bare:
        warnings.append(f"{bare:,} have no proxy, which is what is looked at: they fail until it is made.")
    return ActionPlan(
        total=total, todo=todo, already_done=able - todo, warnings=warnings, refusals=[problem] if problem else []
    )


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    visible, force = applicable(selection, NAME), bool(options.get("force"))
    todo = visible if force else picture_tasks.unseen(visible, pictures.picture_space())
    enqueue_selection(picture_tasks.SEE, todo, {"force": True} if force else {}, batch, user)


IS_SEEN = Facet(
    name=NAME,
    label="Seen",
    filter_label="Found by what is seen",
    missing="Not seen",
    annotation=seen,
    applies=IS_VISIBLE,
    badge=badge,
    action=Action(
        name="see",
        label="Look at frames",
        job_kind=picture_tasks.SEE,
        options=SeeOptionsSerializer,
        permission="embeddings.add_embedding",
        plan=plan,
        start=start,
        batch_label="Look at the frames of {files}",
    ),
)
