"""The formats of export, in the order in which they are offered. One more is a module beside these and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nova.exports import csv_file, edl, json_file, otio, webvtt
from nova.exports.source import ExportSource


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """How a format is called and written. `is_of_chapters`: it holds these alone, and needs some."""

    label: str
    media_type: str
    write: Callable[[ExportSource], str]
    is_of_chapters: bool = True


FORMATS: Mapping[str, ExportFormat] = {
    "json": ExportFormat(label="JSON", media_type="application/json", write=json_file.write, is_of_chapters=False),
    "csv": ExportFormat(label="CSV", media_type="text/csv", write=csv_file.write, is_of_chapters=False),
    "vtt": ExportFormat(label="chapters as VTT", media_type="text/vtt", write=webvtt.write),
    "edl": ExportFormat(label="EDL", media_type="text/plain", write=edl.write),
    "otio": ExportFormat(label="OTIO", media_type="application/json", write=otio.write),
}
