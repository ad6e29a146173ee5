"""`manage.py reparse`"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet

from nova.models import NovaJob
from nova.questions import reparsing
from nova.replies.parsing import PARSER_VERSION


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
        counts = {"read": 0, "changed": 0, "unreadable": 0, "kept": 0}
        for reading in reparsing.readings(analyses(options).iterator(chunk_size=200)):
            counts["read"] += 1
            counts["unreadable"] += bool(reading.error)
            counts["changed"] += bool(reading.changes)
            if reading.error or reading.changes:
                self.show(reading, as_json=options["json"])
            if options["apply"] and reading.found:
                reparsing.keep(reading)
                counts["kept"] += 1
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            self.stdout.write(", ".join(f"{count:,} {name}" for name, count in counts.items()))
            if counts["changed"] and not options["apply"]:
                self.stdout.write("Nothing was changed: --apply keeps the new reading.")
        if counts["unreadable"]:
            raise CommandError(f"{counts['unreadable']:,} cannot be read. Their replies stay as they came.")

    def show(self, reading: reparsing.Reading, *, as_json: bool) -> None:
        if as_json:
            facts = {"nova_job_id": reading.nova_job.pk, "changes": reading.changes, "error": reading.error}
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(f"{reading.nova_job.pk} {reading.nova_job}")
        for line in [reading.error] if reading.error else reading.changes:
            self.stdout.write(f"    {line}")


def analyses(options: dict[str, Any]) -> "QuerySet[NovaJob]":
    """The analyses whose replies are read again."""
    over = NovaJob.Status
    rows = NovaJob.objects.filter(status__in=[over.COMPLETED, over.FAILED], questions__reply__isnull=False)
    if options["nova_job_ids"]:
        rows = rows.filter(pk__in=options["nova_job_ids"])
    if options["failed"]:
        rows = rows.filter(status=over.FAILED)
    if options["old"]:
        current = Q(results__parser_version__gte=PARSER_VERSION)
        rows = rows.exclude(pk__in=NovaJob.objects.filter(current).values("pk"))
    return rows.select_related("file").order_by("pk").distinct()
