"""Move the library from SQLite to PostgreSQL."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from files.terminal import TerminalProgress
from novaproject.moving import MoveError, move_to_postgres


class Command(BaseCommand):
    help = (
        "Copy the library into an empty PostgreSQL database, and compare both. Stop the library first. It can be run "
        "again when it was cut off; the SQLite database stays as it is. "
        "Example: .venv/bin/python manage.py move_to_postgres postgres://nova:secret@db:5432/nova"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="As DATABASE_URL will say it.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        progress = TerminalProgress(forecasts=True)
        try:
            report = move_to_postgres(url, progress=progress)
        except MoveError as exc:
            raise CommandError(f"{exc} {exc.remedy}".strip()) from exc
        except ImproperlyConfigured as exc:
            raise CommandError(str(exc)) from exc
        finally:
            progress.close()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        rows = sum(report.rows.values())
        self.stdout.write(
            f"Moved {rows:,} rows of {len(report.rows)} tables and {report.vectors:,} vectors; both databases agree.\n"
            "Set DATABASE_URL to that address and start the library. The SQLite database was left as it is."
        )
