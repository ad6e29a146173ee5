"""The settings that docs/running.md names for production pass Django's own check for deployments."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from bench.served import free_port
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


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_calls_the_unit_ok_or_better() -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(CHECKOUT / "deploy" / "novaproject.service")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd rates running services only")

    level = re.search(r"Overall exposure level for novaproject.service: ([\d.]+) (\w+)", done.stdout)

    assert level is not None, done.stderr
    assert level[2] in ("OK", "SAFE", "PERFECT"), level[0]
    assert "SystemCallFilter=~@mount                                    Service does not filter" not in done.stdout


def image_of(text: str) -> tuple[dict[str, str], list[str], list[str], str]:
    """Environment, health check, command and user of a container file."""
    lines = re.sub(r"\\\n", " ", text).splitlines()
    said = {line.split()[0]: line.partition(" ")[2] for line in lines if line[:1].isupper()}
    environment = dict(pair.split("=", 1) for pair in said["ENV"].split())
    check = json.loads("[" + said["HEALTHCHECK"].partition("CMD [")[2])
    return environment, check, json.loads(said["CMD"]), said["USER"]


def left_out_of_image(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore keeps out: its patterns begin at the top, but for those that begin with `**/`."""
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    paths = {name: (Path(folder) / name).relative_to(CHECKOUT).as_posix() for name in names}
    return {
        name
        for name, path in paths.items()
        for pattern in patterns
        if fnmatch(path, pattern) or (pattern.startswith("**/") and fnmatch(name, pattern[3:]))
    }


@pytest.mark.slow
def test_the_image_starts_for_an_ordinary_user_who_can_write_to_its_data_alone(tmp_path: Path) -> None:
    """The steps of the container file in a fresh folder; its base image and its packages are those of this machine."""
    environment, check, command, user = image_of((CHECKOUT / "deploy" / "Containerfile").read_text(encoding="utf-8"))
    place, data = tmp_path / "srv" / "app", tmp_path / "srv" / "data"
    shutil.copytree(CHECKOUT, place, ignore=left_out_of_image, symlinks=True)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(place)], check=True)
    data.mkdir(mode=0o700)
    port = free_port()
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o555 | 0o444)
    here = {name: value.replace("/srv", str(tmp_path / "srv")) for name, value in environment.items()}
    (tmp_path / "bin").mkdir(mode=0o755)
    wrapper = tmp_path / "bin" / "python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    here |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PORT": str(port), "TMPDIR": str(data)}
    health = [part.replace("5700", str(port)) for part in check]
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if not path.is_symlink()}

    ordinary = [] if os.geteuid() else ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if ordinary and subprocess.run([*ordinary, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root can become nobody else here")

    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([*ordinary, *command], cwd=place, env=here, stdout=log, stderr=log)
        try:
            for _ in range(600):
                is_well = not subprocess.run(
                    [*ordinary, *health], check=False, env=here, capture_output=True
                ).returncode
                if is_well or server.poll() is not None:
                    break
        finally:
            server.terminate()
            server.wait(20)
    for path in (place, *place.rglob("*")):  # so that it can be removed again
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)

    assert is_well, (tmp_path / "log").read_text()
    assert user != "root"
    assert (data / "app.db").exists()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "password" in (tmp_path / "log").read_text().lower()


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
