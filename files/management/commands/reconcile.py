"""`manage.py reconcile`"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.upkeep.reconciling import Reconciliation, reconcile
from jobs.errors import WorkError

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Find proxies without a row, rows without a proxy, and what killed attempts left. Says what it would do; with"
        " --apply it does it. Originals and uploads are never touched."
        "  Example: .venv/bin/python manage.py reconcile --apply"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="delete and correct; without it nothing is changed")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = reconcile(apply=options["apply"])
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found), indent=2))
        else:
            self._write(found)

    def _write(self, found: Reconciliation) -> None:
        for said, items in found.lines:
            self.stdout.write(f"{len(items):,} {said}:")
            self.stdout.writelines(f"  {item}" for item in items[:SHOWN])
            if len(items) > SHOWN:
                self.stdout.write(f"  and {len(items) - SHOWN:,} more (all with --json)")
        self.stdout.write(found.summary())
        if found.total and not found.is_applied:
            self.stdout.write("Do it with --apply.")
