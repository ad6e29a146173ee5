"""`manage.py reparse`"""

import json
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from nova.questions.reparsing import ReparseRequest, Rereading, reparse


class Command(BaseCommand):
    help = (
        "Read the kept replies of Nova again with the current parser. Costs nothing; the difference is shown, and taken"
        " over with --apply.  Example: .venv/bin/python manage.py reparse --failed --apply"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("nova_job_ids", nargs="*", type=int, metavar="NOVA_JOB_ID", help="none: all of them")
        parser.add_argument("--failed", action="store_true", help="only analyses whose reply could not be read")
        parser.add_argument("--old", action="store_true", help="only what an older parser read")
        parser.add_argument("--apply", action="store_true", help="keep the new reading")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON, a line for each analysis")

    def handle(self, *args: Any, **options: Any) -> None:
        request = ReparseRequest(**{name: options[name] for name in ("nova_job_ids", "failed", "old", "apply")})
        tally = reparse(request, on_reading=partial(self.show, as_json=options["json"]))
        if options["json"]:
            self.stdout.write(json.dumps(vars(tally)))
        else:
            self.stdout.write(tally.in_words())
            if tally.changed and not request.apply:
                self.stdout.write("Nothing was changed: --apply keeps the new reading.")
        if tally.unreadable:
            raise CommandError(f"{tally.unreadable:,} cannot be read. Their replies stay as they came.")

    def show(self, reading: Rereading, *, as_json: bool) -> None:
        if not (reading.error or reading.changes):
            return
        if as_json:
            facts = {"nova_job_id": reading.nova_job.pk, "changes": reading.changes, "error": reading.error}
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(f"{reading.nova_job.pk} {reading.nova_job}")
        for line in [reading.error] if reading.error else reading.changes:
            self.stdout.write(f"    {line}")
