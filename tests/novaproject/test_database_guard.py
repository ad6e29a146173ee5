"""A database that is not ours is left alone, with words that say so."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from novaproject.database_guard import stranger_reason, unfit_reason
from novaproject.database_url import database_of

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


@pytest.mark.postgres("whether a database fits")
class TestPostgres:
    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return database_of(os.environ["TEST_DATABASE_URL"], Path("/"), Path("/"))

    def database(self, config: dict[str, Any], *statements: str, **more: str) -> dict[str, Any]:
        """A new database of the tests' server, in which these were run."""
        psycopg = pytest.importorskip("psycopg")
        name = f"unfit_{os.getpid()}"
        with psycopg.connect(os.environ["TEST_DATABASE_URL"], autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            server.execute(f"CREATE DATABASE {name} TEMPLATE template0 {more.get('options', '')}")
        made = {**config, "NAME": name}
        address = {"host": made["HOST"], "port": made["PORT"], "user": made["USER"], "password": made["PASSWORD"]}
        with psycopg.connect(dbname=name, **address) as connection:
            for statement in statements:
                connection.execute(statement)
        return made

    def test_an_empty_one_and_ours_fit(self, config: dict[str, Any]) -> None:
        ours = MIGRATIONS, "INSERT INTO django_migrations (id, app) VALUES (1, 'files')"

        assert unfit_reason(self.database(config)) == ""
        assert unfit_reason(self.database(config, *ours)) == ""

    def test_a_strangers_is_left_alone(self, config: dict[str, Any]) -> None:
        shop = MIGRATIONS, "INSERT INTO django_migrations (id, app) VALUES (1, 'shop')"

        assert "somebody else" in unfit_reason(self.database(config, "CREATE TABLE invoices (id int)"))
        assert "somebody else" in unfit_reason(self.database(config, *shop))

    def test_one_that_does_not_answer_or_compares_otherwise_is_refused_with_what_to_do(
        self, config: dict[str, Any]
    ) -> None:
        latin = self.database(config, options="ENCODING 'LATIN1' LOCALE 'C'")

        assert "cannot be reached" in unfit_reason({**config, "PORT": 1})
        assert "CREATE DATABASE" in unfit_reason(latin)


@pytest.mark.parametrize("url", ["mysql://a@b/c", "postgres://host", "nonsense", "postgres://a:b@c:5432/"])
def test_a_url_of_no_database_of_ours_is_refused_with_how_to_write_one(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="Write it like"):
        database_of(url, Path("/"), Path("/"))
