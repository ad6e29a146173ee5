"""Promises that span the floors: the schema, the admin, and a Python that cannot load extensions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command, get_commands, load_command_class

CHECKOUT = Path(__file__).resolve().parents[2]
FLOORS = ("jobs", "files", "bedrock", "transcription", "vision", "nova", "embeddings", "curation")

#: Runs manage.py without the substitute for sqlite3. Where the standard module can load extensions itself, the one that
#: is asked for is not there.
WITHOUT_EXTENSIONS = """
import os, sqlite3, sys
sys.modules["pysqlite3"] = None
if hasattr(sqlite3.Connection, "enable_load_extension"):
    os.environ["SQLITE_VEC_PATH"] = "/nowhere/vec0"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@pytest.mark.django_db
def test_the_schema_is_valid_and_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))

    assert "/api/search" in (tmp_path / "schema.yml").read_text()


def test_every_model_of_ours_is_in_the_admin() -> None:
    ours = {model for floor in FLOORS for model in apps.get_app_config(floor).get_models()}

    inlines = {inline.model for site in admin.site._registry.values() for inline in site.inlines}
    missing = {model._meta.label for model in ours - set(admin.site._registry) - inlines}

    assert missing == set()


def test_every_command_has_an_example_and_answers_scripts() -> None:
    ours = {name for name, app in get_commands().items() if app in (*FLOORS, "novaproject")}
    assert {"import_directory", "backup", "work", "api_token", "export"} <= ours

    for name in ours:
        app = get_commands()[name]
        assert isinstance(app, str)
        told = load_command_class(app, name).create_parser("manage.py", name).format_help()
        assert "xample" in told, name
        assert "--json" in told or name in {"serve", "set_up"}, name


def _manage(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "novaproject.settings",
        "NOVAPROJECT_ENV_FILE": "",
        "SECRET_KEY": "x" * 60,
        "DATA_DIR": str(tmp_path / "data"),
        "UPLOAD_DIR": str(tmp_path / "uploads"),
        "PROXY_DIR": str(tmp_path / "proxies"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'data' / 'app.db'}",
    }
    command = [sys.executable, "-c", WITHOUT_EXTENSIONS, *arguments]
    return subprocess.run(command, check=False, cwd=CHECKOUT, env=environment, capture_output=True, text=True)


def test_without_extensions_everything_but_meaning_works_and_says_so(tmp_path: Path) -> None:
    made = _manage(tmp_path, "migrate", "--verbosity", "0")
    found = _manage(tmp_path, "search", "lanterns", "--json")
    told = _manage(tmp_path, "doctor", "--json")

    assert made.returncode == 0, made.stderr
    answer = json.loads(found.stdout)
    assert answer["results"] == []
    assert "meaning" in answer["notice"] or "keyword" in answer["notice"] or "word" in answer["notice"], answer
    vector = next(check for check in json.loads(told.stdout) if check["name"] == "Vector search")
    assert vector["level"] == "warn"
    assert "keyword" in vector["text"]
    assert vector["remedy"]
