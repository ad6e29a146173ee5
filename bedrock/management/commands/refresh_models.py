"""`manage.py refresh_models`"""

import json
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bedrock import catalogue, conf, staging
from bedrock.errors import NotOfferedError
from bedrock.models import CatalogueModel
from bedrock.refreshing import refresh_models
from jobs.errors import WorkError


def accept_estimates() -> list[str]:
    """Price by its estimate whatever has one in this region. Returns names."""
    names = []
    for row in CatalogueModel.objects.filter(provider="bedrock"):
        with suppress(NotOfferedError):
            catalogue.accept_estimate(row, conf.region(), by="refresh_models")
            names.append(row.name)
    return names


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
        parser.add_argument(
            "--accept-estimates",
            action="store_true",
            help="price what AWS's list has no line for in this region by the estimate that pages show",
        )
        for option, meaning in (
            ("--global-profile", "call this model by its global profile: cheaper, answered anywhere in the world"),
            ("--nearest-profile", "call this model by the profile nearest to AWS_REGION again"),
        ):
            parser.add_argument(option, action="append", default=[], metavar="MODEL", help=meaning)
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        updated = catalogue.sync()
        report: dict[str, Any] = {"updated": updated}
        try:
            if options["lifecycle_rule"]:
                staging.add_lifecycle_rules()
                report["lifecycle_rule"] = True
            if options["accept_estimates"]:
                report["estimated"] = accept_estimates()
            for option, is_global in (("global_profile", True), ("nearest_profile", False)):
                for key in options[option]:
                    row = catalogue.model(key)
                    catalogue.choose_profile(row, conf.region(), is_global=is_global)
                    report.setdefault("routes", {})[row.name] = catalogue.route(row)
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
        if "estimated" in report:
            self.stdout.write(f"Priced by an estimate now: {', '.join(report['estimated']) or 'none'}.")
        for name, route in report.get("routes", {}).items():
            self.stdout.write(f"{name} is {route or 'answered in this region'} now.")
        if "asked" in report:
            for change in report["changes"]:
                self.stdout.write(f"  {change}")
            missing = ", ".join(report["unlisted"]) or "none"
            self.stdout.write(f"{report['asked']} models were looked up; not listed in this region: {missing}.")
