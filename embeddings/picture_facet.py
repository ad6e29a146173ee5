"""The facet of what is seen: whether the frames of a file were looked at, and the action that does it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.urls import NoReverseMatch, reverse
from rest_framework import serializers

from embeddings import picture_tasks, ways_of_seeing
from embeddings.models import KIND_CODES, WITHOUT_WORDS, Embedding, Space
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

    how = serializers.ChoiceField(
        choices=list(ways_of_seeing.LABELS.items()),
        required=False,
        allow_blank=True,
        default="",
        label="Who looks",
        help_text="As set up: with the space in use. What each costs and gives up stands beside it.",
    )
    force = serializers.BooleanField(
        required=False,
        default=False,
        label="Again",
        help_text="Even what was indexed before. Nothing is charged twice.",
    )
    space_id = serializers.PrimaryKeyRelatedField(
        queryset=Space.objects.filter(holds_pictures=True),
        required=False,
        allow_null=True,
        help_text="Instead of `how`: the space that is filled.",
        pk_field=serializers.IntegerField(),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        space = attrs.pop("space_id", None)
        if space is not None and attrs.get("how"):
            raise serializers.ValidationError({"space_id": ["Give either how or space_id."]})
        return attrs | ({"space_id": space.pk} if space is not None else {})


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
    """How many files there are to look at, and what each way of looking costs."""
    total = selection.count()
    visible = applicable(selection, NAME)
    able = visible.count()
    try:
        way = ways_of_seeing.chosen(options)
        refusals = [reason] if (reason := way.problem()) else []
    except WorkError as error:
        others = [other.quote(visible, options, is_chosen=False) for other in ways_of_seeing.every()]
        return ActionPlan(total=total, todo=0, refusals=[f"{error} {error.remedy}".strip()], modes=others)
    if store().problem():
        refusals.append(f"sqlite-vec is missing: {store().problem()}.")
    todo = way.remaining(visible, options)
    cost = way.cost(todo)
    warnings = [f"{total - able:,} of {total:,} files have no picture."] if total > able else []
    bare = visible.filter(media_type=File.MediaType.VIDEO, proxies=None).count()
    if bare:
        warnings.append(f"{bare:,} have no proxy yet and will fail until one is made.")
    count = todo.count()
    return ActionPlan(
        total=total,
        todo=count,
        already_done=able - count,
        usd_low=cost.low,
        usd_high=cost.high,
        is_unpriced=cost.is_unpriced,
        warnings=[*warnings, *cost.warnings],
        refusals=refusals,
        modes=[other.quote(visible, options, is_chosen=other == way) for other in ways_of_seeing.every(way)],
    )


def sends(options: Mapping[str, Any]) -> bool:
    """Whether pictures or videos go to AWS."""
    try:
        return ways_of_seeing.chosen(options).is_paid
    except WorkError:
        return False  # it is refused before anything is sent


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    way = ways_of_seeing.chosen(options)
    todo = way.remaining(applicable(selection, NAME), options)
    enqueue_selection(way.job_kind, todo, way.job_options(options), batch, user)


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
        sends=sends,
        batch_label="Look at the frames of {files}",
    ),
)
