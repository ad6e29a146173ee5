"""Analyses that wait for the month's cap, or for AWS's quota of a day, go on by themselves when there is room again."""

from bedrock import daily_quotas
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
    #: Of a model that AWS answered no more, one finds out whether it does now.
    tries: dict[str, int | None] = {}
    gone = waiting = 0
    for job in parked:
        nova_job = NovaJob.objects.filter(pk=job.subject_id or 0).first()
        cost = (nova_job.estimated_usd if nova_job else None) or 0
        model = nova_job.model if nova_job else ""
        if model not in tries:
            tries[model] = daily_quotas.may_ask(model)
        if tries[model] == 0 or (left is not None and (left <= 0 or cost > left)):
            waiting += 1
            continue
        unparked = unpark(ASK_NOVA, job.subject_id or 0)
        gone += unparked
        tries_left = tries[model]
        if tries_left is not None:
            tries[model] = tries_left - unparked
        left = None if left is None else left - cost
    if not waiting:
        notices.clear(NOTICE)
    return gone
