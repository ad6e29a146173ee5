"""`manage.py download_model base`"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.terminal import TerminalProgress
from jobs.errors import WorkError
from transcription import registry, weights_wait
from transcription.providers.base import EngineRequest


class Command(BaseCommand):
    help = (
        "Fetch the weights of a Whisper model ahead of its first use, checked against their published checksums."
        "  Example: .venv/bin/python manage.py download_model base"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", nargs="?", default="", help="tiny, base, small, …; none: the configured one")
        parser.add_argument("--engine", default="", help="faster-whisper or openai-whisper")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        provider = registry.get(registry.DEFAULT)
        request = EngineRequest(model=options["model"], engine=options["engine"])
        progress = TerminalProgress()
        try:
            provider.prepare(request, progress)
            engine, model = provider.identity(request)
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing half is left behind.", returncode=130) from None
        finally:
            progress.close()
        waited = weights_wait.transcribe_what_waited()
        if options["json"]:
            self.stdout.write(json.dumps({"model": model, "engine": engine, "enqueued": waited}))
            return
        self.stdout.write(f"The weights of “{model}” are here, for {engine}.")
        if waited:
            self.stdout.write(f"{waited:,} files that waited for them are transcribed in the background.")
