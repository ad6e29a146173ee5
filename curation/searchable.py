"""Moments and notes as text that search finds, in the transaction of their change."""

from collections.abc import Iterable

from curation.models import Annotation, Moment
from embeddings.indexing import index
from embeddings.indexing.chunks import Draft, from_text
from embeddings.models import Chunk
from files.models import File


def moments_of(file: File) -> list[Draft]:
    """Each moment of the file that has words: its name, note and tags, at its seconds."""
    drafts: list[Draft] = []
    for moment in Moment.objects.filter(file=file).prefetch_related("tags"):
        words = [moment.name, moment.note, " ".join(tag.name for tag in moment.tags.all())]
        drafts += from_text(
            " · ".join(filter(None, words)),
            kind=Chunk.Kind.MOMENT,
            source_id=moment.pk,
            start_s=moment.start_s,
            end_s=moment.end_s,
        )
    return drafts


def note_of(file: File) -> list[Draft]:
    """The note of the file."""
    annotation = Annotation.objects.filter(file=file).exclude(note="").first()
    return from_text(annotation.note, kind=Chunk.Kind.NOTE, source_id=file.pk) if annotation else []


def index_moments(file_ids: Iterable[int]) -> None:
    """Make search find the moments of these files as they are now."""
    _index(file_ids, Chunk.Kind.MOMENT)


def index_note(file: File) -> None:
    _index([file.pk], Chunk.Kind.NOTE)


def index_speakers(file: File) -> None:
    """Make search find who speaks in the file as they are called now."""
    index.index_text(file, kinds=[Chunk.Kind.TRANSCRIPT, Chunk.Kind.ELEMENT])


def _index(file_ids: Iterable[int], kind: Chunk.Kind) -> None:
    for file in File.objects.filter(pk__in=set(file_ids)):
        index.index_text(file, kinds=[kind])
