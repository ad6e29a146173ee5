"""What this floor does when the ones below have news: words at once, vectors as a job where they are free.

Each piece of news is about one source of a file's text, and only that source is chunked again.
"""

import logging
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_delete
from django.db.utils import DatabaseError
from django.dispatch import receiver

from embeddings import picture_tasks, tasks
from embeddings.indexing import index
from embeddings.indexing.sources import ANALYSED, CONTENT, EVERYTHING, LOOKED, ON_SCREEN
from embeddings.models import Chunk, Embedding, Removal
from embeddings.stores.registry import store
from embeddings.words.registry import word_index
from files.models import File
from files.signals import file_back, file_gone, file_moved, media_ready
from nova.models import AnalysisResult
from nova.signals import analysis_ready
from transcription.models import Segment, Transcript
from transcription.signals import transcript_settled
from vision.signals import frames_settled, screen_text_settled

logger = logging.getLogger(__name__)


@receiver(media_ready, dispatch_uid="embeddings.media_ready")
def index_content(sender: object, *, file: File, **kwargs: Any) -> None:
    """A name alone is quickly embedded with what follows it: the chain always ends with an analysis that settles."""
    index.index_text(file, kinds=CONTENT)


@receiver(transcript_settled, dispatch_uid="embeddings.transcript_settled")
def index_transcript(sender: object, *, file: File, **kwargs: Any) -> None:
    index.index_text(file, kinds=[Chunk.Kind.TRANSCRIPT])
    tasks.request_if_free(file)


@receiver(analysis_ready, dispatch_uid="embeddings.analysis_ready")
def index_analyses(sender: object, *, file: File, **kwargs: Any) -> None:
    index.index_text(file, kinds=ANALYSED)
    tasks.request_if_free(file)


@receiver(frames_settled, dispatch_uid="embeddings.frames_settled")
def look_at_frames(sender: object, *, file: File, reason: str, **kwargs: Any) -> None:
    """What was seen in frames that are no more is gone at once; the new ones are looked at where that is free."""
    index.index_text(file, kinds=LOOKED)
    if not reason:
        picture_tasks.request_if_free(file)


@receiver(screen_text_settled, dispatch_uid="embeddings.screen_text_settled")
def index_screen_text(sender: object, *, file: File, **kwargs: Any) -> None:
    index.index_text(file, kinds=ON_SCREEN)
    tasks.request_if_free(file)


@receiver(file_back, dispatch_uid="embeddings.file_back")
def index_everything(sender: object, *, file: File, **kwargs: Any) -> None:
    index.index_text(file, kinds=EVERYTHING)
    tasks.request_if_free(file)


@receiver(file_moved, dispatch_uid="embeddings.file_moved")
def index_name(sender: object, *, file: File, **kwargs: Any) -> None:
    """Its name alone, as a folder of thousands may have been renamed; the sweep gives it its vector."""
    index.index_text(file, kinds=[Chunk.Kind.NAME])


@receiver(file_gone, dispatch_uid="embeddings.file_gone")
def remove_file(sender: object, *, file: File, **kwargs: Any) -> None:
    index.remove_file(file.pk)


@receiver(post_save, sender=Segment, dispatch_uid="embeddings.segment_saved")
def index_correction(sender: type[Model], *, instance: Segment, created: bool, raw: bool, **kwargs: Any) -> None:
    """The old words and their vector go with the correction, in the same transaction."""
    if not created and not raw and instance.transcript.is_current:
        index.index_text(instance.transcript.file, kinds=[Chunk.Kind.TRANSCRIPT])


@receiver(post_delete, sender=Transcript, dispatch_uid="embeddings.transcript_deleted")
def remove_transcript(sender: type[Model], *, instance: Transcript, **kwargs: Any) -> None:
    """In the transaction of the deletion itself: a deleted source is never found."""
    index.remove_source(instance.file_id, [Chunk.Kind.TRANSCRIPT], instance.pk)


@receiver(post_delete, sender=AnalysisResult, dispatch_uid="embeddings.result_deleted")
def remove_result(sender: type[Model], *, instance: AnalysisResult, **kwargs: Any) -> None:
    if instance.file_id is not None:
        index.remove_source(instance.file_id, ANALYSED, instance.pk)


@receiver(pre_delete, sender=Chunk, dispatch_uid="embeddings.chunk_deleted")
def remove_words(sender: type[Model], *, instance: Chunk, **kwargs: Any) -> None:
    """For deletions that cascade here; the verbs do this in bulk."""
    word_index().remove([(instance.pk, instance.text)])


@receiver(pre_delete, sender=Embedding, dispatch_uid="embeddings.embedding_deleted")
def remove_vector(sender: type[Model], *, instance: Embedding, **kwargs: Any) -> None:
    try:
        store().delete(instance.space_id, [instance.pk])
    except DatabaseError:
        logger.warning("The vector %s of space %s stays behind; `doctor` sweeps it", instance.pk, instance.space_id)
    Removal.objects.create(space_id=instance.space_id, embedding_id=instance.pk)
    instance.space.touch()
