"""The current results of a file in the formats of other programs."""

from bedrock import catalogue
from files.models import File
from nova.errors import NothingToExportError
from nova.exports.formats import FORMATS
from nova.exports.source import USUAL_RATE, ExportSource
from nova.questions.results import current_for


def text_of(file: File, name: str) -> str:
    """The file in this format. Raises NothingToExportError: no results, or no chapters for a format of chapters."""
    current = current_for(file)
    if not current:
        raise NothingToExportError("There is no analysis of this file.", remedy="Analyse it first.")
    model_ids = catalogue.model_ids()
    source = ExportSource(
        name=file.name,
        results={kind: row.result for kind, row in current.items()},
        made_by={
            kind: {
                "model": row.nova_job.model,
                "model_id": model_ids.get(row.nova_job.model, ""),
                "made": row.created_at.isoformat(),
            }
            for kind, row in current.items()
        },
        duration_s=file.duration_s,
        frame_rate=file.frame_rate or USUAL_RATE,
    )
    if FORMATS[name].is_of_chapters and not source.stretches:
        raise NothingToExportError("There are no chapters of this file.", remedy="Analyse it with the type chapters.")
    return FORMATS[name].write(source)


def name_of(file: File, name: str) -> str:
    """`talk.chapters.vtt`, `talk.analysis.csv`: a name that tells what is in it."""
    stem = file.name.rpartition(".")[0] or file.name
    return f"{stem}.{'chapters' if FORMATS[name].is_of_chapters else 'analysis'}.{name}"
