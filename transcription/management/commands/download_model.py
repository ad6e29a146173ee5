"""`manage.py download_model base`"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files.storage import downloads
from files.terminal import TerminalProgress
from jobs.errors import WorkError
from transcription import registry, tasks, weights_wait
from transcription.providers.base import EngineRequest


class Command(BaseCommand):
    help = (
        "Fetch the weights of a model ahead of its first use, checked against their published checksums: Whisper's, or"
        " with --kind another's. What broke off goes on where it was."
        "  Example: .venv/bin/python manage.py download_model base"
        "  Example: .venv/bin/python manage.py download_model --kind picture"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "model", nargs="?", default="", help="tiny, base, small, …, or a picture model; none: the configured one"
        )
        parser.add_argument("--kind", default=tasks.SPEECH, choices=downloads.kinds(), help="what the model is for")
        parser.add_argument("--engine", default="", help="of speech: faster-whisper or openai-whisper")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        fetch = self._fetch_speech if options["kind"] == tasks.SPEECH else self._fetch_other
        progress = TerminalProgress()
        try:
            outcome, text = fetch(options, progress)
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; the next attempt begins where this one ended.", returncode=130) from None
        finally:
            progress.close()
        self.stdout.write(json.dumps(outcome) if options["json"] else text)

    def _fetch_speech(self, options: dict[str, Any], progress: TerminalProgress) -> tuple[dict[str, Any], str]:
        provider = registry.get(registry.DEFAULT)
        request = EngineRequest(model=options["model"], engine=options["engine"])
        provider.prepare(request, progress)
        engine, model = provider.identity(request)
        waited = weights_wait.transcribe_what_waited()
        text = f"The weights of “{model}” are here, for {engine}."
        if waited:
            text += f"\n{waited:,} files that waited for them are transcribed in the background."
        return {"model": model, "engine": engine, "enqueued": waited}, text

    def _fetch_other(self, options: dict[str, Any], progress: TerminalProgress) -> tuple[dict[str, Any], str]:
        text = downloads.fetch_model(options["kind"], options["model"], progress)
        return {"kind": options["kind"], "model": options["model"]}, text
