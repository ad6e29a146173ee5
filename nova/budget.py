"""Analyses that wait for the month's cap go on by themselves, when the month or the cap has changed."""

from bedrock.ledger import booking
from jobs import notices
from jobs.control import unpark
from jobs.models import Job
from nova.kinds import ASK_NOVA
from nova.models import NovaJob

NOTICE = "nova-budget"


def go_on() -> int:
    """Queue again what fits under the cap now, the oldest first. Returns how many."""
    parked = Job.objects.running().filter(kind=ASK_NOVA, is_parked=True).order_by("pk")
    left = booking.headroom_usd()
    gone = waiting = 0
    for job in parked:
        nova_job = NovaJob.objects.filter(pk=job.subject_id or 0).first()
        cost = (nova_job.estimated_usd if nova_job else None) or 0
        if left is not None and (left <= 0 or cost > left):
            waiting += 1
            continue
        gone += unpark(ASK_NOVA, job.subject_id or 0)
        left = None if left is None else left - cost
    if not waiting:
        notices.clear(NOTICE)
    return gone
