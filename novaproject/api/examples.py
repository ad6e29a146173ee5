"""Bodies to start from, shown in the API's schema. A test sends each of them."""

from typing import Any

_SELECTED = {"file_ids": [1], "options": {}}
_EVERY_VIDEO = {"filter": {"media_type": ["video"]}, "options": {}}

#: By address: what it is an example of, and the body.
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "/api/batch/proxy": {"these files": _SELECTED, "all that have none": {"filter": {"has_proxy": False}}},
    "/api/batch/transcribe": {
        "all videos": _EVERY_VIDEO,
        "in German": {"file_ids": [1], "options": {"provider": "whisper", "language": "de"}},
    },
    "/api/batch/nova": {
        "free, on this machine": {"file_ids": [1], "options": {"model": "local"}},
        "chapters of all videos": {**_EVERY_VIDEO, "options": {"model": "local", "analysis_types": ["chapters"]}},
    },
    "/api/batch/embeddings": {"all videos": _EVERY_VIDEO},
    "/api/batch/frames": {"all videos": _EVERY_VIDEO},
    "/api/batch/read": {"these files": _SELECTED},
    "/api/batch/see": {
        "free, on this machine": {**_EVERY_VIDEO, "options": {"how": "local"}},
        "with Nova, frame by frame": {"file_ids": [1], "options": {"how": "frames"}},
    },
    "/api/batch/collect": {"into a collection": {"file_ids": [1], "options": {"collection": 1}}},
    "/api/batch/remove": {"these files": _SELECTED},
    "/api/reconcile": {"look only": {}, "put right": {"apply": True}},
    "/api/batch/tag": {
        "all videos": {"filter": {"media_type": ["video"]}, "options": {"add": ["Ridge Court"], "remove": []}}
    },
    "/api/collections": {"an empty one": {"name": "For the showreel", "note": ""}},
    "/api/collections/{id}/items": {"a file, at the end": {"file_id": 1}},
    "/api/estimate": {
        "what it would cost": {"action": "nova", **_EVERY_VIDEO, "options": {"model": "lite", "mode": "batch"}}
    },
    "/api/files/import-directory": {
        "a folder": {"path": "/media/disk/videos", "recursive": True, "make_proxies": True}
    },
    "/api/moments": {
        "a range of seconds": {"file_id": 1, "start_s": 12.5, "end_s": 20, "name": "The first pour", "tags": ["pour"]}
    },
    "/api/nova/analysis-types": {
        "hazards, with their moments": {
            "name": "hazards",
            "label": "Hazards",
            "prompt": "List what could hurt somebody, and when it is seen.",
            "schema": {
                "type": "object",
                "properties": {
                    "hazards": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"what": {"type": "string"}, "start_s": {"type": "number"}},
                            "required": ["what"],
                        },
                    }
                },
                "required": ["hazards"],
            },
        }
    },
    "/api/nova/analyze": {
        "free, on this machine": {"file_id": 1, "model": "local", "analysis_types": ["summary", "chapters"]}
    },
    "/api/nova/estimate": {
        "one file at once": {"file_ids": [1], "model": "lite", "analysis_types": ["summary"], "mode": "realtime"}
    },
    "/api/nova/embeddings/generate": {"a file": {"file_id": 1}, "a transcript": {"transcript_id": 1, "force": True}},
    "/api/nova/refresh-models": {"ask Bedrock": {}, "only this program's prices": {"offline": True}},
    "/api/nova/reparse": {"look only": {"old": True}, "keep what is read better": {"failed": True, "apply": True}},
    "/api/nova/waiting/{model}/run": {"at half price, without a minimum": {"mode": "flex"}},
    "/api/roots/{id}/relocate": {"look first": {"path": "/media/disk/videos", "dry_run": True}},
    "/api/roots/{id}/scan": {"with another try": {"retry_problems": True}},
    "/api/searches": {
        "with its filter": {"name": "Lanterns", "q": "paper lanterns", "filter": {"media_type": ["video"]}}
    },
    "/api/spaces": {"the usual one of Nova's": {"provider": "nova"}, "smaller": {"provider": "nova", "dimension": 384}},
    "/api/spaces/{id}/build": {"of what is said": {"for": "text"}, "of what is seen": {"for": "picture"}},
    "/api/spaces/{id}/compare": {"where it is free": {"with_space": 2, "for": "text"}},
    "/api/spaces/{id}/use": {"for what is seen": {"for": "picture"}},
    "/api/tags": {"with a colour": {"name": "Ridge Court", "colour": "#2a7f62"}},
    "/api/tags/{id}/merge": {"into another": {"into": 2}},
    "/api/transcription/download": {"the usual weights": {"model": "base"}},
    "/api/transcription/transcribe": {"a file": {"file_id": 1, "provider": "whisper", "model": "base"}},
}
