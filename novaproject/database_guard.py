"""Whether the database is ours and fit: a stranger's is left alone, before any migration."""

import sqlite3
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

REMEDY = "It was left as it is. Move it away, or set DATABASE_URL or DATA_DIR to another place."


#: The oldest PostgreSQL that pgvector's makers still support.
LEAST_VERSION, CONNECT_S = 150_000, 10
FACTS = """SELECT current_setting('server_version_num')::int, pg_encoding_to_char(encoding), datcollate,
    EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')
    FROM pg_database WHERE datname = current_database()"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
APPS = "SELECT DISTINCT app FROM django_migrations"


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


def unfit_reason(config: dict[str, Any]) -> str:
    """Why the PostgreSQL database of these settings cannot be used, and what to do; an empty string where it can.

    Asked over a connection of its own, which is closed again: workers fork afterwards.
    """
    psycopg = import_module("psycopg")
    named = {"host": config["HOST"], "port": config["PORT"], "user": config["USER"], "dbname": config["NAME"]}
    try:
        with psycopg.connect(password=config["PASSWORD"], connect_timeout=CONNECT_S, **named) as connection:
            facts = connection.execute(FACTS).fetchone()
            tables = {row[0] for row in connection.execute(TABLES)}
            rows = connection.execute(APPS) if "django_migrations" in tables else ()
            apps = {row[0] for row in rows}
    except psycopg.Error as exc:
        return f"The PostgreSQL database of DATABASE_URL cannot be reached: {str(exc).strip()}."
    version, encoding, collation, has_vectors = facts
    if version < LEAST_VERSION:
        return (
            f"This PostgreSQL is too old ({version // 10_000}): novaproject needs {LEAST_VERSION // 10_000} or newer."
        )
    if encoding != "UTF8" or collation not in ("C", "POSIX"):
        return (
            f"The PostgreSQL database “{config['NAME']}” compares text by {collation} in {encoding}, novaproject "
            f"as SQLite. Make it so: CREATE DATABASE {config['NAME']} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )
    if not has_vectors:
        return "This PostgreSQL server has no pgvector: install it there (https://github.com/pgvector/pgvector)."
    if tables and not apps & {"files", "jobs"} and (apps or "django_migrations" not in tables):
        return f"The PostgreSQL database “{config['NAME']}” has tables of somebody else in it. {REMEDY}"
    return ""


def refuse_unfit() -> None:
    """Raise ImproperlyConfigured where the configured database is not ours, or cannot be used.

    It is asked when Django starts, and not by a system check: others open the database before its turn comes, and
    opening it already switches its journal.
    """
    config = settings.DATABASES["default"]
    if not config["ENGINE"].endswith("sqlite3"):
        if reason := unfit_reason(config):
            raise ImproperlyConfigured(reason)
    elif reason := stranger_reason(Path(config["NAME"])):
        raise ImproperlyConfigured(f"{reason} {REMEDY}")
