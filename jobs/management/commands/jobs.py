"""Look at background work and steer it from the shell."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs import control, counting, registry
from jobs.errors import WorkError
from jobs.execution import claims
from jobs.models import Job, JobQuerySet
from jobs.subjects import describe
from jobs.workers import clusters

ACTIONS = ("list", "pause", "resume", "cancel", "retry", "retry-failed")
MAX_LISTED = 100


class Command(BaseCommand):
    help = (
        "List jobs (those that run or wait, or with --state any), pause or resume a queue, cancel or retry jobs. "
        "Examples: .venv/bin/python manage.py jobs; .venv/bin/python manage.py jobs list --state failed; "
        ".venv/bin/python manage.py jobs pause long; .venv/bin/python manage.py jobs retry 17 18; "
        ".venv/bin/python manage.py jobs retry-failed"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=ACTIONS, default="list")
        parser.add_argument("names", nargs="*", help="Queues to pause or resume, or ids of jobs to cancel or retry.")
        parser.add_argument("--state", action="append", choices=Job.State.values, help="List jobs in this state.")
        parser.add_argument("--kind", help="Only jobs of this kind.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, action: str, names: list[str], **options: Any) -> None:
        if action == "list":
            self._list(_chosen(options), as_json=options["json"])
        elif action == "retry-failed":
            self.stdout.write(f"{control.retry_all(_of_kind(Job.objects.all(), options))} queued again.")
        elif action in ("pause", "resume"):
            wrong = [name for name in names if name not in registry.QUEUES]
            if wrong or not names:
                raise CommandError(f"Name the queues to {action}: {' or '.join(registry.QUEUES)}.")
            for name in names:
                (control.pause if action == "pause" else control.resume)(name)
                self.stdout.write(f"{name}: {'paused' if action == 'pause' else 'open'}")
        else:
            self._steer_jobs(action, names)

    def _list(self, jobs: JobQuerySet, *, as_json: bool) -> None:
        rows = list(jobs.order_by("-pk")[:MAX_LISTED])
        about = describe(rows)
        if as_json:
            shown = [
                {
                    "id": job.pk,
                    "kind": job.kind,
                    "subject": about[job.pk].label,
                    "state": job.state,
                    "progress": job.progress,
                    "message": job.message,
                    "error": job.error,
                    "remedy": job.remedy,
                }
                for job in rows
            ]
            self.stdout.write(json.dumps(shown, indent=1))
            return
        for job in rows:
            words = f"{job.error} {job.remedy}".strip() or job.message
            what = f"{registry.label_of(job.kind)} {about[job.pk].label}".strip()
            self.stdout.write(f"{job.pk:>7}  {job.state:<9} {job.progress:>4.0%}  {what}  {words}".rstrip())
        workers = sum(cluster.workers for cluster in clusters.standing())
        paused = [name for name in registry.QUEUES if claims.is_paused(name)]
        failed = sum(reason.count for reason in counting.reasons())
        counts = f"{Job.objects.running().count()} running, {Job.objects.queued().count()} waiting, {failed} failed"
        self.stdout.write(f"{counts}; {workers} workers{''.join(f'; {name} is paused' for name in paused)}")

    def _steer_jobs(self, action: str, names: list[str]) -> None:
        if not names or not all(name.isdigit() for name in names):
            raise CommandError(f"Name the jobs to {action} by their ids, as `jobs list` shows them.")
        refused = 0
        for job_id in map(int, names):
            job = Job.objects.filter(pk=job_id).first()
            if job is None:
                refused += 1
                self.stderr.write(f"{job_id}: there is no such job.")
                continue
            try:
                done = (control.cancel if action == "cancel" else control.retry)(job)
                self.stdout.write(f"{job_id}: {'stopping' if done.is_cancelling else done.state}")
            except WorkError as exc:
                refused += 1
                self.stderr.write(f"{job_id}: {exc} {exc.remedy}".rstrip())
        if refused:
            raise CommandError(f"{refused} of {len(names)} were left as they are.")


def _chosen(options: dict[str, Any]) -> JobQuerySet:
    jobs = Job.objects.filter(state__in=options["state"]) if options["state"] else Job.objects.active()
    return _of_kind(jobs, options)


def _of_kind(jobs: JobQuerySet, options: dict[str, Any]) -> JobQuerySet:
    return jobs.filter(kind=options["kind"]) if options["kind"] else jobs
