"""Run the whole library: web server and workers, until Ctrl-C."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from novaproject import serving
from novaproject.setup import first_run


class Command(BaseCommand):
    help = (
        "Start the web server and the workers; whichever dies is started again. Ctrl-C ends all of it. "
        "Example: PORT=8000 .venv/bin/python manage.py serve"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="Address to listen on (default: this machine only).")

    def handle(self, *args: Any, bind: str, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(
                "The database is of an older version, or new. Bring it up to date: .venv/bin/python manage.py set_up"
            )
        connection.close()
        port = settings.PORT
        if not serving.is_free(bind, port):
            raise CommandError(
                f"{bind}:{port} is in use, perhaps by a library that runs already. "
                f"Open http://{bind}:{port}/, or choose another port: make run PORT=5701"
            )
        first_run.keep_private()
        self.stdout.write(f"The library is at http://{bind}:{port}/  (Ctrl-C ends it)\n")
        self.stdout.flush()  # into a journal, where nobody presses Enter
        serving.become_server(serving.commands(bind, port), settings.BASE_DIR, settings.LOGGING)
