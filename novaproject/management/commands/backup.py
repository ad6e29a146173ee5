"""Back everything up that is only here."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.terminal import TerminalProgress
from novaproject.backups.backup import BackupError, make_backup
from novaproject.backups.postgres_dump import DumpError


class Command(BaseCommand):
    help = (
        "Write a backup to one tar file, while the library runs: database, settings without secrets, uploads. "
        "Example: .venv/bin/python manage.py backup /media/safe/library.tar --with-proxies"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", type=Path, help="A file that is not there yet.")
        parser.add_argument("--with-proxies", action="store_true", help="Proxies too; they can be made again.")
        parser.add_argument("--without-uploads", action="store_true", help="Leave uploaded originals out.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, target: Path, **options: Any) -> None:
        progress = TerminalProgress(forecasts=True)
        try:
            manifest = make_backup(
                target.expanduser(),
                with_uploads=not options["without_uploads"],
                with_proxies=options["with_proxies"],
                progress=progress,
            )
        except (BackupError, DumpError) as exc:
            raise CommandError(f"{exc} {exc.remedy}".strip()) from exc
        finally:
            progress.close()
        size = sum(member.size_bytes for member in manifest.members)
        if options["json"]:
            self.stdout.write(json.dumps({"target": str(target), "files": len(manifest.members), "bytes": size}))
        else:
            self.stdout.write(f"Wrote {target}: {len(manifest.members)} files, {size / 1e6:,.1f} MB.")
