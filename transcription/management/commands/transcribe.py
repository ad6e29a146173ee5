"""`manage.py transcribe 12 13`"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.exceptions import ValidationError

from files import actions, selection
from files.facets import Plan
from files.models import FileQuerySet
from jobs.errors import WorkError
from jobs.models import Batch, Job
from jobs.queue import run_now

ACTION = "transcribe"


class Command(BaseCommand):
    help = (
        "Transcribe files, by id or by filter. A file that has such a transcript is left as it is, unless forced."
        "  Example: manage.py transcribe --filter has_transcript=false --model small"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file_ids", nargs="*", type=int, metavar="FILE_ID")
        parser.add_argument(
            "--filter", action="append", metavar="NAME=VALUE", help="as in GET /api/files; repeatable; with no id"
        )
        parser.add_argument("--all", action="store_true", help="the whole library")
        parser.add_argument("--provider", default="whisper")
        parser.add_argument("--model", default="", help="size such as small, or a path in WHISPER_MODEL_DIR")
        parser.add_argument("--engine", default="auto", help="faster-whisper or openai-whisper")
        parser.add_argument("--language", default="", help="such as en; none: recognised")
        parser.add_argument("--audio-track", type=int, help="counted from 0")
        parser.add_argument("--force", action="store_true", help="also where there is such a transcript")
        parser.add_argument("--background", action="store_true", help="leave it to the workers")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done and what it costs")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("provider", "model", "engine", "language", "audio_track", "force")
        choice = {name: options[name] for name in names if options[name] is not None}
        try:
            chosen = _selection(options)
            if options["dry_run"]:
                self._show_plan(actions.estimate(ACTION, chosen, choice), as_json=options["json"])
                return
            batch = actions.start_action(ACTION, chosen, choice)
        except ValidationError as error:
            raise CommandError(f"These options do not work: {json.dumps(error.detail)}") from error
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        if not options["background"]:
            self._do(batch, is_quiet=options["json"])
        self._report(batch, as_json=options["json"])
        waits = batch.jobs.queued().filter(failures__gt=0)  # they are tried again by the workers
        if waits.exists() or batch.jobs.failed().exists():
            sys.exit(1)

    def _do(self, batch: Batch, *, is_quiet: bool) -> None:
        jobs = list(batch.jobs.order_by("pk"))
        try:
            for number, job in enumerate(jobs, start=1):
                done = run_now(job)
                if not is_quiet:
                    words = f"{done.error} {done.remedy}".strip() if done.error else done.message
                    self.stdout.write(f"[{number}/{len(jobs)}] file {done.subject_id}: {words}")
        except KeyboardInterrupt:
            raise CommandError("Stopped. The rest is left to the workers.", returncode=130) from None

    def _report(self, batch: Batch, *, as_json: bool) -> None:
        states = [job.state for job in batch.jobs.all()]
        counts = {str(state): states.count(state) for state in Job.State.values}
        if as_json:
            self.stdout.write(json.dumps({"batch_id": batch.pk, "total": len(states), **counts}))
        else:
            words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
            self.stdout.write(f"Batch {batch.pk}: {words or 'nothing to do'}.")

    def _show_plan(self, plan: Plan, *, as_json: bool) -> None:
        if as_json:
            facts = {"total": plan.total, "todo": plan.todo, "already_done": plan.already_done}
            money = {"usd_low": str(plan.usd_low), "usd_high": str(plan.usd_high)}
            notes = {"warnings": plan.warnings, "refusals": plan.refusals}
            self.stdout.write(json.dumps({**facts, **money, **notes}))
            return
        self.stdout.write(f"{plan.todo} of {plan.total} files, {plan.already_done} are done already.")
        self.stdout.write(f"Cost: ${plan.usd_low:.2f} to ${plan.usd_high:.2f}.")
        for words in (*plan.warnings, *plan.refusals):
            self.stdout.write(f"  {words}")


def _selection(options: dict[str, Any]) -> FileQuerySet:
    if options["file_ids"]:
        if options["filter"] or options["all"]:
            raise CommandError("Give ids or a filter, not both.")
        return selection.resolve(file_ids=options["file_ids"])
    if not options["filter"] and not options["all"]:
        raise CommandError("Give the ids of files, --filter NAME=VALUE, or --all.")
    wanted: dict[str, list[str]] = {}
    for pair in options["filter"] or ():
        name, mark, value = pair.partition("=")
        if not mark:
            raise CommandError(f"“{pair}” is no filter: write NAME=VALUE.")
        wanted.setdefault(name, []).append(value)
    return selection.resolve(filter=wanted)
