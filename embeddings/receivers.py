"""What this floor does when the ones below have news: words at once, vectors as a job where they are free."""

import logging
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_delete
from django.db.utils import DatabaseError

from embeddings import tasks
from embeddings.indexing import index
from embeddings.models import Chunk, Embedding, Removal
from embeddings.stores import vec0
from embeddings.words import fts5
from files.models import File
from files.signals import file_back, file_gone, file_moved, media_ready
from nova.models import AnalysisResult
from nova.signals import analysis_ready
from transcription.models import Segment, Transcript
from transcription.signals import transcript_settled

ANALYSED_KINDS = (Chunk.Kind.SUMMARY, Chunk.Kind.CHAPTER, Chunk.Kind.ELEMENT)
logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen. Called once, in `AppConfig.ready()`."""
    for signal in (media_ready, transcript_settled, analysis_ready, file_back):
        signal.connect(_on_news, dispatch_uid="embeddings.news")
    file_gone.connect(_on_gone, dispatch_uid="embeddings.gone")
    file_moved.connect(_on_moved, dispatch_uid="embeddings.moved")
    post_delete.connect(_on_transcript_deleted, Transcript, dispatch_uid="embeddings.transcript_deleted")
    post_delete.connect(_on_result_deleted, AnalysisResult, dispatch_uid="embeddings.result_deleted")
    post_save.connect(_on_segment_saved, Segment, dispatch_uid="embeddings.segment_saved")
    pre_delete.connect(_on_chunk_deleted, Chunk, dispatch_uid="embeddings.chunk_deleted")
    pre_delete.connect(_on_embedding_deleted, Embedding, dispatch_uid="embeddings.embedding_deleted")


def _on_news(sender: object, *, signal: object, file: File, **kwargs: Any) -> None:
    index.index_text(file)
    # A name alone is quickly embedded with what follows it; the chain always ends with an analysis that settles.
    if signal is not media_ready:
        tasks.request_if_free(file)


def _on_gone(sender: object, *, file: File, **kwargs: Any) -> None:
    index.remove_file(file.pk)


def _on_moved(sender: object, *, file: File, **kwargs: Any) -> None:
    """Its name alone, as a folder of thousands may have been renamed; the sweep gives it its vector."""
    index.index_name(file)


def _on_transcript_deleted(sender: type[Model], *, instance: Transcript, **kwargs: Any) -> None:
    """In the transaction of the deletion itself: a deleted source is never found."""
    index.remove_source(instance.file_id, [Chunk.Kind.TRANSCRIPT], instance.pk)


def _on_result_deleted(sender: type[Model], *, instance: AnalysisResult, **kwargs: Any) -> None:
    if instance.file_id is not None:
        index.remove_source(instance.file_id, ANALYSED_KINDS, instance.pk)


def _on_segment_saved(sender: type[Model], *, instance: Segment, created: bool, raw: bool, **kwargs: Any) -> None:
    """A correction: the old words and their vector go with it, in the same transaction."""
    if not created and not raw and instance.transcript.is_current:
        index.index_text(instance.transcript.file)


def _on_chunk_deleted(sender: type[Model], *, instance: Chunk, **kwargs: Any) -> None:
    """For deletions that cascade here; the verbs do this in bulk."""
    fts5.remove([(instance.pk, instance.text)])


def _on_embedding_deleted(sender: type[Model], *, instance: Embedding, **kwargs: Any) -> None:
    try:
        vec0.delete(instance.space_id, [instance.pk])
    except DatabaseError:
        logger.warning("The vector %s of space %s stays behind; `doctor` sweeps it", instance.pk, instance.space_id)
    Removal.objects.create(space_id=instance.space_id, embedding_id=instance.pk)
    instance.space.touch()
