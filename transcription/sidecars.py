"""Subtitle files that lie beside a clip become its transcript: free, at once, and kept up to date."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from files.models import File, Problem, Root
from jobs.bulk import in_pieces
from jobs.progress import NO_PROGRESS, Progress
from transcription.errors import BadSubtitlesError
from transcription.folder_rules import languages_of
from transcription.models import SIDECAR, SubtitleSource, Transcript
from transcription.segments import tidy
from transcription.sidecar_names import Sidecar, sidecars_of
from transcription.subtitles import reader
from transcription.subtitles.reader import ReadSubtitles
from transcription.writing import NewTranscript, delete_transcript, save_transcript

logger = logging.getLogger(__name__)

#: Files that an earlier reader read are read again by this one.
READER = 2
PROBLEM = "subtitles"
#: So many of the lines that stand at no time are told by their words.
TOLD_LINES = 5


@dataclass
class SidecarReport:
    """What became of the subtitle files beside a file, or beside all files of a root."""

    written: int = 0
    unreadable: list[str] = field(default_factory=list)  # why, each by its name


def read_sidecars(file: File, report: SidecarReport | None = None) -> bool:
    """Bring the transcript from the subtitle files beside a file up to date; whether it was written just now.

    The best that can be read is used; what is passed over is listed on the file with the reason, and what cannot be
    read in the list of problems, too. Where all are gone, the transcript stays as it is.
    """
    if file.media_type == File.MediaType.IMAGE:
        return False
    report = report if report is not None else SidecarReport()
    sidecars = sidecars_of(file.local_path, languages=languages_of(file.root))
    existing = Transcript.objects.filter(file=file, provider=SIDECAR).first()
    sources: list[SubtitleSource] = []
    is_used = was_written = False
    for sidecar in sidecars:
        source = SubtitleSource(
            file=file, origin=SubtitleSource.Origin.BESIDE, name=sidecar.name, language=sidecar.language
        )
        sources.append(source)
        if is_used:
            source.state, source.reason = SubtitleSource.State.OTHER, "Another one is used."
            continue
        try:
            was_written = _use(file, sidecar, existing)
            is_used, source.state = True, SubtitleSource.State.USED
        except (BadSubtitlesError, OSError) as error:
            source.state, source.reason = SubtitleSource.State.UNREADABLE, str(error)
            report.unreadable.append(str(error))
            logger.warning("The subtitles beside file %s were passed over: %s", file.pk, error)
    keep_sources(file, sources)
    if existing is not None and not is_used and is_of_unreadable(existing, sidecars):
        delete_transcript(existing)
    report.written += was_written
    return was_written


def refresh_sidecars(root: Root, *, progress: Progress = NO_PROGRESS) -> SidecarReport:
    """Look beside every file of a root."""
    report = SidecarReport()
    files = File.objects.available().filter(root=root).exclude(media_type=File.MediaType.IMAGE).select_related("root")
    total = files.count()
    for index, file in enumerate(in_pieces(files)):
        read_sidecars(file, report)
        progress.update((index + 1) / total, "Looking for subtitles")
    return report


def _use(file: File, sidecar: Sidecar, existing: Transcript | None) -> bool:
    """Make this subtitle file the transcript, unless it is; whether it was written. Raises BadSubtitlesError."""
    if not sidecar.is_readable:
        raise BadSubtitlesError(f"{sidecar.name} is in a format that is not read: SRT, WebVTT, ASS and SBV are.")
    facts = facts_of(file, sidecar)
    if existing is not None and all(existing.metadata.get(name) == value for name, value in facts.items()):
        return False
    wanted = (sidecar.language, *languages_of(file.root))
    subtitles = reader.read(sidecar.path, language=next((tag for tag in wanted if tag), ""))
    new_transcript = NewTranscript(
        provider=SIDECAR,
        language=sidecar.language,
        segments=tidy(subtitles.segments, duration_s=file.duration_s),
        notes=notes_on(subtitles, file.duration_s),
        source_hash=hashlib.sha256(sidecar.path.read_bytes()).hexdigest(),
        metadata=facts,
    )
    if not new_transcript.segments:
        raise BadSubtitlesError(f"All lines of {sidecar.name} lie after the end of the file.")
    # One that a person asked an engine for stays the current one.
    save_transcript(file, new_transcript, make_current=existing is None or existing.is_current)
    return True


def facts_of(file: File, sidecar: Sidecar) -> dict[str, Any]:
    """What the transcript depends on: while it is the same, nothing is read again."""
    seen = sidecar.path.stat()
    return {
        "name": sidecar.name,
        "mtime_ns": seen.st_mtime_ns,
        "size_bytes": seen.st_size,
        "duration_s": file.duration_s,
        "reader": READER,
    }


def notes_on(subtitles: ReadSubtitles, duration_s: float | None) -> list[str]:
    """What a person should know of how subtitles were read, in sentences."""
    notes = []
    late = [segment for segment in subtitles.segments if duration_s and segment.start_s >= duration_s]
    if late:
        count = "1 line" if len(late) == 1 else f"{len(late)} lines"
        notes.append(f"Left out, as after the end of the file: {count}, from “{late[0].text}” on.")
    if subtitles.passed_over:
        count = "1 line stands" if len(subtitles.passed_over) == 1 else f"{len(subtitles.passed_over)} lines stand"
        shown = "; ".join(subtitles.passed_over[:TOLD_LINES])
        notes.append(f"{count} at no time that can be read: {shown}{'; …' * (len(subtitles.passed_over) > TOLD_LINES)}")
    if subtitles.unreadable:
        count = "1 character" if subtitles.unreadable == 1 else f"{subtitles.unreadable} characters"
        notes.append(f"{count} could not be read.")
    return notes


def is_of_unreadable(existing: Transcript, sidecars: Sequence[Sidecar]) -> bool:
    """Whether the transcript was made of bytes that are refused today: mojibake, or nothing at all."""
    if existing.segments.filter(is_corrected=True).exists():
        return False
    for sidecar in sidecars:
        seen = sidecar.path.stat()
        same = {"name": sidecar.name, "mtime_ns": seen.st_mtime_ns, "size_bytes": seen.st_size}
        if all(existing.metadata.get(name) == value for name, value in same.items()):
            return True
    return False


def keep_sources(file: File, sources: Sequence[SubtitleSource]) -> None:
    """Write down what lies beside the file, where it is not what was there before; problems come and go with it."""
    beside = SubtitleSource.objects.filter(file=file, origin=SubtitleSource.Origin.BESIDE)
    before = list(beside.values_list("name", "language", "state", "reason"))
    folder = file.path.rpartition("/")[0]
    unreadable = {
        f"{folder}/{source.name}".lstrip("/"): source
        for source in sources
        if source.state == SubtitleSource.State.UNREADABLE
    }
    with transaction.atomic():
        if before != [(source.name, source.language, source.state, source.reason) for source in sources]:
            beside.delete()
            SubtitleSource.objects.bulk_create(sources)
            paths = [f"{folder}/{name}".lstrip("/") for name in {row[0] for row in before} - unreadable.keys()]
            Problem.objects.filter(root=file.root, kind=PROBLEM, path__in=set(paths) - unreadable.keys()).delete()
        for path, source in unreadable.items():  # a scan takes problems back that it does not know
            Problem.objects.get_or_create(
                root=file.root,
                path=path,
                defaults={"kind": PROBLEM, "reason": source.reason, "remedy": BadSubtitlesError.remedy},
            )
