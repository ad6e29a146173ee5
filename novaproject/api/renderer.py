"""What a browser gets from an address of the API: its answer as one of our pages, and a form for what else it takes."""

import json
import re
from typing import Any

from rest_framework.parsers import JSONParser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import override_method

from novaproject.api.examples import BODIES

#: Methods that change something, in the order in which they are offered.
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_ID = re.compile(r"<(?:\w+:)?(\w+)>")


class PageRenderer(BrowsableAPIRenderer):
    """The answer, and below it a form for each method that this person may use here.

    The framework's forms name every row of a related table and need inline scripts; ours is a body of JSON to edit,
    with an example of this address, which a script of ours sends.
    """

    template = "rest_framework/api.html"

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """As DRF does, without rendering a form for each method first."""
        view, request, response = (renderer_context[name] for name in ("view", "request", "response"))
        content = self.get_content(JSONRenderer(), data, accepted_media_type or "", renderer_context)
        return {
            "content": content,
            "view": view,
            "request": request,
            "response": response,
            "user": request.user,
            "name": view.get_view_name(),
            "description": view.get_view_description(html=True),
            "response_headers": {**response.headers, "Content-Type": "application/json"},
            "breadcrumblist": self.get_breadcrumbs(request),
            "allowed_methods": view.allowed_methods,
            "forms": forms_of(self, view, request, data),
        }


def forms_of(renderer: BrowsableAPIRenderer, view: Any, request: Any, data: Any) -> list[dict[str, str]]:
    """A form for each method that changes something here and that this person may use."""
    if not any(issubclass(parser, JSONParser) for parser in view.parser_classes):
        return []  # an upload
    forms = []
    for method in CHANGING:
        with override_method(view, request, method) as asked:
            if renderer.show_form_for_method(view, method, asked, None):
                forms.append({"method": method, "body": _example(view, method, request, data)})
    return forms


def _example(view: Any, method: str, request: Any, data: Any) -> str:
    """A body to start from: the example of the schema, the fields of the serializer, or what is there now."""
    if method == "DELETE":
        return ""
    match = request.resolver_match
    address = "/" + _ID.sub(lambda found: "{id}" if found[1] == "pk" else f"{{{found[1]}}}", match.route)
    if method == "POST" and address in BODIES:
        return _text(next(iter(BODIES[address].values())))
    if not hasattr(view, "get_serializer"):
        return "{}"
    fields = view.get_serializer().fields
    writable = [name for name, field in fields.items() if not field.read_only]
    now = data if isinstance(data, dict) else {}
    if method in ("PUT", "PATCH") and set(writable) & set(now):
        return _text({name: now[name] for name in writable if name in now})
    return _text({name: fields[name].get_initial() for name in writable})


def _text(body: Any) -> str:
    return json.dumps(json.loads(JSONRenderer().render(body)), ensure_ascii=False, indent=2)
