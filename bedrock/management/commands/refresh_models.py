"""`manage.py refresh_models`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bedrock import catalogue, staging
from bedrock.refreshing import refresh_models
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Ask Bedrock which models it has, until when, and by which profiles they are called. Costs nothing. "
        "Example: .venv/bin/python manage.py refresh_models"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offline", action="store_true", help="only take in the prices of this program's version")
        parser.add_argument(
            "--lifecycle-rule", action="store_true", help="let S3 delete forgotten staged copies in time"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        updated = catalogue.sync()
        report: dict[str, Any] = {"updated": updated}
        try:
            if options["lifecycle_rule"]:
                staging.add_lifecycle_rules()
                report["lifecycle_rule"] = True
            if not options["offline"]:
                report |= asdict(refresh_models())
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=1))
        else:
            self._tell(report)

    def _tell(self, report: dict[str, Any]) -> None:
        self.stdout.write(f"{report['updated']} models took newer prices of this program.")
        if report.get("lifecycle_rule"):
            self.stdout.write(
                f"S3 deletes staged copies that were left behind after {staging.RULE_DAYS} days, "
                f"and results that nobody took in after {staging.OUTPUT_DAYS}."
            )
        if "asked" in report:
            for change in report["changes"]:
                self.stdout.write(f"  {change}")
            missing = ", ".join(report["unlisted"]) or "none"
            self.stdout.write(f"{report['asked']} models were looked up; not listed in this region: {missing}.")
