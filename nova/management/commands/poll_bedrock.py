"""`manage.py poll_bedrock`"""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from nova import conf
from nova.batch import lifecycle, pool
from nova.models import BedrockBatch


class Command(BaseCommand):
    help = (
        "Ask Bedrock how its batch jobs are, take in the results of those that are over, and send what is ready."
        " The workers' supervisor does the same by itself; both may run.  Example:"
        " .venv/bin/python manage.py poll_bedrock --once"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="look once; else until nothing is under way")
        parser.add_argument("--json", action="store_true", help="print a line of JSON for each batch")

    def handle(self, *args: Any, **options: Any) -> None:
        failed: set[int] = set()
        while True:
            batches = lifecycle.tend_all(force=True, here=True)
            for model_key in pool.models_waiting():
                batches += pool.send(model_key)
            for batch in batches:
                batch.refresh_from_db()
                has_failed = bool(batch.error) or batch.remote_status == "Failed"
                (failed.add if has_failed else failed.discard)(batch.pk)
                self.stdout.write(json.dumps(facts_of(batch)) if options["json"] else words_of(batch))
            if not batches and not options["json"]:
                self.stdout.write("No batch is under way.")
            for said in pool.all_waiting() if not options["json"] else []:
                self.stdout.write(f"{said.model_key}: {said.words}")
            if options["once"] or not BedrockBatch.objects.open().exists():
                break
            time.sleep(conf.poll_s())
        if failed:
            raise CommandError(f"{len(failed)} {'batch has' if len(failed) == 1 else 'batches have'} failed.")


def facts_of(batch: BedrockBatch) -> dict[str, Any]:
    return {
        "batch": str(batch),
        "model": batch.model_key,
        "arn": batch.arn,
        "status": batch.remote_status,
        "message": batch.remote_message,
        "records_done": batch.records_done,
        "records_total": batch.records_total,
        "error": batch.error,
        "is_collected": batch.collected_at is not None,
    }


def words_of(batch: BedrockBatch) -> str:
    """One line for people."""
    state = "taken in" if batch.collected_at else batch.remote_status or "not sent yet"
    count = f", {batch.records_done or 0:,} of {batch.records_total:,} records" if batch.records_total else ""
    said = f": {batch.error or batch.remote_message}" if batch.error or batch.remote_message else ""
    return f"{batch} ({batch.model_key}): {state}{count}{said}"
