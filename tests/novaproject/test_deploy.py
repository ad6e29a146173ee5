"""The settings that docs/running.md names for production pass Django's own check for deployments."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from novaproject.environment import Env

CHECKOUT = Path(__file__).resolve().parents[2]


def documented() -> dict[str, str]:
    """The settings of the block below "Behind a reverse proxy", as they stand there."""
    text = (CHECKOUT / "docs" / "running.md").read_text(encoding="utf-8").partition("## Behind a reverse proxy")[2]
    block = text.partition("```sh\n")[2].partition("```")[0]
    return dict(re.findall(r"^([A-Z_]+)=(\S+)", block, re.MULTILINE))


def run(folder: Path, chosen: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    places = {name: str(folder / name) for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
    environment = {"PATH": os.environ["PATH"], "NOVAPROJECT_ENV_FILE": "", "SECRET_KEY": secrets.token_urlsafe(50)}
    command, variables = [sys.executable, *arguments], environment | places | chosen
    return subprocess.run(command, check=False, cwd=CHECKOUT, env=variables, capture_output=True, text=True)


def check(folder: Path, chosen: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run(folder, chosen, "manage.py", "check", "--deploy", "--fail-level", "INFO")


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


ASKS = """
import django; django.setup()
from django.test import Client
def ask(path, host): return Client().get(path, headers={"host": host}).status_code
here, there = "127.0.0.1:5700", "videos.example.org"
print(ask("/api/health", here), ask("/metrics", here), ask("/", here), ask("/", there), ask("/", "elsewhere.org"))
"""


def test_health_and_metrics_can_be_asked_on_the_machine_itself_without_tls(tmp_path: Path) -> None:
    (tmp_path / "DATA_DIR" / "static").mkdir(parents=True)

    done = run(tmp_path, documented() | {"DJANGO_SETTINGS_MODULE": "novaproject.settings"}, "-c", ASKS)

    health, metrics, *pages = done.stdout.split()
    assert (health, pages) == ("200", ["301", "301", "400"]), done.stderr
    assert metrics == "403"  # reached, and off


def guess(client: Client, seen_by_proxy: str) -> int:
    """Log in with a wrong password; returns the status."""
    told = {"X-Forwarded-For": f"1.1.1.1, {seen_by_proxy}"}
    return client.post("/login/", {"username": "ada", "password": "x"}, headers=told).status_code


@pytest.mark.django_db
@pytest.mark.parametrize(("is_trusted", "status"), [(True, 200), (False, 429)])
def test_a_guesser_behind_the_proxy_locks_out_only_himself(
    client: Client, settings: Settings, is_trusted: bool, status: int
) -> None:
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 2
    settings.TRUST_FORWARDED = is_trusted

    assert [guess(client, "9.9.9.9") for _ in range(3)] == [200, 429, 429]
    assert guess(client, "8.8.8.8") == status


def test_an_image_holds_no_secret_and_no_data() -> None:
    left_out = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split()

    assert {".env", ".git", ".venv", "data", "uploads", "proxy_video"} <= set(left_out)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_can_read_the_unit(tmp_path: Path) -> None:
    unit = (CHECKOUT / "deploy" / "novaproject.service").read_text(encoding="utf-8")
    (tmp_path / "novaproject.service").write_text(unit.replace("/srv/novaproject/.venv/bin/python", sys.executable))

    command = ["systemd-analyze", "verify", str(tmp_path / "novaproject.service")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert "novaproject.service" not in done.stdout + done.stderr


def test_a_name_without_a_value_counts_as_not_set(tmp_path: Path) -> None:
    source = (CHECKOUT / "novaproject" / "settings.py").read_text(encoding="utf-8")
    names = {name for name in re.findall(r'env\.\w+\("(\w+)"', source) if name != "SECRET_KEY"}

    done = run(tmp_path, dict.fromkeys(names, ""), "manage.py", "check")

    assert {"PORT", "DATABASE_URL", "WHISPER_MODEL", "JOB_KEEP_DAYS", "USE_TLS"} <= names
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_read_is_said_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("USE_TLS", "ture")

    env = Env()

    assert env.int("PORT", 5700) == 5700
    assert env.bool("USE_TLS", False) is False
    with pytest.raises(ImproperlyConfigured, match="PORT must be a whole number, not 'abc'") as refused:
        env.refuse()
    assert "USE_TLS must be True or False, not 'ture'." in str(refused.value)


def test_an_old_database_is_not_served(tmp_path: Path) -> None:
    done = run(tmp_path, {}, "manage.py", "serve")

    assert done.returncode == 1
    assert "Bring it up to date: .venv/bin/python manage.py set_up" in done.stderr


WRONG = {
    "NOVA_MONTHLY_BUDGET_USD": ("10,50", "must be a number of USD such as 10.50"),
    "PORT": ("-1", "must be from 1 to 65535, not -1"),
    "FAST_WORKERS": ("-2", "must be from 1 to 64"),
    "LONG_WORKERS": ("0", "must be from 1 to 64"),
    "JOB_KEEP_DAYS": ("nan", "must be 0 or more"),
    "JOB_CANCEL_GRACE_SECONDS": ("1h30", "must be a number"),
    "JOB_BACK_OFF_SECONDS": ("-30", "must be 0 or more"),
    "LOG_KEEP_DAYS": ("thirty", "must be a whole number"),
    "LOG_FORMAT": ("jsno", "must be plain or json"),
    "LOG_LEVEL": ("LOUD", "must be DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    "TIME_ZONE": ("Mars/Olympus", "must be a time zone such as Europe/Berlin"),
    "API_COSTLY_RATE": ("often", "must be a number of calls and a time"),
    "WHISPER_DEVICE": ("gpu", "must be auto, cpu or cuda"),
    "PROXY_ENCODER": ("-y /etc/passwd", "must be auto, cpu or an encoder"),
    "NOVA_EMBED_DIMENSION": ("0", "must be from 1 to 8192"),
    "DEBUG": ("yess", "must be True or False"),
}


def test_all_settings_that_cannot_be_right_are_refused_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, {name: value for name, (value, _) in WRONG.items()}, "manage.py", "check")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name, (_, words) in WRONG.items():
        assert f"{name} {words}" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PROXY_PROFILE", "720p", "There is no proxy profile '720p'."),
        ("EMBEDDING_PROVIDER", "openai", "EMBEDDING_PROVIDER is 'openai'."),
        ("NOVA_EMBED_REQUEST_FORMAT", "titan", "NOVA_EMBED_REQUEST_FORMAT is 'titan'."),
        ("IMPORT_STEPS", "proxy,transcibe", "IMPORT_STEPS holds transcibe"),
    ],
)
def test_a_name_that_nothing_knows_is_refused_by_check_and_by_the_web_server(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    checked = run(tmp_path, {name: value}, "manage.py", "check")
    started = run(tmp_path, {name: value}, "-c", "import novaproject.wsgi")

    assert (checked.returncode, started.returncode) == (1, 1)
    assert words in checked.stderr
    assert words in started.stderr
