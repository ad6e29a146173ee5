"""What waits for Whisper's weights: one notice, and the files that get their transcript when the weights arrive."""

from django.db import transaction
from django.urls import reverse

from files.models import File, FileQuerySet
from files.selection.facets import applicable
from jobs import notices
from jobs.models import Notice
from jobs.queue import create_batch, enqueue_many
from transcription import conf, registry
from transcription.models import Transcript
from transcription.providers.base import Readiness
from transcription.transcribe import TranscriptionRequest

NOTICE = "whisper-weights"
#: What an import asks for by itself: the free engine, as configured.
AUTOMATIC = {**TranscriptionRequest().as_options(), "is_automatic": True}


def readiness() -> Readiness:
    """Whether the engine that imports use is ready."""
    return registry.get(registry.DEFAULT).readiness(TranscriptionRequest().for_engine())


def notify_waiting(ready: Readiness) -> None:
    """One notice, however many files wait."""
    url = reverse("setup") + "#weights" if ready.can_prepare else ""
    notices.notify(NOTICE, f"Transcripts wait: {ready.reason}", remedy=ready.remedy, url=url)


def untranscribed() -> FileQuerySet:
    """Files with sound that have no transcript at all."""
    return applicable(File.objects.available(), "has_transcript").exclude(pk__in=Transcript.objects.values("file_id"))


def transcribe_what_waited() -> int:
    """Called now and then: when the weights are there, take the notice back and make what is missing."""
    if not Notice.objects.filter(key=NOTICE).exists() or not readiness().is_ready:
        return 0
    with transaction.atomic():  # a worker that dies here must not take the notice along
        notices.clear(NOTICE)
        ids = list(untranscribed().values_list("pk", flat=True)) if conf.transcribes_on_import() else []
        if not ids:
            return 0
        batch = create_batch("Transcripts that waited for Whisper's weights", "transcribe")
        return enqueue_many("transcribe", ids, AUTOMATIC, batch=batch)
