"""The `.env` that the first run writes."""

import stat
from pathlib import Path

from novaproject.setup.bootstrap import write_env


def test_writes_a_secret_that_only_the_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"

    assert write_env(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = next(line for line in path.read_text().splitlines() if line.startswith("SECRET_KEY="))
    assert len(secret) > len("SECRET_KEY=") + 50


def test_leaves_an_env_with_a_secret_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\nPORT=5800\n")

    assert not write_env(path)

    assert path.read_text() == "SECRET_KEY=mine\nPORT=5800\n"


def test_adds_a_secret_to_an_env_that_has_none_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("PORT=5800\nSECRET_KEY=\n")

    assert write_env(path)

    lines = path.read_text().splitlines()
    assert lines[0] == "PORT=5800"
    assert lines[1].startswith("SECRET_KEY=")
    assert len(lines) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    write_env(tmp_path / "one")
    write_env(tmp_path / "two")

    assert (tmp_path / "one").read_text() != (tmp_path / "two").read_text()
