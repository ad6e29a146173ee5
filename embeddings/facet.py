"""The facet of this floor: whether a file is embedded in the space in use, and the action that does it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q
from django.urls import NoReverseMatch, reverse

from embeddings import registry, tasks
from embeddings.found_by import WRITTEN, has_words
from embeddings.indexing import media_embedding, spaces
from embeddings.indexing.costs import cost_of_media, cost_of_texts
from embeddings.models import KIND_CODES, Chunk, Embedding, Space
from embeddings.serializers import EmbedOptionsSerializer
from embeddings.stores.registry import store
from files.models import File, FileQuerySet, Proxy
from files.selection.facets import Action, ActionPlan, Badge, Facet, enqueue_selection
from jobs.errors import WorkError
from jobs.kept_answers import kept

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

NAME = "has_embeddings"


def embedded() -> Exists:
    """Whether more than the file's name has vectors in the space in use. One sub-query, whichever space that is."""
    named = KIND_CODES[Chunk.Kind.NAME]
    return Exists(Embedding.objects.filter(file_id=OuterRef("pk"), space__is_active=True).exclude(kind_code=named))


def badge(file: File) -> Badge | None:
    if not file.__dict__.get(NAME):
        return None
    try:
        url = f"{reverse('search')}?like_file={file.pk}"
    except NoReverseMatch:
        url = ""
    return Badge(text="Search", url=url, title="Found by meaning; opens what is like it")


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """What embedding the selection would do: chunks that lack a vector, and their price where there is one."""
    files = selection.order_by()
    total = files.count()
    try:
        space = _space(options)
        provider = registry.provider_for(space.key)
    except WorkError as error:
        return ActionPlan(total=total, todo=0, refusals=[f"{error} {error.remedy}".strip()])
    missing = f"sqlite-vec is missing: {store().problem()}." if store().problem() else provider.problem()
    if options.get("video") and not missing:
        try:
            media_embedding.check_ready(space)
        except WorkError as error:
            missing = f"{error} {error.remedy}".strip()
    chunks = Chunk.objects.of_text().filter(file_id__in=files.values("pk"))
    if not options.get("force"):
        chunks = chunks.awaiting(space)
    # A file without any chunk was never looked at: its text is found out by the job.
    lacking = Q(pk__in=chunks.values("file_id")) | ~Q(pk__in=Chunk.objects.values("file_id"))
    unseen = media_embedding.lacking(files, space) if options.get("video") else files.none()
    meant = files.filter(lacking | Q(pk__in=unseen.values("pk"))).values("pk")
    todo = kept(meant, "count", meant.count)  # kept, as it is asked again when the work begins
    hashes = chunks.order_by().values("content_hash").distinct()
    cost = cost_of_texts(space, chunks) if provider.is_paid else None
    seen = cost_of_media(space, unseen)
    return ActionPlan(
        total=total,
        todo=todo,
        already_done=total - todo,
        usd_low=(cost.usd_low if cost else Decimal(0)) + seen.usd_low,
        usd_high=(cost.usd_high if cost else Decimal(0)) + seen.usd_high,
        input_tokens=cost.tokens if cost else None,
        records=kept(hashes, "count", hashes.count),
        refusals=[missing] if missing else [],
        warnings=[*(cost.warnings if cost else ()), *_warnings(unseen)],
    )


def _warnings(unseen: FileQuerySet) -> list[str]:
    """What will fail among these, and why, before anything is paid."""
    videos = unseen.filter(media_type=File.MediaType.VIDEO)
    bare = videos.exclude(Exists(Proxy.objects.filter(file_id=OuterRef("pk")))).count()
    told = f"{bare:,} have no proxy, which is what is sent: they fail, at no cost. Make their proxies first."
    return [told] if bare else []


def sends(options: Mapping[str, Any]) -> bool:
    """Whether texts or pictures go to AWS: in a paid space, or with what is seen."""
    return bool(options.get("video")) or registry.provider_for(_space(options).key).is_paid


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    space = _space(options) if options.get("space_id") else None
    job_options = tasks.options_of(force=bool(options.get("force")), space=space)
    enqueue_selection(tasks.EMBED, selection, job_options, batch, user)
    if options.get("video"):
        unseen = media_embedding.lacking(selection, space or spaces.active())
        enqueue_selection(tasks.EMBED_MEDIA, unseen, tasks.options_of(space=space), batch, user)


def _space(options: Mapping[str, Any]) -> Space:
    wanted = options.get("space_id")
    return Space.objects.get(pk=wanted) if wanted else spaces.active()


ACTION = Action(
    name="embeddings",
    label="Make searchable",
    job_kind=tasks.EMBED,
    options=EmbedOptionsSerializer,
    permission="embeddings.add_embedding",
    plan=plan,
    start=start,
    sends=sends,
    batch_label="Make {files} searchable by meaning",
)
FACET = Facet(
    name=NAME,
    label="By meaning",
    missing="Not found by meaning",
    annotation=embedded,
    # Where nothing but the name is known in words, there is nothing to embed.
    applies=Q(has_words(Chunk.Kind.TRANSCRIPT, *WRITTEN)),
    listed_by=(("found_by", "said"), ("found_by", "described")),
    filter_label="Has embeddings",
    badge=badge,
    action=ACTION,
)
