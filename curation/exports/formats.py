"""The formats of export, in the order in which they are offered. One more is a module beside these and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from curation.exports import csv_file, edl, fcpxml, otio, zip_file
from curation.exports.clip import ClipList


@dataclass(frozen=True, kw_only=True)
class Format:
    """How a format is called and written."""

    label: str
    media_type: str
    write: Callable[[ClipList], str] | Callable[[ClipList], bytes]
    hint: str


FORMATS: Mapping[str, Format] = {
    "csv": Format(label="CSV", media_type="text/csv", write=csv_file.write, hint="A list for a spreadsheet"),
    "zip": Format(
        label="ZIP", media_type="application/zip", write=zip_file.write, hint="Subtitles and chapters of each file"
    ),
    "edl": Format(label="EDL", media_type="text/plain", write=edl.write, hint="Avid, Premiere and most others"),
    "otio": Format(label="OTIO", media_type="application/json", write=otio.write, hint="DaVinci Resolve, Premiere"),
    "fcpxml": Format(
        label="FCPXML", media_type="application/xml", write=fcpxml.write, hint="Final Cut Pro, DaVinci Resolve"
    ),
}
