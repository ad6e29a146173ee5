"""Subtitle files that lie beside a clip become its transcript: free, at once, and kept up to date."""

import hashlib
import logging
from pathlib import Path
from typing import Any

from files.models import IS_PLAYABLE, File, Root
from jobs.bulk import in_pieces
from jobs.progress import NO_PROGRESS, Progress
from transcription import subtitles
from transcription.errors import BadSubtitlesError
from transcription.models import SIDECAR, Transcript
from transcription.segments import tidy
from transcription.sidecar_names import Sidecar, sidecar_of
from transcription.writing import NewTranscript, save_transcript

logger = logging.getLogger(__name__)


def read_sidecar(file: File, problems: list[str] | None = None) -> bool:
    """Bring the transcript from the subtitle file beside a file up to date; whether it was written just now.

    A sidecar that is gone, or that cannot be read, leaves its transcript as it is; `problems` gets why.
    """
    found = sidecar_of(file.local_path) if file.is_playable else None
    if found is None:
        return False
    known = Transcript.objects.filter(file=file, provider=SIDECAR).first()
    try:
        facts = _facts(found)
        if known is not None and _is_same(known, facts):
            return False
        _write(file, found, facts, known)
    except (BadSubtitlesError, OSError) as error:
        logger.warning("The subtitles beside file %s were passed over: %s", file.pk, error)
        if problems is not None:
            problems.append(str(error))
        return False
    return True


def refresh_sidecars(root: Root, *, progress: Progress = NO_PROGRESS) -> tuple[int, list[str]]:
    """Look beside every file of a root; returns how many transcripts were made or changed, and what was unreadable."""
    changed = 0
    problems: list[str] = []
    files = File.objects.available().filter(IS_PLAYABLE, root=root).select_related("root")
    total = files.count()
    for index, file in enumerate(in_pieces(files)):
        changed += read_sidecar(file, problems)
        progress.update((index + 1) / total, "Looking for subtitles")
    return changed, problems


def _facts(sidecar: Sidecar) -> dict[str, Any]:
    seen = sidecar.path.stat()
    return {"name": sidecar.path.name, "mtime_ns": seen.st_mtime_ns, "size_bytes": seen.st_size}


def _is_same(known: Transcript, facts: dict[str, Any]) -> bool:
    return all(known.metadata.get(name) == value for name, value in facts.items())


def _write(file: File, sidecar: Sidecar, facts: dict[str, Any], known: Transcript | None) -> None:
    segments = tidy(subtitles.read(sidecar.path), duration_s=file.duration_s)
    new_transcript = NewTranscript(
        provider=SIDECAR,
        language=sidecar.language,
        segments=segments,
        source_hash=_content(sidecar.path),
        metadata=facts,
    )
    # One that a person asked an engine for stays the current one.
    save_transcript(file, new_transcript, make_current=known is None or known.is_current)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
