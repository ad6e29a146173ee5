"""The database of a backup where it is PostgreSQL: by its own programs, which know all that it can hold."""

import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection, transaction

from jobs.errors import WorkError
from jobs.models import Job, QueueState


class DumpError(WorkError):
    """A dump that cannot be made or loaded."""

    code = "backup"


def dump(target: Path) -> None:
    """Write a consistent copy of the database, while others read and write it; without who is logged in."""
    _run("pg_dump", "--format=custom", "--no-owner", "--exclude-table-data=django_session", f"--file={target}")


def load(source: Path) -> None:
    """Put a dump in the place of what the migrations made, all of it or nothing. Work that was under way is held."""
    connection.close()
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(source))
    with transaction.atomic():
        if Job.objects.active().exists():  # it may cost money, and be paid for elsewhere by now
            QueueState.objects.update(is_paused=True)


def has_library() -> bool:
    """Whether there is anything in the database that a restore would write over."""
    if not {"files", "nova_raw_replies", "bedrock_ledger"} <= set(connection.introspection.table_names()):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM files) OR EXISTS (SELECT 1 FROM nova_raw_replies) "
            "OR EXISTS (SELECT 1 FROM bedrock_ledger)"
        )
        return bool(cursor.fetchone()[0])


def _run(program: str, *options: str) -> None:
    config = connection.settings_dict
    path = shutil.which(program)
    if path is None:
        raise DumpError(
            f"{program} is not here, and PostgreSQL is backed up and restored by its own programs.",
            remedy="Install PostgreSQL's client programs (postgresql-client), of the server's version or newer.",
        )
    where = {f"PG{name}": str(config[name]) for name in ("HOST", "PORT", "USER", "PASSWORD") if config[name]}
    done = subprocess.run(
        [path, f"--dbname={config['NAME']}", "--no-password", *options],
        env={**os.environ, **where},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpError(f"{program} said: {done.stderr.strip()[-500:]}")
