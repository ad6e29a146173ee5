"""The current results of a file in the forms of other programs."""

from typing import Any

from files.models import File
from nova.errors import NothingToExportError
from nova.exports import formats
from nova.questions.results import current_for

#: Name and media type of each form.
FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "vtt": "text/vtt",
    "edl": "text/plain",
    "otio": "application/json",
}
#: For files that name no frame rate: an editor needs one.
USUAL_RATE = 25.0


def text_of(file: File, kind: str) -> str:
    """Raises NothingToExportError where there are no results, or no chapters for a form that holds these alone."""
    current = current_for(file)
    found: dict[str, Any] = {name: row.result for name, row in current.items()}
    if not found:
        raise NothingToExportError("There is no analysis of this file.", remedy="Analyse it first.")
    if kind == "json":
        made = {
            name: {"model": row.nova_job.model, "made": row.created_at.isoformat()} for name, row in current.items()
        }
        return formats.results_json(found, {"file": file.name, "duration_s": file.duration_s, "made_by": made})
    if kind == "csv":
        return formats.results_csv(found)
    chapters = found.get("chapters", {}).get("chapters", [])
    if not chapters:
        raise NothingToExportError("There are no chapters of this file.", remedy="Analyse it with the type chapters.")
    if kind == "vtt":
        return formats.chapters_vtt(chapters)
    rate = file.frame_rate or USUAL_RATE
    if kind == "edl":
        return formats.chapters_edl(chapters, title=file.name, frame_rate=rate)
    return formats.chapters_otio(chapters, title=file.name, frame_rate=rate, duration_s=file.duration_s)


def name_of(file: File, kind: str) -> str:
    """`talk.chapters.vtt`, `talk.analysis.csv`: a name that tells what is in it."""
    stem = file.name.rpartition(".")[0] or file.name
    return f"{stem}.{'analysis' if kind in ('json', 'csv') else 'chapters'}.{kind}"
