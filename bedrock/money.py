"""A database column for US dollars, exact where SQLite's decimals are floating point."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import forms
from django.db import models

from bedrock.pricing import USD_STEP

#: Kept as whole steps (10^-12 USD) in a 64-bit integer: up to 9 million dollars, and SUM() is exact.
STEPS = int(1 / USD_STEP)


class UsdField(models.Field[Any, Any]):
    """`Decimal` dollars in Python, whole steps in the database."""

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(int(value)) / STEPS

    def to_python(self, value: Any) -> Decimal | None:
        return None if value in (None, "") else Decimal(str(value))

    def get_prep_value(self, value: Any) -> int | None:
        usd = self.to_python(value)
        return None if usd is None else int((usd * STEPS).to_integral_value(ROUND_HALF_EVEN))

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)
