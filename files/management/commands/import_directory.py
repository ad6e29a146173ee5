"""`manage.py import_directory PATH`"""

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.import_tasks import import_now
from files.importing.reports import ImportReport
from files.terminal import TerminalProgress
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Take a folder into the library, where it lies: nothing in it is moved, copied or changed. Proxies and what"
        " follows are made in the background.  Example: .venv/bin/python manage.py import_directory ~/Videos --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="the folder")
        parser.add_argument(
            "--recursive",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="with the folders in it (the default), or only the folder itself",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be imported, change nothing")
        parser.add_argument("--no-proxies", action="store_true", help="make no proxies")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = TerminalProgress()
        try:
            report = import_now(
                options["path"],
                recursive=options["recursive"],
                make_proxies=not options["no_proxies"],
                dry_run=options["dry_run"],
                progress=progress,
            )
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was imported until now stays.", returncode=130) from None
        finally:
            progress.close()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            write_report(self, report)
        if report.has_failed:
            sys.exit(1)


def write_report(command: BaseCommand, report: ImportReport) -> None:
    """The report for a person: one line, then what could not be read and what to do."""
    command.stdout.write(f"{report.path}: {report.summary()} ({report.took_s:.1f} s).")
    if report.duplicates:
        command.stdout.write(f"{report.duplicates:,} files have an exact duplicate in the library.")
    for problem in report.problems:
        command.stderr.write(f"  {problem.path}: {problem.reason} {problem.remedy}".rstrip())
