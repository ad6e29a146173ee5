"""Clients are kept for long, and still notice who has signed in."""

from pathlib import Path
from typing import Any

import pytest

from bedrock import clients
from jobs.tracing import request_id


def write_keys(path: Path, name: str) -> None:
    path.write_text(f"[default]\naws_access_key_id = {name}\naws_secret_access_key = secret\n")


def test_new_keys_in_the_credentials_file_are_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tools write them that renew keys each hour: a worker went on with the old ones, and said to sign in again."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    write_keys(tmp_path / "credentials", "FIRST")

    first: Any = clients.s3()
    same: Any = clients.s3()
    write_keys(tmp_path / "credentials", "SECOND")
    second: Any = clients.s3()

    assert same is first
    assert first._request_signer._credentials.access_key == "FIRST"
    assert second._request_signer._credentials.access_key == "SECOND"


def test_a_page_gives_aws_seconds_and_asks_once_while_work_waits_an_hour() -> None:
    work: Any = clients.runtime().meta.config
    token = request_id.set("a-page")
    try:
        page: Any = clients.runtime().meta.config
        free: Any = clients.s3().meta.config
    finally:
        request_id.reset(token)

    assert (work.read_timeout, work.connect_timeout) == (3600, 10)
    assert (page.read_timeout, page.connect_timeout, page.retries["total_max_attempts"]) == (20, 3, 1)
    assert (free.read_timeout, free.retries["total_max_attempts"]) == (20, 1)
