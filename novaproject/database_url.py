"""What DATABASE_URL means: Django's settings of the database."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

# Measured: WAL + NORMAL + IMMEDIATE is what keeps many writers free of "database is locked", and lasting connections
# make django-q2's broker about 15 times faster. All processes read through one shared mapping of the file, so that a
# cache of their own, one for each thread, holds little but what they are writing.
SQLITE_INIT = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
    "PRAGMA mmap_size=1073741824; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;"
)
#: Both ends notice within half a minute that the other is cut off: the server then gives up the locks that it held.
NOTICE_A_BROKEN_LINE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
SQLITE, POSTGRES = "django.db.backends.sqlite3", "django.db.backends.postgresql"


def database_of(url: str, base_dir: Path, data_dir: Path) -> dict[str, Any]:
    """The settings of the database that a URL names. Raises ImproperlyConfigured where it names none that is ours."""
    config: dict[str, Any] = {}
    if url.startswith(("sqlite://", "postgres://", "postgresql://")):  # of others it would print the password
        with suppress(ValueError):
            config = environ.Env.db_url_config(url)
    config["CONN_MAX_AGE"] = None
    if config.get("ENGINE") == SQLITE:
        return config | {
            "NAME": str((base_dir / config["NAME"]).resolve()),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": SQLITE_INIT,
                **config.get("OPTIONS", {}),
            },
            # A file, made by the migrations: an in-memory test database is "locked" under real writers.
            "TEST": {"NAME": str(data_dir / "test.db")},
        }
    if config.get("ENGINE") != POSTGRES or not config["NAME"]:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be used. Write it like sqlite:///data/app.db, or like "
            "postgres://user:password@host:5432/name, or leave it out."
        )
    if find_spec("psycopg") is None or find_spec("pgvector") is None:
        raise ImproperlyConfigured(
            "DATABASE_URL names PostgreSQL, which needs more packages: "
            ".venv/bin/pip install -r requirements-postgres.txt"
        )
    return config | {
        "ENGINE": "novaproject.postgres",
        "CONN_HEALTH_CHECKS": True,  # a server that was started anew is asked again, not given up
        "OPTIONS": {**NOTICE_A_BROKEN_LINE, **config.get("OPTIONS", {})},
    }
