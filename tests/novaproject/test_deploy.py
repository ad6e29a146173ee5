"""The settings that docs/running.md names for production pass Django's own check for deployments."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def documented() -> dict[str, str]:
    """The settings of the block below "Behind a reverse proxy", as they stand there."""
    text = (CHECKOUT / "docs" / "running.md").read_text(encoding="utf-8").partition("## Behind a reverse proxy")[2]
    block = text.partition("```sh\n")[2].partition("```")[0]
    return dict(re.findall(r"^([A-Z_]+)=(\S+)", block, re.MULTILINE))


def check(folder: Path, chosen: dict[str, str]) -> subprocess.CompletedProcess[str]:
    places = {name: str(folder / name) for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
    environment = {"PATH": os.environ["PATH"], "NOVAPROJECT_ENV_FILE": "", "SECRET_KEY": secrets.token_urlsafe(50)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    return subprocess.run(
        command, check=False, cwd=CHECKOUT, env=environment | places | chosen, capture_output=True, text=True
    )


def test_the_documented_settings_pass_the_check(tmp_path: Path) -> None:
    chosen = documented()

    done = check(tmp_path, chosen)

    assert {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "USE_TLS", "TRUST_FORWARDED"} <= chosen.keys()
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_the_check_would_notice_what_is_missing(tmp_path: Path) -> None:
    done = check(tmp_path, documented() | {"USE_TLS": "False"})

    assert done.returncode == 1
    assert "security.W004" in done.stderr
