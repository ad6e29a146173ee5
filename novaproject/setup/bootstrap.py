"""The first step of `make run`, before Django: a `.env` with a secret of its own.

Run as `python -m novaproject.setup.bootstrap`. It needs nothing but Python, and changes nothing that is already there.
"""

import os
import secrets
import sys
from pathlib import Path

TEMPLATE = """\
# Settings of this installation. Every name is explained in docs/configuration.md.
# What is set in the environment wins over this file.
SECRET_KEY={secret}

# For how many days ended jobs, log files and raw replies of models stay (0: jobs and replies for good, no log file).
#JOB_KEEP_DAYS=90
#LOG_KEEP_DAYS=30
#NOVA_KEEP_RAW_DAYS=0
"""


def write_env(path: Path) -> bool:
    """Make `.env` (mode 0600) with a fresh secret, unless it has one. Returns whether anything was written."""
    secret = secrets.token_urlsafe(50)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text(encoding="utf-8")
        if any(line.startswith("SECRET_KEY=") and line != "SECRET_KEY=" for line in text.splitlines()):
            return False
        kept = "\n".join(line for line in text.splitlines() if line != "SECRET_KEY=")
        replacement = path.with_name(path.name + ".new")
        replacement.touch(mode=0o600)
        replacement.write_text(f"{kept}\nSECRET_KEY={secret}\n", encoding="utf-8")
        replacement.replace(path)
        return True
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(TEMPLATE.format(secret=secret))
    return True


def main() -> int:
    path = Path(os.environ.get("NOVAPROJECT_ENV_FILE") or Path(__file__).resolve().parents[2] / ".env")
    if not os.environ.get("SECRET_KEY") and write_env(path):
        sys.stdout.write(f"Wrote {path} with a fresh secret.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
