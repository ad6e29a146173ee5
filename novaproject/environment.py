"""Reading settings from the environment, with plain words where one cannot be read."""

import os
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

#: Of these an empty value says something: no limit.
EMPTY_SPEAKS = {"API_COSTLY_RATE"}
NO = {"0", "false", "f", "no", "n", "off"}


class Env(environ.Env):  # type: ignore[misc]
    """A name without a value (`PORT=`) counts as not set, but for lists, which are empty then."""

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **more: Any) -> Any:
        said = os.environ.get(var, "").strip()
        if not said and cast is not list and default is not self.NOTSET and var not in EMPTY_SPEAKS:
            return default
        if cast is bool and said.lower() not in {*self.BOOLEAN_TRUE_STRINGS, *NO}:
            raise ImproperlyConfigured(f"{var} must be True or False, not {said!r}.")
        try:
            return super().get_value(var, cast=cast, default=default, **more)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{var} must be a number, not {said!r}.") from exc
