"""`manage.py relocate_root ROOT NEW_PATH`"""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.import_tasks import request_scan
from files.importing.roots import Relocation, choose_roots, relocate_root
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Tell the library that a folder has moved. A sample of its files is compared by content first; with --dry-run"
        " nothing is changed.  Example: .venv/bin/python manage.py relocate_root 2 /media/disk/videos --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("root", help="id or present path of the library root")
        parser.add_argument("path", help="where it is now")
        parser.add_argument("--dry-run", action="store_true", help="compare only")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            [root] = choose_roots([options["root"]])
            report = relocate_root(root, options["path"], dry_run=options["dry_run"])
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        if not options["dry_run"]:
            request_scan(root)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            self._write(report)
        if not report.is_same:
            sys.exit(1)

    def _write(self, report: Relocation) -> None:
        verb = "would be" if report.dry_run else "is now"
        self.stdout.write(f"{report.old_path} {verb} {report.new_path}.")
        self.stdout.write(f"{report.same} of {report.checked} files looked at have the same content there.")
        for path in report.different:
            self.stderr.write(f"  {path}: other content")
        for path in report.absent:
            self.stderr.write(f"  {path}: not there")
