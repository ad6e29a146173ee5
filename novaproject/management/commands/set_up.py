"""Make everything ready for the first start; on later starts, bring the database up to date."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.errors import FilesError
from files.import_tasks import request_import
from files.importing.roots import checked_folder, find_or_make_root
from files.models import File
from novaproject.setup import first_run


class Command(BaseCommand):
    help = (
        "Migrate, create the user `admin` (its password is printed once) and, with an empty library, make three "
        "demonstration clips. Example: .venv/bin/python manage.py set_up --library ~/Videos"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--library", default="", help="A folder to import, where it lies.")

    def handle(self, *args: Any, library: str, **options: Any) -> None:
        try:
            folder = checked_folder(library) if library else None
        except FilesError as exc:
            raise CommandError(f"{exc} {exc.remedy} Name a folder: make run LIBRARY=~/Videos") from exc
        first_run.prepare_database()
        first_run.keep_private()
        user = first_run.create_first_user()
        if user:
            self.stdout.write(
                f"\n  First user: {user.name}\n  Password:   {user.password}\n"
                "  It is shown this once. Change it in the admin, or with:\n"
                "  .venv/bin/python manage.py changepassword admin\n\n"
            )
        if folder is None and not File.everything.exists():
            folder = first_run.make_demonstration()
            if folder:
                self.stdout.write(f"The library is empty: made three demonstration clips in {folder}\n")
        if folder:
            # A person with a shell may name any folder: it becomes a root, and thereby one that may be imported.
            find_or_make_root(folder)
            request_import(str(folder))
            self.stdout.write(f"Importing {folder}, where it lies; the pages show how far it is.\n")
