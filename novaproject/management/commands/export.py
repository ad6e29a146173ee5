"""Everything that the library knows, as JSON lines."""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.terminal import TerminalProgress
from novaproject.backups.exporting import count_rows, export_lines


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
        rows = self._write(path)
        if options["json"]:
            self.stdout.write(json.dumps({"target": str(path), "rows": rows}))
        else:
            self.stdout.write(f"Wrote {rows} rows to {path}.")

    def _write(self, path: Path) -> int:
        """Write the file, for its owner's eyes, whole or not at all. Returns how many rows."""
        if path.exists():
            raise CommandError(f"{path} is there already. Name a new file.")
        progress, partial, written = TerminalProgress(), None, 0
        try:
            with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".export-", delete=False) as out:
                partial, total = Path(out.name), count_rows()
                for written, line in enumerate(export_lines()):  # the first line is the header
                    out.write(line + "\n")
                    progress.update(min(1.0, written / max(1, total)), f"{written:,} rows")
            partial.rename(path)
        except OSError as exc:
            raise CommandError(f"{path} cannot be written: {exc.strerror}.") from exc
        finally:
            progress.close()
            if partial:
                partial.unlink(missing_ok=True)
        return written
