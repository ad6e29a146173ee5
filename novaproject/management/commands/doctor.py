"""What is ready, what is not, and what to do about it."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bedrock.recording import recorded
from novaproject.setup import gpu
from novaproject.setup.doctor import Check, Level, checks

MARKS = {Level.READY: "ok  ", Level.MEND: "MEND", Level.WARN: "warn", Level.OFF: "off "}
STYLES = {Level.READY: "SUCCESS", Level.MEND: "ERROR", Level.WARN: "WARNING", Level.OFF: "HTTP_INFO"}


class Command(BaseCommand):
    help = (
        "Check all that the library stands on and say what to do; status 1 if something must be mended. "
        "Example: .venv/bin/python manage.py doctor --aws"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--aws", action="store_true", help="Ask AWS too: credentials, bucket, role, models.")
        parser.add_argument(
            "--record",
            metavar="FOLDER",
            type=Path,
            help="With --aws: write what AWS was asked and answered to this folder, without keys, accounts or content.",
        )
        parser.add_argument("--gpu", action="store_true", help="Try what a GPU can speed up; it takes half a minute.")
        parser.add_argument("--index", action="store_true", help="Read the whole search index too; it takes a while.")
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["record"] and not options["aws"]:
            raise CommandError("--record goes with --aws: without it AWS is asked nothing.")
        with recorded(options["record"]) if options["record"] else nullcontext() as record:
            found = checks(ask_aws=options["aws"], read_index=options["index"])
        found += gpu.trials() if options["gpu"] else []
        if options["json"]:
            self.stdout.write(json.dumps([asdict(check) for check in found], indent=1))
        else:
            self._print(found)
        if record:
            self.stderr.write(f"What AWS was asked and answered is in {record}: look it through before you pass it on.")
        if any(check.is_bad for check in found):
            raise SystemExit(1)

    def _print(self, found: list[Check]) -> None:
        group = ""
        for check in found:
            if check.group != group:
                group = check.group
                self.stdout.write(f"\n{group}")
            mark = getattr(self.style, STYLES[check.level])(MARKS[check.level])
            self.stdout.write(f"  {mark}  {check.name}: {check.text}")
            if check.remedy:
                self.stdout.write(f"        {check.remedy}")
