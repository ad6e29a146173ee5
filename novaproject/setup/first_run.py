"""What an installation needs before its first start: a database, static files, a first user, something to look at."""

import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from files.conf import folders
from files.storage import disk
from novaproject.setup import demonstration

FIRST_USER = "admin"


@dataclass(frozen=True)
class FirstUser:
    """The account that set-up made, with the password that is shown once and kept nowhere."""

    name: str
    password: str


def prepare_database() -> None:
    """Migrate, and collect static files where they are new."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def keep_private() -> list[Path]:
    """Take from others what an older version let them read: our folders and the database. Returns what was changed.

    A folder that nobody else may enter hides all that lies in it, however long that takes to walk through.
    """
    files: list[Path] = []
    if connection.vendor == "sqlite":
        database = Path(settings.DATABASES["default"]["NAME"])
        files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    folders = dict.fromkeys((settings.DATA_DIR, settings.HOST_DIR, settings.UPLOAD_DIR, settings.PROXY_DIR))
    changed = []
    for path in (*folders, *files):
        if not path.exists():
            continue
        status = path.stat()
        if status.st_uid == os.geteuid() and status.st_mode & 0o077:
            path.chmod(stat.S_IMODE(status.st_mode) & ~0o077)
            changed.append(path)
    return changed


def create_first_user() -> FirstUser | None:
    """Make `admin` with a random password, unless anybody is there already."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(FIRST_USER, password=password)
    return FirstUser(FIRST_USER, password)


def make_demonstration() -> Path | None:
    """Make the demonstration clips, once in the life of an installation. Returns their folder, or None if not now.

    That they were made is written down beside the data and not asked of the clips: deleted ones stay deleted.
    """
    notes = settings.DATA_DIR / "first_run.json"
    if notes.exists():
        return None
    folder = demonstration.make_clips(folders().demonstration)
    names = [clip.name for clip in sorted(folder.glob("*.mp4"))]
    disk.write(notes, (json.dumps({"demonstration": names}) + "\n").encode())
    return folder
