#!/usr/bin/env python
"""Django's command line for novaproject."""

import os
import signal
import sys

#: Commands that run for long: they and what they start write to a log file too.
KEEPS_LOG = {"serve", "work"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
    if KEEPS_LOG.intersection(sys.argv[1:2]):
        os.environ.setdefault("NOVAPROJECT_KEEPS_LOG", "1")
    try:
        from django.core.exceptions import ImproperlyConfigured

        from novaproject.management.command_help import CommandLine
    except ImportError as exc:
        raise SystemExit(
            "Django is not installed in this Python. Run `make run` once: it makes .venv with everything in it."
        ) from exc
    try:
        try:
            CommandLine(sys.argv).execute()
        finally:
            sys.stdout.flush()
    except ImproperlyConfigured as exc:
        raise SystemExit(f"Not started: {exc}") from exc
    except BrokenPipeError:
        # Whoever read our lines, `head` say, has enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


if __name__ == "__main__":
    main()
