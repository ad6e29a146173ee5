"""An action's options, which are a serializer, as inputs of a form; and what was sent, checked by that serializer."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import empty

from files.facets import Action


@dataclass(frozen=True, kw_only=True)
class OptionField:
    """One input; `kind` is how the template draws it."""

    name: str
    label: str
    kind: str
    help: str = ""
    value: Any = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def option_fields(
    action: Action, sent: QueryDict | None = None, errors: dict[str, list[str]] | None = None
) -> list[OptionField]:
    """The inputs for an action's options, with what was sent, else with the defaults."""
    fields = action.options().fields
    return [_field(name, one, sent, (errors or {}).get(name, [])) for name, one in fields.items() if not one.read_only]


def _field(
    name: str, one: "serializers.Field[Any, Any, Any, Any]", sent: QueryDict | None, errors: list[str]
) -> OptionField:
    kind = _kind(one)
    default = one.default if one.default is not empty and not callable(one.default) else ""
    value: Any = default if default is not None else ""
    if sent is not None:
        value = sent.getlist(name) if kind == "many" else (name in sent if kind == "flag" else sent.get(name, ""))
    elif kind == "many":
        value = list(value or [])
    offered = one.offered() if hasattr(one, "offered") else getattr(one, "choices", {}).items()
    choices = [(str(key), str(word)) for key, word in offered]
    if kind == "choice" and not one.required and "" not in dict(choices) and default in ("", None):
        choices.insert(0, ("", "as set up"))
    return OptionField(
        name=name,
        label=str(one.label or name.replace("_", " ").capitalize()),
        kind=kind,
        help=str(one.help_text or ""),
        value=value,
        choices=choices,
        errors=errors,
    )


def _kind(one: "serializers.Field[Any, Any, Any, Any]") -> str:
    if isinstance(one, serializers.BooleanField):
        return "flag"
    if isinstance(one, serializers.MultipleChoiceField):
        return "many"
    if isinstance(one, serializers.ChoiceField):
        return "choice"
    if isinstance(one, serializers.IntegerField | serializers.FloatField | serializers.DecimalField):
        return "number"
    if isinstance(one, serializers.ListField):
        return "list"
    return "text"


def read_options(action: Action, sent: QueryDict) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What a form sent, as options, and what is wrong with it by field. Empty inputs fall back to the defaults."""
    options: dict[str, Any] = {}
    for name, one in action.options().fields.items():
        kind = _kind(one)
        if kind == "flag":
            options[name] = name in sent
        elif kind == "many":
            options[name] = sent.getlist(name)
        elif kind == "list":
            options[name] = [part.strip() for part in sent.get(name, "").split(",") if part.strip()]
        elif sent.get(name, "") != "":
            options[name] = sent[name]
    serializer = action.options(data=options)
    if serializer.is_valid():
        return options, {}
    return options, {name: [str(message) for message in messages] for name, messages in serializer.errors.items()}


def read_defaults(action: Action) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The options as the form shows them at first."""
    sent = QueryDict(mutable=True)
    for one in option_fields(action):
        if one.kind == "many":
            sent.setlist(one.name, [str(value) for value in one.value])
        elif one.kind == "flag":
            if one.value:
                sent[one.name] = "on"
        else:
            sent[one.name] = str(one.value)
    return read_options(action, sent)
