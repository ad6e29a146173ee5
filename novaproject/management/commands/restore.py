"""Put a backup back, on a machine whose library is empty."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from files.terminal import TerminalProgress
from novaproject.backups import backup
from novaproject.backups.postgres_dump import DumpError
from novaproject.backups.relinking import check_originals, find_roots, settle_in


class Command(BaseCommand):
    help = (
        "Restore a backup; every file of it is checked first, and a library with files in it is never written over. "
        "With --verify the originals are compared with their hashes afterwards; with --originals they are looked for "
        "in another folder first. No paid call is made, and what was under way then waits for a person. "
        "Example: .venv/bin/python manage.py restore /media/safe/library.tar --verify --originals /mnt/disk"
    )
    # The database may not be there yet, or not be migrated.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path)
        parser.add_argument("--verify", action="store_true", help="Compare the originals with their hashes.")
        parser.add_argument(
            "--originals", type=Path, action="append", default=[], metavar="FOLDER", help="Find moved originals here."
        )
        parser.add_argument("--check-only", action="store_true", help="Only check that the backup is whole.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, archive: Path, **options: Any) -> None:
        progress = TerminalProgress(forecasts=True)
        try:
            if options["check_only"]:
                manifest = backup.verify(archive.expanduser(), progress)
            else:
                manifest = backup.restore(archive.expanduser(), progress=progress)
        except (backup.BackupError, DumpError) as exc:
            raise CommandError(f"{exc} {exc.remedy}".strip()) from exc
        finally:
            progress.close()
        result: dict[str, Any] = {"files": len(manifest.members), "made_at": manifest.made_at}
        if not options["check_only"]:
            call_command("migrate", interactive=False, verbosity=0)
            result["jobs_held"] = settle_in()
            result["moved"] = self._find(options["originals"], progress)
            if options["verify"]:
                result["originals"] = asdict(check_originals(progress))
            progress.close()
        self._tell(result, as_json=options["json"])

    def _find(self, folders: list[Path], progress: TerminalProgress) -> dict[str, str]:
        moved: dict[str, str] = {}
        for folder in folders:
            try:
                moved |= find_roots(folder.expanduser(), progress)
            except OSError as exc:
                raise CommandError(f"The backup is restored, but {folder} cannot be read: {exc.strerror}.") from exc
        return moved

    def _tell(self, result: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(f"{result['files']} files of the backup of {result['made_at']} are whole.")
        for old, new in result.get("moved", {}).items():
            self.stdout.write(f"Found the files of {old} in {new}.")
        if result.get("jobs_held"):
            self.stdout.write(f"{result['jobs_held']} jobs wait: resume the queues on the jobs page.")
        originals = result.get("originals")
        if originals:
            counts = originals["counts"]
            self.stdout.write(
                f"Originals: {originals['same']} the same, "
                f"{counts['different']} different, {counts['absent']} not there."
            )
            for name in originals["different"] + originals["absent"]:
                self.stdout.write(f"  {name}")
            if counts["absent"]:
                self.stdout.write(
                    "For a folder that has another path now: .venv/bin/python manage.py relocate_root --help"
                )
