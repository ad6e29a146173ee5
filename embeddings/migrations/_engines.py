"""SQL that one database engine understands, and the other needs not run."""

from typing import Any

from django.db import migrations


class _EngineSQL(migrations.RunSQL):
    vendor = ""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class SqliteSQL(_EngineSQL):
    vendor = "sqlite"


class PostgresSQL(_EngineSQL):
    vendor = "postgresql"
