"""`manage.py` as a shell uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_a_reader_who_has_enough_gets_no_traceback(tmp_path: Path) -> None:
    """`manage.py … | head -1`."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "help"],
            cwd=CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "SECRET_KEY": "x", "NOVAPROJECT_ENV_FILE": "", "DATA_DIR": str(tmp_path)},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)

    assert done.stderr == ""
    assert done.returncode == 128 + signal.SIGPIPE
