"""The engine of a `postgres://` DATABASE_URL: Django's own, which never sends NUL or an integer beyond 64 bits.

NUL may come with a title in a container, a model's answer or a tool's error message. SQLite keeps it, PostgreSQL raises
DataError for it in a text and in JSON. It means nothing in any of them, so it is left out where values leave for the
server: no other place could be sure to see them all.
"""

from typing import Any

from django.db.backends.postgresql import base, operations
from psycopg.types.numeric import IntDumper
from psycopg.types.string import StrDumper, StrDumperUnknown

NUL = "\0"


def without_nul(value: Any) -> Any:
    """A value of JSON without NUL in its texts and names."""
    if isinstance(value, str):
        return value.replace(NUL, "")
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(item) for item in value]
    return value


class _TextDumper(StrDumper):  # type: ignore[misc]
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(NUL, ""))


class _UnknownTextDumper(StrDumperUnknown):  # type: ignore[misc]
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(NUL, ""))


class _IntegerDumper(IntDumper):  # type: ignore[misc]
    """Beyond 64 bits PostgreSQL would compare as a decimal number; SQLite refuses, and so do both."""

    def upgrade(self, obj: int, format: Any) -> Any:
        if not -(2**63) <= obj < 2**63:
            raise OverflowError("The database's integers have 64 bits.")
        return super().upgrade(obj, format)


class DatabaseOperations(operations.DatabaseOperations):
    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        return super().adapt_json_value(without_nul(value), encoder)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        for dumper in (_TextDumper, _UnknownTextDumper):  # the later one is what Django's own queries take
            connection.adapters.register_dumper(str, dumper)
        connection.adapters.register_dumper(int, _IntegerDumper)
        return connection
