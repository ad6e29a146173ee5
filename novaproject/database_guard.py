"""Whether the database file is ours: a stranger's `app.db` is left alone, before any migration."""

import sqlite3
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

REMEDY = "It was left as it is. Move it away, or set DATABASE_URL or DATA_DIR to another place."


def stranger_reason(path: Path) -> str:
    """Why the database at `path` is not one of novaproject's, or an empty string where it is, or is not there yet."""
    if not path.is_file() or path.stat().st_size == 0:
        return ""
    # Read-only, by URI: looking must not even make a journal beside the file.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return ""
        if "django_migrations" not in tables:
            return f"{path} has tables, but none made by novaproject."
        apps = {row[0] for row in connection.execute("SELECT DISTINCT app FROM django_migrations")}
    except sqlite3.DatabaseError as exc:
        return f"{path} cannot be read as an SQLite database ({exc})."
    finally:
        connection.close()
    if apps and not apps & {"files", "jobs"}:
        return f"{path} belongs to another Django project."
    return ""


def refuse_strangers() -> None:
    """Raise ImproperlyConfigured where the configured database is not ours.

    It is asked when Django starts, and not by a system check: others open the database before its turn comes, and
    opening it already switches its journal.
    """
    config = settings.DATABASES["default"]
    reason = stranger_reason(Path(config["NAME"])) if config["ENGINE"].endswith("sqlite3") else ""
    if reason:
        raise ImproperlyConfigured(f"{reason} {REMEDY}")
