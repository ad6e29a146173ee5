"""A Django form made from an options serializer, so that a dialog asks for exactly what the API takes."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from rest_framework import serializers

Field = serializers.Field[Any, Any, Any, Any]


def _choices(field: Any) -> list[tuple[Any, Any]]:
    """What can be chosen. A field whose choices are data offers them itself, when the form is shown."""
    offered = getattr(field, "offered", None)
    return offered() if offered else list(field.choices.items())


def _number(form_field: type[forms.Field]) -> Callable[[Any], forms.Field]:
    def make(field: Any) -> forms.Field:
        return form_field(min_value=field.min_value, max_value=field.max_value)  # type: ignore[call-arg]

    return make


def _one_of(field: Any) -> forms.Field:
    choices = _choices(field)
    if field.allow_blank and not any(value == "" for value, _ in choices):
        choices.insert(0, ("", "automatic"))
    return forms.ChoiceField(choices=choices)


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
        if not isinstance(field.child, serializers.ChoiceField):
            return None
        made = _some_of(field.child)
    else:
        maker = next((make for kind, make in _MAKERS if isinstance(field, kind)), None)
        if maker is None:
            return None
        made = maker(field)
    made.required = field.required and not isinstance(field, serializers.BooleanField)
    made.label = str(field.label) if field.label else None
    made.help_text = str(field.help_text or "")
    made.initial = _initial(field, made)
    return made


def _initial(field: Field, made: forms.Field) -> Any:
    """The serializer's default as the form wants it: a choice of several as a list, in the order of the choices."""
    default = field.default
    if default is serializers.empty or getattr(default, "requires_context", False):
        return None
    if callable(default):
        default = default()
    if isinstance(made, forms.MultipleChoiceField) and default is not None:
        source: Any = getattr(field, "child", field) if isinstance(field, serializers.ListField) else field
        if hasattr(source, "offered"):
            return sorted(default)
        return [value for value, _ in _choices(source) if value in default]
    return default


class OptionsForm(forms.Form):
    """Options of an action. `options()` leaves out what was left empty, so that the serializer's defaults hold."""

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}

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
    return type(f"{serializer_class.__name__}Form", (OptionsForm,), attributes)
