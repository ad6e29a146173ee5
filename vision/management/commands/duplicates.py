"""`manage.py duplicates`"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from files.terminal import TerminalProgress
from vision.duplicates.finding import find_duplicates
from vision.models import DuplicateGroup


class Command(BaseCommand):
    help = (
        "Find files that show the same: same bytes, another coding, cut from one another, taken in a burst. Nothing is"
        " deleted. Works with frames that were chosen.  Example: .venv/bin/python manage.py duplicates"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the groups as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = TerminalProgress()
        try:
            find_duplicates(progress=progress)
        finally:
            progress.close()
        groups = [
            {"kind": group.kind, "files": [member.file_id for member in group.members.all()], "words": str(group)}
            for group in DuplicateGroup.objects.prefetch_related("members")
        ]
        if options["json"]:
            self.stdout.write(json.dumps(groups))
            return
        for group in groups:
            self.stdout.write(f"{group['words']}: {', '.join(map(str, group['files']))}")
        self.stdout.write(f"{len(groups):,} groups.")
