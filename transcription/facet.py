"""What the library shows of transcripts: flag, filter, badge, and the action “Transcribe”."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import BaseExpression
from django.urls import reverse

from files import humanize
from files.models import IS_AUDIBLE, File, FileQuerySet, Root
from files.selection.facets import Action, ActionPlan, Badge, Facet, applicable, flag
from files.selection.fields import FileField
from jobs.queue import enqueue_many
from transcription import registry
from transcription.errors import TranscriptionError
from transcription.languages import language_tag
from transcription.models import Segment, SubtitleSource, Transcript
from transcription.providers.base import Readiness, TranscriptionCost, TranscriptionProvider
from transcription.serializers import SubtitleSourceSerializer, TranscribeOptionsSerializer
from transcription.tasks import ASKED_PRIORITY, TRANSCRIBE
from transcription.transcribe import TranscriptionRequest, vocabulary_given

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

NAME = "has_transcript"
UNCERTAIN = "language_uncertain"
PERMISSION = "transcription.add_transcript"


def annotation() -> BaseExpression:
    return Exists(Transcript.objects.filter(file=OuterRef("pk")))


def badge(file: File) -> Badge | None:
    if not flag(file, NAME):
        return None
    return Badge(text="Transcript", url=reverse("file-page", args=[file.pk]) + "#transcript", title="Has a transcript")


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """What transcribing would do: silent files and pictures are left out, and what is there already."""
    request = TranscriptionRequest.of(dict(options))
    provider = registry.get(request.provider)
    ready = provider.readiness(request.for_engine())
    total = selection.count()
    audible = applicable(selection, NAME)
    todo = remaining(audible, request, provider) if _can_work(ready) else audible
    audible_count, count = audible.count(), todo.count()
    cost, without_length = _cost(todo, provider) if count else (TranscriptionCost(), 0)
    warnings = [] if ready.is_ready else [f"{ready.reason} They are fetched first."]
    if total > audible_count:
        warnings.append(f"{total - audible_count} of {total} files have no sound.")
    if without_length:
        warnings.append(f"Without a known length: {humanize.files(without_length)}; what they cost is not counted.")
    return ActionPlan(
        total=total,
        todo=count,
        already_done=audible_count - count,
        usd_low=cost.usd_low,
        usd_high=cost.usd_high,
        is_unpriced=cost.is_unpriced,
        refusals=[] if _can_work(ready) else [f"{ready.reason} {ready.remedy}".strip()],
        warnings=warnings if _can_work(ready) else warnings[1:],
    )


def _cost(todo: FileQuerySet, provider: TranscriptionProvider) -> tuple[TranscriptionCost, int]:
    """What these files would cost, one by one as they are paid, and how many are of unknown length."""
    if not provider.is_paid:
        return TranscriptionCost(), 0
    lengths = [seconds or 0.0 for seconds in todo.values_list("duration_s", flat=True)]
    return provider.cost(*lengths), lengths.count(0.0)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    """One job for each file that needs it."""
    request = TranscriptionRequest.of(dict(options))
    todo = remaining(applicable(selection, NAME), request, registry.get(request.provider))
    ids = todo.order_by("pk").values_list("pk", flat=True)
    enqueue_many(TRANSCRIBE, ids, request.as_options(), batch=batch, priority=ASKED_PRIORITY, created_by=user)


def remaining(selection: FileQuerySet, request: TranscriptionRequest, provider: TranscriptionProvider) -> FileQuerySet:
    """The files that have no transcript by this engine and model of what is in them now."""
    if request.force:
        return selection
    try:
        engine, model = provider.identity(request.for_engine())
    except TranscriptionError:  # not installed: the plan says so
        return selection
    asked = Q(pk__in=[])
    for root in Root.objects.all():  # folders have rules of their own, and there are few
        in_folder, vocabulary = request.in_folder(root), vocabulary_given(provider, root)
        asked |= Q(
            Q(metadata__vocabulary=vocabulary) if vocabulary else Q(metadata__vocabulary__isnull=True),
            file__root=root,
            metadata__asked_language=in_folder.language,
            metadata__audio_track=in_folder.audio_track,
        )
    same: QuerySet[Transcript] = Transcript.objects.made_by(provider.name, engine, model).filter(
        asked, file=OuterRef("pk"), source_hash=F("file__sampled_hash")
    )
    return selection.exclude(Exists(same))


def annotate_uncertain() -> BaseExpression:
    return Exists(Transcript.objects.current().language_uncertain().filter(file=OuterRef("pk")))


def badge_uncertain(file: File) -> Badge | None:
    if not flag(file, UNCERTAIN):
        return None
    return Badge(
        text="Language?",
        level="warn",
        url=reverse("file-page", args=[file.pk]) + "#transcript",
        title="The language was guessed and may be wrong: listen again in another",
    )


class LanguageFilter(django_filters.CharFilter):
    """Files in which a language is spoken."""

    def __init__(self) -> None:
        super().__init__(label="Language that is spoken")

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(spoken_in(value)) if value else qs


def spoken_in(text: str) -> Q:
    """Files whose transcript, or a part of it, is in this language: a code such as `pt-BR` or `pt`, or a name."""
    tag = language_tag(text) or text
    same = Q(language__iexact=tag) | Q(language__istartswith=f"{tag}-")
    current = Transcript.objects.current()
    whole = current.filter(same).values("file_id")
    parts = current.filter(segments__in=Segment.objects.filter(same)).values("file_id")
    return Q(pk__in=whole) | Q(pk__in=parts)


def subtitle_sources(file_ids: Sequence[int]) -> Mapping[int, list[SubtitleSource]]:
    """What lies beside each of these files and inside it."""
    sources: dict[int, list[SubtitleSource]] = defaultdict(list)
    for source in SubtitleSource.objects.filter(file_id__in=file_ids):
        sources[source.file_id].append(source)
    return sources


def _can_work(ready: Readiness) -> bool:
    return ready.is_ready or ready.can_prepare


SUBTITLE_SOURCES = FileField(
    name="subtitle_sources",
    serializer=partial(SubtitleSourceSerializer, many=True),
    values=subtitle_sources,
    empty=list,
)
UNCERTAIN_FACET = Facet(
    name=UNCERTAIN,
    label="Language uncertain",
    annotation=annotate_uncertain,
    applies=IS_AUDIBLE,
    badge=badge_uncertain,
    is_goal=False,
)
FACET = Facet(
    name=NAME,
    label="Transcript",
    filter_label="Has a transcript",
    annotation=annotation,
    applies=IS_AUDIBLE,
    badge=badge,
    action=Action(
        name="transcribe",
        label="Transcribe",
        job_kind=TRANSCRIBE,
        options=TranscribeOptionsSerializer,
        permission=PERMISSION,
        plan=plan,
        start=start,
        sends=lambda options: registry.get(TranscriptionRequest.of(dict(options)).provider).is_paid,
    ),
)
