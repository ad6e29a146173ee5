"""`manage.py refresh_models`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bedrock.refreshing import RefreshRequest, in_words, refresh
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
        request = RefreshRequest(
            offline=options["offline"],
            lifecycle_rule=options["lifecycle_rule"],
            accept_estimates=options["accept_estimates"],
            global_profile=tuple(options["global_profile"]),
            nearest_profile=tuple(options["nearest_profile"]),
        )
        try:
            report = refresh(request)
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        lines = [json.dumps(report, indent=1)] if options["json"] else in_words(report)
        for line in lines:
            self.stdout.write(line)
