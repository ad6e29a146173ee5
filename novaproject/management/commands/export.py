"""Everything that the library knows, as JSON lines."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.terminal import TerminalProgress
from novaproject.backups.exporting import export_lines, write_export


class Command(BaseCommand):
    help = (
        "Write everything but vectors and accounts as JSON lines with a versioned schema. "
        "Example: .venv/bin/python manage.py export library.jsonl"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", nargs="?", default="-", help="A file that is not there yet; - is the terminal.")
        parser.add_argument("--json", action="store_true", help="With a file: print what was written there as JSON.")

    def handle(self, *args: Any, target: str, **options: Any) -> None:
        if target == "-":
            for line in export_lines():
                self.stdout.write(line)
            return
        path = Path(target).expanduser()
        if path.exists():
            raise CommandError(f"{path} is there already. Name a new file.")
        progress = TerminalProgress()
        try:
            rows = write_export(path, progress=progress)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            progress.close()
        if options["json"]:
            self.stdout.write(json.dumps({"target": str(path), "rows": rows}))
        else:
            self.stdout.write(f"Wrote {rows} rows to {path}.")
