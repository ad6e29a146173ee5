"""The export: versioned, whole, and without secrets."""

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from novaproject.backups.exporting import SCHEMA_VERSION, export_lines
from tests.files.factories import make_file

pytestmark = pytest.mark.django_db


def test_a_header_then_every_row_also_of_removed_files() -> None:
    kept, removed = make_file(), make_file()
    removed.mark_removed()

    header, *rows = [json.loads(line) for line in export_lines()]

    assert (header["schema"], header["schema_version"]) == ("novaproject.export", SCHEMA_VERSION)
    files = {row["pk"]: row["fields"] for row in rows if row["model"] == "files.file"}
    assert set(files) == {kept.pk, removed.pk}
    assert files[kept.pk]["path"] == kept.path
    assert {row["model"] for row in rows} <= set(header["models"])


def test_accounts_and_tokens_stay_out() -> None:
    get_user_model().objects.create_user("canary-user", password="canary")

    text = "\n".join(export_lines())

    assert "canary" not in text
    assert "knox" not in text


def test_the_command_writes_a_new_file_only(tmp_path: Path) -> None:
    target = tmp_path / "library.jsonl"
    call_command("export", str(target), "--json", stdout=(said := StringIO()))

    assert json.loads(said.getvalue()) == {"target": str(target), "rows": len(target.read_text().splitlines()) - 1}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]
    assert json.loads(target.read_text().splitlines()[0])["schema"] == "novaproject.export"
    with pytest.raises(CommandError, match="there already"):
        call_command("export", str(target), stdout=StringIO())
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("export", str(tmp_path / "nowhere" / "library.jsonl"), stdout=StringIO())
