"""What the library writes is for its owner's eyes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from novaproject.setup.first_run import keep_private

CHECKOUT = Path(__file__).resolve().parents[2]


def test_a_new_installation_is_its_owners_only(tmp_path: Path) -> None:
    places = {"DATA_DIR": tmp_path / "data", "UPLOAD_DIR": tmp_path / "uploads", "PROXY_DIR": tmp_path / "proxies"}
    environment = {"PATH": os.environ["PATH"], "NOVAPROJECT_ENV_FILE": "", "SECRET_KEY": "x" * 60}
    command = ["sh", "-c", f"umask 022; exec {sys.executable} manage.py migrate --verbosity 0"]

    subprocess.run(command, check=True, cwd=CHECKOUT, env=environment | {n: str(p) for n, p in places.items()})

    written = [path for place in places.values() for path in (place, *place.rglob("*"))]
    assert places["DATA_DIR"] / "app.db" in written
    assert [str(path) for path in written if path.stat().st_mode & 0o077] == []


@pytest.mark.sqlite("its file is one of ours to close")
def test_an_old_installation_is_closed_and_only_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR, settings.UPLOAD_DIR = tmp_path / "data", tmp_path / "uploads"
    settings.HOST_DIR = settings.DATA_DIR
    settings.PROXY_DIR = tmp_path / "not-there"
    database = tmp_path / "elsewhere" / "app.db"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(database))
    for folder in (settings.DATA_DIR, settings.UPLOAD_DIR, database.parent):
        folder.mkdir()
        folder.chmod(0o755)
    database.write_bytes(b"rows")
    database.chmod(0o644)

    assert keep_private() == [settings.DATA_DIR, settings.UPLOAD_DIR, database]

    assert settings.DATA_DIR.stat().st_mode & 0o777 == 0o700
    assert database.stat().st_mode & 0o777 == 0o600
    assert keep_private() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_what_belongs_to_somebody_else_is_left_alone(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = settings.HOST_DIR = settings.UPLOAD_DIR = settings.PROXY_DIR = tmp_path
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(tmp_path / "app.db"))
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 65534, -1)

    assert keep_private() == []
