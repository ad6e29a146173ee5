"""Everything that the library knows, as JSON lines with a versioned schema.

The first line is a header; each other line is one row: `{"model": "files.file", "pk": 1, "fields": {…}}`. Vectors
are left out (they can be made again from the text), and so are accounts, sessions and tokens.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet

from jobs.progress import NO_PROGRESS, Progress

SCHEMA = "novaproject.export"
SCHEMA_VERSION = 1
FLOORS = ("files", "transcription", "vision", "bedrock", "nova", "embeddings", "curation", "jobs")
#: Rows that are made again from others, or that mean something on this machine only.
LEFT_OUT = {"embeddings.embedding", "embeddings.removal", "jobs.cluster", "jobs.idempotencykey"}


def exported_models() -> list[type[Model]]:
    """The models of our floors, lowest floor first."""
    found = (model for floor in FLOORS for model in apps.get_app_config(floor).get_models())
    return [model for model in found if model._meta.label_lower not in LEFT_OUT and not model._meta.proxy]


def count_rows() -> int:
    """How many lines an export has after its header."""
    return sum(_rows(model).count() for model in exported_models())


def export_lines() -> Iterator[str]:
    """Yield the export line by line; memory stays flat whatever the size of the library."""
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "novaproject": settings.VERSION,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "models": [model._meta.label_lower for model in exported_models()],
    }
    yield json.dumps(header)
    for model in exported_models():
        for row in _rows(model).order_by("pk").iterator(chunk_size=500):
            yield json.dumps(serializers.serialize("python", [row])[0], cls=DjangoJSONEncoder)


def write_export(path: Path, *, progress: Progress = NO_PROGRESS) -> int:
    """Write the export to a file, for its owner's eyes, whole or not at all. Returns how many rows."""
    partial, written = None, 0
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".export-", delete=False) as out:
            partial, total = Path(out.name), count_rows()
            for written, line in enumerate(export_lines()):  # the first line is the header
                out.write(line + "\n")
                progress.update(min(1.0, written / max(1, total)), f"{written:,} rows")
        partial.rename(path)
    finally:
        if partial:
            partial.unlink(missing_ok=True)
    return written


def _rows(model: type[Model]) -> QuerySet[Model]:
    """All of them, also those that lists leave out."""
    rows: QuerySet[Model] = getattr(model, "everything", model._default_manager).all()
    return rows
