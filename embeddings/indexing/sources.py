"""What is known of a file: its transcript, its analyses, its name and what was seen, as chunks that should exist."""

from pathlib import PurePosixPath

from embeddings.indexing.analysis_chunks import drafts_of
from embeddings.indexing.chunks import Draft, TimedText, from_lines, name_text
from embeddings.models import Chunk, Viewing
from files.models import File
from nova.questions import results
from transcription.models import Transcript


def drafts_for(file: File) -> list[Draft]:
    """Every chunk that this file should have now. A file that left the library should have none."""
    if file.removed_at is not None:
        return []
    drafts = [name_of(file), *_spoken(file), *_analysed(file), *_seen(file)]
    return [draft for draft in drafts if draft.text or draft.seen]


def name_of(file: File) -> Draft:
    """The file's name, and the folders that it lies in, as people look for them."""
    folders = PurePosixPath(file.path).parent.parts
    return Draft(kind=Chunk.Kind.NAME, source_id=file.pk, ordinal=0, text=name_text(file.name, folders))


def _analysed(file: File) -> list[Draft]:
    rows = {kind: row for kind, row in results.current_for(file).items() if results.NOTHING_SAID not in row.notes}
    return [draft for kind, row in rows.items() for draft in drafts_of(kind, row.result, source_id=row.pk)]


def _seen(file: File) -> list[Draft]:
    """A chunk for each piece that was looked at, in every space: it has no words, only a vector."""
    if not file.full_hash:
        return []
    viewings = Viewing.objects.filter(content_hash=file.full_hash, state=Viewing.State.DONE).only("spans")
    return [
        Draft(
            kind=Chunk.Kind.VIDEO, source_id=viewing.pk, ordinal=ordinal, text="", start_s=start_s, end_s=end_s,
            seen=f"{viewing.pk}/{ordinal}",
        )
        for viewing in viewings
        for ordinal, (start_s, end_s) in enumerate(viewing.spans)
    ]  # fmt: skip


def _spoken(file: File) -> list[Draft]:
    transcript = Transcript.objects.current_for(file)
    if transcript is None:
        return []
    lines = (TimedText(one.start_s, one.end_s, one.text) for one in transcript.spoken())
    return from_lines(lines, kind=Chunk.Kind.TRANSCRIPT, source_id=transcript.pk)
