"""All results as JSON under their types, after what is told of the file and of who made them. Pure."""

import json

from nova.exports.source import ExportSource


def write(source: ExportSource) -> str:
    content = {
        "file": source.name,
        "duration_s": source.duration_s,
        "made_by": source.made_by,
        "results": source.results,
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
