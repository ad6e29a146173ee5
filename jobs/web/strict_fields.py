"""Bodies of requests that say more than they can: refused by name, or a misspelt field would be left out in silence."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ValidationError

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.serializers import Serializer

    class _Serializer(Serializer[Any]): ...
else:
    _Serializer = object


class StrictFields(_Serializer):
    """Put it before the serializer class. Fields that are read only may be sent back as they came."""

    def to_internal_value(self, data: Any) -> Any:
        known = ", ".join(name for name, field in self.fields.items() if not field.read_only) or "none"
        refuse_others(data, self.fields, f"Known are: {known}.")
        return super().to_internal_value(data)


def takes_nothing(method: "Callable[..., Response]") -> "Callable[..., Response]":
    """For the method of a view whose requests have no fields: a body with some is refused."""

    @wraps(method)
    def checked(view: Any, request: "Request", *args: Any, **kwargs: Any) -> "Response":
        refuse_others(request.data, (), "Known are: none.")
        return method(view, request, *args, **kwargs)

    return checked


def refuse_others(data: Any, fields: Iterable[str], known: str) -> None:
    """Raises ValidationError that names what of a body is none of these fields."""
    unknown = set(data) - set(fields) - {"csrfmiddlewaretoken"} if isinstance(data, Mapping) else set()
    if unknown:
        raise ValidationError({name: [f"There is no such field. {known}"] for name in sorted(map(str, unknown))})
