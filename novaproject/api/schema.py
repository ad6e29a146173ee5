"""What every operation may answer besides its own: named in the API's schema here, once."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from curation.exports import formats as clip_formats
from jobs.web.idempotency import HEADER, LONGEST, CostlyView
from nova.exports.formats import FORMATS
from novaproject.api.examples import BODIES
from transcription.subtitles import writers

_JSON = "application/json"
_WORDS = {
    "400": "What was sent does not fit; the body says what.",
    "401": "No valid session or token.",
    "403": "The user lacks the permission, or AWS refused it.",
    "404": "There is no such thing.",
    "409": "It does not fit the present state; the body says what to do.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many of these calls; `Retry-After` says when to come back.",
    "415": "The body is of a media type that is not read here.",
}
#: Downloads whose media type follows their parameter `format`.
_DOWNLOADS = {
    "/api/transcripts/{id}/download": writers.FORMATS.values(),
    "/api/nova/export/{id}": [format.media_type for format in FORMATS.values()],
    "/api/files/export": [format.media_type for format in clip_formats.FORMATS.values()],
    "/api/collections/{id}/export": [format.media_type for format in clip_formats.FORMATS.values()],
}
#: Of the file list's parameters: a search has its own `q`, its own order and no pages.
_NOT_FOR_SEARCH = {"q", "ordering", "page", "page_size"}
_ERROR = {
    "type": "object",
    "description": "`detail` says what is wrong and what to do; errors of a field stand under its name.",
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
    "additionalProperties": {},
}


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """Our tokens are knox's."""

    target_class = "novaproject.tokens.TokenAuthentication"


class Schema(AutoSchema):
    """Calls that cost something take an Idempotency-Key."""

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if self.method == "POST" and isinstance(self.view, CostlyView) and self.view.is_costly:
            words = "The same key with the same body is done once; its answer is kept for two days, or as set."
            schema = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"}
            parameters.append(OpenApiParameter(HEADER, schema, OpenApiParameter.HEADER, description=words))
        return parameters


def name_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Add the error answers to each operation that can give them."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    paths = result.get("paths", {})
    for path in paths.values():
        for method, operation in path.items():
            responses = operation["responses"]
            for status in _statuses(method, operation):
                responses.setdefault(status, _answer(status))
            operation["responses"] = dict(sorted(responses.items()))
    for name in _DOWNLOADS.keys() & paths.keys():
        content = {kind: {"schema": {} if kind == _JSON else {"type": "string"}} for kind in sorted(_DOWNLOADS[name])}
        paths[name]["get"]["responses"]["200"]["content"] = content
    return result


def show_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Add bodies to start from, and the filters of the file list where a search takes them too."""
    paths = result.get("paths", {})
    for name in BODIES.keys() & paths.keys():
        content = paths[name]["post"]["requestBody"]["content"][_JSON]
        content["examples"] = {title: {"value": body} for title, body in BODIES[name].items()}
    if {"/api/files", "/api/search"} <= paths.keys():
        asked = paths["/api/search"]["get"]["parameters"]
        known = {one["name"] for one in asked} | _NOT_FOR_SEARCH
        asked += [path for path in paths["/api/files"]["get"]["parameters"] if path["name"] not in known]
    return result


def _statuses(method: str, operation: dict[str, Any]) -> list[str]:
    parameters = operation.get("parameters", [])
    names = {parameter["name"] for parameter in parameters}
    found = []
    if {} not in operation.get("security", [{}]):  # an empty entry means: without a login too
        found += ["401", "403"]
    found.append("400")  # a parameter that there is not, at least
    if "requestBody" in operation:
        found += ["404", "415"]
    if "page" in names or any(parameter["in"] == "path" for parameter in parameters):
        found.append("404")
    if method != "get":
        found.append("409")
    if HEADER in names:
        found += ["422", "429"]
    return found


def _answer(status: str) -> dict[str, Any]:
    content = {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": _WORDS[status], "content": content}
