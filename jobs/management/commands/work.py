"""Run the workers."""

import json
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobs.execution.running import run_until_idle
from jobs.models import Job
from jobs.registry import QUEUES
from jobs.workers import clusters, reaper
from jobs.workers.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Start the workers and keep them going; Ctrl-C ends them within 10 seconds and loses nothing. "
        "Example: .venv/bin/python manage.py work --until-idle"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until-idle", action="store_true", help="Do all that is due in this process, then end (for scripts)."
        )
        parser.add_argument("--json", action="store_true", help="With --until-idle: print the result as JSON.")
        parser.add_argument("--cluster", choices=QUEUES, help=SUPPRESS)
        parser.add_argument("--parent", type=int, default=0, help=SUPPRESS)

    def handle(self, *args: Any, until_idle: bool, cluster: str | None, parent: int, **options: Any) -> None:
        if cluster:
            clusters.main(cluster, parent)
        elif until_idle:
            self.work_until_idle(as_json=options["json"])
        else:
            Supervisor().run()

    def work_until_idle(self, *, as_json: bool) -> None:
        """Do all that is due in this process, and say how many jobs that were."""
        began = timezone.now()
        reaper.take_back()  # what an earlier run held that was killed
        done = run_until_idle()
        failed = Job.objects.failed().filter(finished_at__gte=began).count()
        if as_json:
            self.stdout.write(json.dumps({"done": done, "failed": failed}))
        else:
            self.stdout.write(f"{done} {'job' if done == 1 else 'jobs'} done.")
        if failed:
            raise CommandError(f"{failed} of them failed. Why: .venv/bin/python manage.py jobs list --state failed")
