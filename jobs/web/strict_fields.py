"""Bodies of requests that say more than they can: refused by name, or a misspelt field would be left out in silence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ValidationError

if TYPE_CHECKING:
    from rest_framework.serializers import Serializer

    class _Serializer(Serializer[Any]): ...
else:
    _Serializer = object


class StrictFields(_Serializer):
    """Put it before the serializer class. Fields that are read only may be sent back as they came."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields) - {"csrfmiddlewaretoken"})):
            known = ", ".join(name for name, field in self.fields.items() if not field.read_only) or "none"
            raise ValidationError({str(name): [f"There is no such field. Known are: {known}."] for name in unknown})
        return super().to_internal_value(data)
