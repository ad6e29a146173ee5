"""A Django form made from an options serializer, so that pages and dialogs ask for exactly what the API takes.

What was sent is checked by the serializer itself; the form only reads it. A field whose choices are data, not code, has
a method `offered() -> list[tuple[value, label]]`, which is asked whenever the form is shown or read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from rest_framework import serializers

Field = serializers.Field[Any, Any, Any, Any]
#: Up to so many choices are shown at once; more are a list to open.
MAX_RADIO = 4


class WordsField(forms.CharField):
    """Several words in one line, with commas between them; its value is a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple | set) else value

    def to_python(self, value: Any) -> Any:
        line = self.prepare_value(value) or ""
        return [word.strip() for word in line.split(",") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial) != self.to_python(data))


def _choices(field: Any) -> list[tuple[Any, Any]]:
    """What can be chosen. A field whose choices are data offers them itself, when the form is shown."""
    offered = getattr(field, "offered", None)
    return offered() if offered else list(field.choices.items())


def _number(form_field: type[forms.Field]) -> Callable[[Any], forms.Field]:
    def make(field: Any) -> forms.Field:
        return form_field(min_value=field.min_value, max_value=field.max_value)  # type: ignore[call-arg]

    return make


def _one_of(field: Any) -> forms.Field:
    def choices() -> list[tuple[Any, Any]]:
        found = _choices(field)
        is_open = field.allow_blank or (not field.required and _default(field) in (None, ""))
        return (
            [("", getattr(field, "blank_label", "as set up")), *found]
            if is_open and not any(value == "" for value, _ in found)
            else found
        )

    is_short = not hasattr(field, "offered") and 1 < len(choices()) <= MAX_RADIO
    return forms.ChoiceField(choices=choices, widget=forms.RadioSelect if is_short else forms.Select)


def _some_of(field: Any) -> forms.Field:
    return forms.MultipleChoiceField(choices=lambda: _choices(field), widget=forms.CheckboxSelectMultiple)


#: In the order in which they are looked at: a multiple choice is a choice, too.
_MAKERS: list[tuple[type[Any], Callable[[Any], forms.Field]]] = [
    (serializers.BooleanField, lambda field: forms.BooleanField()),
    (serializers.MultipleChoiceField, _some_of),
    (serializers.ChoiceField, _one_of),
    (serializers.IntegerField, _number(forms.IntegerField)),
    (serializers.FloatField, _number(forms.FloatField)),
    (serializers.DecimalField, _number(forms.DecimalField)),
    (serializers.CharField, lambda field: forms.CharField(max_length=field.max_length)),
]


def _form_field(field: Field) -> forms.Field | None:
    """The form's field for one of the serializer's; None for what a form cannot ask (it keeps its default)."""
    if field.read_only or isinstance(field, serializers.HiddenField):
        return None
    if isinstance(field, serializers.ListField):
        made = None
        if isinstance(field.child, serializers.ChoiceField):
            made = _some_of(field.child)
        elif isinstance(field.child, serializers.CharField):
            made = WordsField()
    else:
        is_menu = hasattr(field, "offered") and not isinstance(field, serializers.MultipleChoiceField)
        maker = _one_of if is_menu else next((make for kind, make in _MAKERS if isinstance(field, kind)), None)
        made = maker(field) if maker else None
    if made is None:
        return None
    made.required = field.required and not isinstance(field, serializers.BooleanField)
    made.label = str(field.label) if field.label else None
    made.help_text = str(field.help_text or "")
    made.initial = _initial(field, made)
    return made


def _initial(field: Field, made: forms.Field) -> Any:
    """The serializer's default as the form wants it: a choice of several as a list, in the order of the choices."""
    default = _default(field)
    if isinstance(made, forms.MultipleChoiceField) and default is not None:
        source: Any = getattr(field, "child", field) if isinstance(field, serializers.ListField) else field
        if hasattr(source, "offered"):
            return sorted(default)
        return [value for value, _ in _choices(source) if value in default]
    return default


def _default(field: Field) -> Any:
    """The serializer's default; None where it has none, or one that needs a request."""
    default = field.default
    if default is serializers.empty or getattr(default, "requires_context", False):
        return None
    return default() if callable(default) else default


class OptionsForm(forms.Form):
    """Options of an action. `options()` leaves out what was left empty, so that the serializer's defaults hold."""

    serializer: type[serializers.Serializer[Any]] = serializers.Serializer

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def problems(self) -> str:
        """What is wrong with it, in one line."""
        named = ((self[name].label if name in self.fields else "", words) for name, words in self.errors.items())
        return "; ".join(f"{label} {' '.join(map(str, words))}".strip() for label, words in named)

    def clean(self) -> dict[str, Any]:
        """The serializer has the last word. What the form does not ask for is not its business here."""
        asked = self.serializer(data=self.options())
        for name in set(asked.fields.keys()) - set(self.fields):
            asked.fields.pop(name)
        if not self.errors and not asked.is_valid():
            for name, words in asked.errors.items():
                self.add_error(name if name in self.fields else None, [str(word) for word in words])
        return self.cleaned_data

    @classmethod
    def with_defaults(cls) -> "OptionsForm":
        """The form as it is first shown, filled in as if it had been sent."""
        fields = cls.base_fields
        data: Mapping[str, Any] = {name: field.initial for name, field in fields.items() if field.initial is not None}
        return cls(data)


def form_from_serializer(serializer_class: type[serializers.Serializer[Any]]) -> type[OptionsForm]:
    """A form class with the fields of this serializer, their labels, help, limits and defaults."""
    fields = {name: _form_field(field) for name, field in serializer_class().fields.items()}
    attributes: dict[str, Any] = {name: field for name, field in fields.items() if field is not None}
    attributes["serializer"] = serializer_class
    return type(f"{serializer_class.__name__}Form", (OptionsForm,), attributes)
