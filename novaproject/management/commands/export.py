"""Everything that the library knows, as JSON lines."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from novaproject.exporting import export_lines


class Command(BaseCommand):
    help = (
        "Write everything but vectors and accounts as JSON lines with a versioned schema. "
        "Example: python manage.py export library.jsonl"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", nargs="?", default="-", help="A file that is not there yet; - is the terminal.")

    def handle(self, *args: Any, target: str, **options: Any) -> None:
        if target == "-":
            for line in export_lines():
                self.stdout.write(line)
            return
        path = Path(target).expanduser()
        try:
            with path.open("x", encoding="utf-8") as out:
                rows = -1
                for line in export_lines():
                    out.write(line + "\n")
                    rows += 1
        except FileExistsError as exc:
            raise CommandError(f"{path} is there already. Name a new file.") from exc
        except OSError as exc:
            raise CommandError(f"{path} cannot be written: {exc.strerror}.") from exc
        sys.stderr.write(f"Wrote {rows} rows to {path}.\n")
