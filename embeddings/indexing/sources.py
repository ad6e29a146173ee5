"""What is known of a file, as chunks that should exist: its name, its transcript, its analyses, its media embedding."""

from collections.abc import Callable, Collection, Iterable
from pathlib import PurePosixPath

from embeddings.indexing.analysis_chunks import drafts_of
from embeddings.indexing.chunks import Draft, TimedText, from_lines, from_text, name_text
from embeddings.models import Chunk, Space, Viewing
from files.models import File
from nova.questions import results
from transcription.models import Transcript
from transcription.segments import with_names
from vision.models import Frame, FrameSelection, ScreenReading, ScreenText

EVERYTHING = tuple(Chunk.Kind.values)
#: What depends on the file itself: its name, and the media embedding of its content.
CONTENT = (Chunk.Kind.NAME, Chunk.Kind.VIDEO)
#: What is made from analyses.
ANALYSED = (Chunk.Kind.CHAPTER, Chunk.Kind.SUMMARY, Chunk.Kind.ELEMENT)
#: What is made from frames.
LOOKED = (Chunk.Kind.SEEN,)
#: What is made from text on screen.
ON_SCREEN = (Chunk.Kind.ON_SCREEN,)

Maker = Callable[[File], Iterable[Draft]]
#: Of the floors above: what they know of a file in words.
_registered: list[tuple[Collection[str], Maker]] = []


def register(kinds: Collection[str], make: Maker) -> None:
    """Make a source of chunks known. Called in `AppConfig.ready()`; whoever changes the source indexes its kinds."""
    _registered.append((kinds, make))


def drafts_for(file: File, kinds: Collection[str] = EVERYTHING) -> list[Draft]:
    """Every chunk of these kinds that this file should have now. A file that left the library should have none."""
    if file.removed_at is not None:
        return []
    makers: list[tuple[Collection[str], Maker]] = [
        ([Chunk.Kind.NAME], _of_name),
        ([Chunk.Kind.TRANSCRIPT], _of_transcript),
        (ANALYSED, _of_analyses),
        ([Chunk.Kind.VIDEO], _of_media),
        (LOOKED, _of_frames),
        (ON_SCREEN, _of_screen),
        *_registered,
    ]
    drafts = [draft for of_maker, make in makers if not set(of_maker).isdisjoint(kinds) for draft in make(file)]
    return [draft for draft in drafts if draft.text or draft.media]


def _of_name(file: File) -> list[Draft]:
    """The file's name, and the folders that it lies in, as people look for them."""
    folders = PurePosixPath(file.path).parent.parts
    return [Draft(kind=Chunk.Kind.NAME, source_id=file.pk, ordinal=0, text=name_text(file.name, folders))]


def _of_transcript(file: File) -> list[Draft]:
    transcript = Transcript.objects.current_for(file)
    if transcript is None:
        return []
    lines = (TimedText(segment.start_s, segment.end_s, segment.text) for segment in with_names(transcript.spoken()))
    return from_lines(lines, kind=Chunk.Kind.TRANSCRIPT, source_id=transcript.pk)


def _of_analyses(file: File) -> list[Draft]:
    rows = {kind: row for kind, row in results.current_for(file).items() if results.NOTHING_SAID not in row.notes}
    return [draft for kind, row in rows.items() for draft in drafts_of(kind, row.result, source_id=row.pk)]


def _of_media(file: File) -> list[Draft]:
    """A chunk for each piece of video or picture that was embedded, in every space: no words, only a vector."""
    if not file.full_hash:
        return []
    viewings = Viewing.objects.filter(content_hash=file.full_hash, state=Viewing.State.DONE).only("spans")
    return [
        Draft(
            kind=Chunk.Kind.VIDEO, source_id=viewing.pk, ordinal=ordinal, text="", start_s=start_s, end_s=end_s,
            media=f"{viewing.pk}/{ordinal}",
        )
        for viewing in viewings
        for ordinal, (start_s, end_s) in enumerate(viewing.spans)
    ]  # fmt: skip


def _of_frames(file: File) -> list[Draft]:
    """A chunk for each frame, until the next one: no words, only a vector. None where no space could hold it."""
    chosen = FrameSelection.objects.current().filter(file=file).first()
    if chosen is None or not Space.objects.filter(holds_pictures=True).exists():
        return []
    frames = list(Frame.objects.filter(file=file).values_list("n", "at_s"))
    is_still = file.media_type == File.MediaType.IMAGE
    ends = [at_s for _, at_s in frames[1:]] + [max(file.duration_s or 0.0, frames[-1][1])] if frames else []
    return [
        Draft(
            kind=Chunk.Kind.SEEN, source_id=file.pk, ordinal=n, text="",
            start_s=None if is_still else at_s, end_s=None if is_still else end_s,
            media=f"{chosen.source_hash or file.pk}@{at_s}",
        )
        for (n, at_s), end_s in zip(frames, ends, strict=True)
    ]  # fmt: skip


def _of_screen(file: File) -> list[Draft]:
    """What stands on screen together from one second to another, as one text."""
    if not ScreenReading.objects.current().filter(file=file).exists():
        return []
    is_still = file.media_type == File.MediaType.IMAGE
    together: dict[tuple[float, float], list[str]] = {}
    for line in ScreenText.objects.filter(file=file):
        together.setdefault((line.start_s, line.end_s), []).append(line.text)
    drafts: list[Draft] = []
    for (start_s, end_s), lines in together.items():
        drafts += from_text(
            " · ".join(lines), kind=Chunk.Kind.ON_SCREEN, source_id=file.pk, first=len(drafts),
            start_s=None if is_still else start_s, end_s=None if is_still else end_s,
        )  # fmt: skip
    return drafts
