"""`manage.py make_proxies`"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files import conf, humanize
from files.media import profiles
from files.media.proxy_needs import find_needs
from files.models import File
from files.tasks_media import MAKE_PROXY, proxy_options
from files.terminal import TerminalProgress
from jobs.control import cancel_batch
from jobs.errors import WorkError
from jobs.execution.running import run_now
from jobs.models import Batch, Job
from jobs.queue import create_batch, enqueue_many


@dataclass
class _Report:
    """What the command did."""

    profile: str
    fine: int = 0
    asked: int = 0
    stale: int = 0
    unavailable: int = 0
    made: int = 0
    elsewhere: int = 0
    batch_id: int | None = None
    errors: list[dict[str, str]] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Make the proxies (with sound, poster and scrub sprite) that are missing, here and now.  Example:"
        " .venv/bin/python manage.py make_proxies --stale  also makes anew what comes from another profile or an older"
        " state of a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stale", action="store_true", help="also those of another profile or of older content")
        parser.add_argument("--profile", default="", help="such as 720p15; without it the one of the settings")
        parser.add_argument("--background", action="store_true", help="only enqueue: the workers make them")
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            profile = profiles.parse(options["profile"] or conf.proxy_profile()).name
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}") from error
        needs = find_needs(File.objects.all(), profile)
        ids = needs.ids(with_stale=options["stale"])
        report = _Report(
            profile=profile,
            fine=needs.fine,
            asked=len(ids),
            stale=len(needs.stale),
            unavailable=len(needs.unavailable),
        )
        if ids and not options["dry_run"]:
            batch = create_batch(f"Make proxies for {humanize.files(len(ids))}", "proxy")
            report.batch_id = batch.pk
            enqueue_many(MAKE_PROXY, ids, proxy_options(spec=profile), batch=batch)
            if not options["background"]:
                self._work(batch, report)
        self._write(report, options)
        if report.errors:
            raise CommandError(f"{len(report.errors):,} could not be made.")

    def _work(self, batch: Batch, report: _Report) -> None:
        """Do the jobs of the batch here; workers that run as well take some of them."""
        progress, started = TerminalProgress(), time.monotonic()
        jobs = list(batch.jobs.order_by("pk"))
        try:
            for number, job in enumerate(jobs):
                rest_s = (time.monotonic() - started) / number * (len(jobs) - number) if number else 0
                progress.update(number / len(jobs), f"{number:,} of {len(jobs):,}, about {rest_s / 60:.0f} min left")
                self._note(run_now(job), report)
        except KeyboardInterrupt:
            cancel_batch(batch)
            raise CommandError("Stopped. What was made until now stays.", returncode=130) from None
        finally:
            progress.close()

    def _note(self, job: Job, report: _Report) -> None:
        if job.state == Job.State.SUCCEEDED:
            report.made += 1
        elif job.state == Job.State.FAILED:
            name = File.objects.filter(pk=job.subject_id).values_list("path", flat=True).first() or ""
            report.errors.append({"path": name, "error": job.error, "remedy": job.remedy})
        else:
            report.elsewhere += 1

    def _write(self, report: _Report, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(vars(report), indent=2))
            return
        if not report.asked:
            self.stdout.write(f"Nothing to make: {report.fine:,} files have their {report.profile}.")
        elif report.batch_id is None:
            self.stdout.write(f"{report.asked:,} to make.")
        elif options["background"]:
            self.stdout.write(f"Left to the workers: {humanize.files(report.asked)}.")
        else:
            self.stdout.write(f"{report.made:,} of {report.asked:,} made.")
        if report.elsewhere:
            self.stdout.write(f"{report.elsewhere:,} are done by a worker, or are tried again by one later.")
        if report.stale and not options["stale"]:
            self.stdout.write(f"{report.stale:,} are of another profile or of older content: --stale makes them anew.")
        if report.unavailable:
            self.stdout.write(f"{report.unavailable:,} cannot be read now: their drive is away, or they are gone.")
        for error in report.errors:
            self.stderr.write(f"  {error['path']}: {error['error']} {error['remedy']}".rstrip())
