#!/usr/bin/env python
"""Django's command line for novaproject."""

import os
import sys

#: Commands that run for long: they and what they start write to a log file too.
KEEPS_LOG = {"serve", "work"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
    if KEEPS_LOG.intersection(sys.argv[1:2]):
        os.environ.setdefault("NOVAPROJECT_KEEPS_LOG", "1")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        raise SystemExit(
            "Django is not installed in this Python. Run `make run` once: it makes .venv with everything in it."
        ) from exc
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        raise SystemExit(f"Not started: {exc}") from exc


if __name__ == "__main__":
    main()
