"""A list of clips for a spreadsheet. Pure."""

import csv
import io

from curation.exports.clip import ClipList
from nova.exports.csv_file import as_cell

COLUMNS = (
    "number", "name", "file_id", "file_name", "path", "media_type", "start_s", "end_s", "duration_s", "rating",
    "favourite", "tags", "note",
)  # fmt: skip


def write(source: ClipList) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for number, clip in enumerate(source.clips, start=1):
        length = None if clip.end_s is None else round(clip.end_s - clip.start_s, 3)
        row = (
            number, clip.name, clip.file_id, clip.file_name, str(clip.path), clip.media_type, clip.start_s, clip.end_s,
            length, clip.rating, "yes" if clip.is_favourite else "", ", ".join(clip.tags), clip.note,
        )  # fmt: skip
        writer.writerow([as_cell(value) if isinstance(value, str) else value for value in row])
    return out.getvalue()
