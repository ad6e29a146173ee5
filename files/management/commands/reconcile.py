"""`manage.py reconcile`"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from files.upkeep.reconciling import Reconciliation, reconcile
from jobs.errors import WorkError

#: Field of the report -> what a person is told.
_SAID = {
    "rows_without_file": "proxies in the database whose file is gone",
    "proxies_without_row": "proxy files that no row knows",
    "derived_without_file": "folders of sound and pictures whose file left the library",
    "residue": "remains of attempts that were killed",
}
_LEFT_ALONE = {
    "uploads_without_row": "uploads that no row knows: delete them, or import them with"
    " `.venv/bin/python manage.py import_directory`",
    "not_ours": "other things in PROXY_DIR or DATA_DIR/derived, left alone",
}
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
        for name, said in (*_SAID.items(), *_LEFT_ALONE.items()):
            items: list[str] = getattr(found, name)
            if not items:
                continue
            self.stdout.write(f"{len(items):,} {said}:")
            self.stdout.writelines(f"  {item}" for item in items[:SHOWN])
            if len(items) > SHOWN:
                self.stdout.write(f"  and {len(items) - SHOWN:,} more (all with --json)")
        size = filesizeformat(found.freed_bytes)
        if not found.total:
            self.stdout.write("Rows and files agree.")
        elif found.is_applied:
            self.stdout.write(f"{found.total:,} put right, {size} freed. `make_proxies` makes what is missing.")
        else:
            self.stdout.write(f"Nothing was changed. With --apply, {found.total:,} would be put right, {size} freed.")
