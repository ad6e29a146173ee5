"""What commands that do an action to a selection have in common: which files, the price first, the outcome."""

import json
import sys
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.exceptions import ValidationError

from files.models import FileQuerySet
from files.selection import actions, resolving
from files.selection.facets import ActionPlan, ModeQuote
from files.selection.pieces import START_PIECE
from jobs.errors import WorkError
from jobs.execution.running import run_now
from jobs.models import Batch


class ActionCommand(BaseCommand):
    """A door to an action. A command names it and adds its options, which are the fields of its serializer."""

    action: ClassVar[str]
    option_names: ClassVar[tuple[str, ...]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file_ids", nargs="*", type=int, metavar="FILE_ID")
        parser.add_argument(
            "--filter", action="append", metavar="NAME=VALUE", help="as in GET /api/files; repeatable; with no id"
        )
        parser.add_argument("--all", action="store_true", help="the whole library")
        parser.add_argument("--force", action="store_true", help="also where it is there already")
        parser.add_argument("--background", action="store_true", help="leave it to the workers")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done and what it costs")
        parser.add_argument("--yes", action="store_true", help="spend money without asking")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        choice = {name: options[name] for name in self.option_names if options[name] is not None}
        if options["force"]:
            choice["force"] = True
        try:
            chosen = chosen_files(options)
            plan = actions.estimate(self.action, chosen, choice)
            if options["dry_run"]:
                self._show_plan(plan, as_json=options["json"])
                return
            if not options["yes"]:
                self._ask(plan)
            batch = actions.start_action(self.action, chosen, choice)
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

    def _ask(self, plan: ActionPlan) -> None:
        """What costs money is not begun unasked."""
        if plan.refusals or not plan.todo or not (plan.usd_high or plan.is_unpriced):
            return
        price = _price(plan)
        if not sys.stdin.isatty():
            raise CommandError(f"This costs {price}. Run it again with --yes to spend it.")
        self.stdout.write(f"{plan.todo:,} files, {price}.")
        if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was sent.")

    def _do(self, batch: Batch, *, is_quiet: bool) -> None:
        try:
            for piece in batch.jobs.filter(kind=START_PIECE).order_by("pk"):
                run_now(piece)
            jobs = list(batch.jobs.exclude(kind=START_PIECE).order_by("pk"))
            for number, job in enumerate(jobs, start=1):
                done = run_now(job)
                if not is_quiet:
                    words = f"{done.error} {done.remedy}".strip() if done.error else done.message
                    self.stdout.write(f"[{number}/{len(jobs)}] {words}")
        except KeyboardInterrupt:
            raise CommandError("Stopped. The rest is left to the workers.", returncode=130) from None

    def _report(self, batch: Batch, *, as_json: bool) -> None:
        states = list(batch.jobs.exclude(kind=START_PIECE).values_list("state", flat=True))
        counts = {str(state): states.count(state) for state in sorted(set(states))}
        if as_json:
            self.stdout.write(json.dumps({"batch_id": batch.pk, "total": len(states), **counts}))
        else:
            words = ", ".join(f"{count} {state}" for state, count in counts.items())
            self.stdout.write(f"Batch {batch.pk}: {words or 'nothing to do'}.")

    def _show_plan(self, plan: ActionPlan, *, as_json: bool) -> None:
        if as_json:
            facts = {"total": plan.total, "todo": plan.todo, "already_done": plan.already_done}
            money = {"usd_low": None, "usd_high": None} if plan.is_unpriced else {
                "usd_low": str(plan.usd_low), "usd_high": str(plan.usd_high)
            }  # fmt: skip
            likely = {
                "usd_likely": None if plan.usd_likely is None else str(plan.usd_likely),
                "likely_from": plan.likely_from,
                "likely_count": plan.likely_count,
                "likely_error": plan.likely_error,
                "modes": [mode_facts(price) for price in plan.modes],
            }
            size = {"records": plan.records, "input_tokens": plan.input_tokens, "output_tokens": plan.output_tokens}
            notes = {"warnings": plan.warnings, "refusals": plan.refusals, "left_out": plan.left_out}
            notes["expected_s"] = plan.expected_s
            self.stdout.write(json.dumps({**facts, **money, **likely, **size, **notes}))
            return
        self.stdout.write(f"{plan.todo:,} of {plan.total:,} files, {plan.already_done:,} are done already.")
        self.stdout.write(f"Cost: {_price(plan)}.")
        if plan.expected_s:
            self.stdout.write(f"It takes about {plan.expected_s / 3600:.1f} h at the pace of earlier jobs.")
        for price in plan.modes:
            self.stdout.write(f"  {mode_words(price)}")
        for group in plan.left_out:
            saves = f", which saves about ${group['usd_saved']}" if group.get("usd_saved") else ""
            self.stdout.write(f"  {group['count']:,} left out ({group['reason']}){saves}.")
        for words in (*plan.warnings, *plan.refusals):
            self.stdout.write(f"  {words}")


def mode_facts(price: ModeQuote) -> dict[str, Any]:
    """One mode's prices as JSON, sums as text."""
    sums = {name: getattr(price, name) for name in ("usd_low", "usd_likely", "usd_high")}
    return {
        "mode": price.mode,
        **{name: None if usd is None else str(usd) for name, usd in sums.items()},
        "is_available": price.is_available,
        "reason": price.reason,
        "note": price.note,
    }


def mode_words(price: ModeQuote) -> str:
    """One mode's prices as a line for people."""
    if price.usd_likely is None or price.usd_high is None:
        sums = "no price"
    else:
        sums = f"about ${price.usd_likely:.4f}, at most ${price.usd_high:.4f}"
    said = f"{price.mode}: {sums}{f' ({price.reason})' if price.reason else ''}"
    return f"{said}. {price.note}" if price.note else said


def _price(plan: ActionPlan) -> str:
    if plan.is_unpriced:
        return "an unknown price"
    if plan.usd_likely is not None and plan.usd_high:
        return f"about ${plan.usd_likely:.4f} (${plan.usd_low:.4f} to ${plan.usd_high:.4f})"
    return f"${plan.usd_low:.4f} to ${plan.usd_high:.4f}" if plan.usd_high else "nothing"


def chosen_files(options: dict[str, Any]) -> FileQuerySet:
    """The files of ids, of `--filter`, or of `--all`. Raises CommandError, SelectionError."""
    if options["file_ids"]:
        if options["filter"] or options["all"]:
            raise CommandError("Give ids or a filter, not both.")
        return resolving.resolve(file_ids=options["file_ids"])
    if not options["filter"] and not options["all"]:
        raise CommandError("Give the ids of files, --filter NAME=VALUE, or --all.")
    wanted: dict[str, list[str]] = {}
    for pair in options["filter"] or ():
        name, mark, value = pair.partition("=")
        if not mark:
            raise CommandError(f"“{pair}” is no filter: write NAME=VALUE.")
        wanted.setdefault(name, []).append(value)
    return resolving.resolve(filter=wanted)
