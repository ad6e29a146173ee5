"""`manage.py scan [ROOT …]`"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.import_tasks import scan_now
from files.importing.reports import ImportReport
from files.importing.roots import choose_roots
from files.management.commands.import_directory import write_report
from files.models import Root
from files.terminal import TerminalProgress
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Look for new, changed, moved and missing files in the folders of the library. Nothing is ever deleted."
        "  Example: .venv/bin/python manage.py scan  or  .venv/bin/python manage.py scan 2 /mnt/videos --retry-problems"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("roots", nargs="*", help="ids or paths of library roots; without any, all of them")
        parser.add_argument("--retry-problems", action="store_true", help="try again what could not be read before")
        parser.add_argument("--json", action="store_true", help="print the reports as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = choose_roots(options["roots"])
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        reports = [self._scan(root, retry_problems=options["retry_problems"]) for root in chosen]
        done = [report for report in reports if report is not None]
        if options["json"]:
            self.stdout.write(json.dumps([report.as_dict() for report in done], indent=2))
        else:
            for report in done:
                write_report(self, report)
        if len(done) < len(reports) or any(report.has_failed for report in done):
            sys.exit(1)

    def _scan(self, root: Root, *, retry_problems: bool) -> ImportReport | None:
        """One root; a drive that is away stops no other root."""
        progress = TerminalProgress()
        try:
            return scan_now(root, retry_problems=retry_problems, progress=progress)
        except WorkError as error:
            self.stderr.write(f"{error} {error.remedy}".strip())
            return None
        finally:
            progress.close()
