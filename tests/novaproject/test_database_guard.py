"""A database that is not ours is left alone, with words that say so."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from novaproject.database_guard import stranger_reason

CHECKOUT = Path(__file__).resolve().parents[2]


def _database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


MIGRATIONS = "CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT, applied TEXT)"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["CREATE TABLE invoices (id INTEGER)"], "none made by novaproject"),
        ([MIGRATIONS, "INSERT INTO django_migrations (app) VALUES ('shop')"], "another Django project"),
        ([MIGRATIONS, "INSERT INTO django_migrations (app) VALUES ('files')"], ""),
        ([MIGRATIONS], ""),
        ([], ""),
    ],
)
def test_tells_a_strangers_database_from_ours(tmp_path: Path, statements: list[str], expected: str) -> None:
    path = _database(tmp_path / "app.db", *statements)

    reason = stranger_reason(path)

    assert expected in reason
    assert bool(reason) == bool(expected)


def test_a_missing_file_is_nobodys(tmp_path: Path) -> None:
    assert stranger_reason(tmp_path / "app.db") == ""


def test_a_file_that_is_no_database_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    path.write_bytes(b"holiday plans, not a database at all" * 20)

    assert "cannot be read" in stranger_reason(path)


def test_migrate_refuses_a_strangers_database_and_does_not_touch_it(tmp_path: Path) -> None:
    path = _database(tmp_path / "app.db", "CREATE TABLE invoices (id INTEGER)")
    before = path.read_bytes()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "novaproject.settings",
        "NOVAPROJECT_ENV_FILE": "",
        "SECRET_KEY": "x" * 60,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{path}",
    }

    command = [sys.executable, "manage.py", "migrate"]
    run = subprocess.run(command, check=False, cwd=CHECKOUT, env=environment, capture_output=True, text=True)

    assert run.returncode != 0
    assert "none made by novaproject" in run.stderr
    assert "Move it away" in run.stderr
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.glob("app.db*")) == ["app.db"]
