"""Forgetting what models said long ago, for those who want that. Results stay, and so does what was paid."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from bedrock.ledger import booking
from nova import conf
from nova.models import NovaJob, Question, RawReply

#: How often it is looked for what is old enough.
EVERY_S = 3600.0
#: Rows of one transaction, so that workers never wait long for it.
CHUNK = 200


def forget_replies() -> int:
    """Delete replies older than NOVA_KEEP_RAW_DAYS, but for those of analyses that are not complete. Returns how many.

    Their questions are new ones from then on: estimates name their price, and they can be asked and paid again.
    """
    days = conf.keep_raw_days()
    if not days:
        return 0
    needed = Question.objects.filter(reply=OuterRef("pk")).exclude(nova_job__status=NovaJob.Status.COMPLETED)
    old = RawReply.objects.filter(created_at__lt=timezone.now() - timedelta(days=days)).exclude(Exists(needed))
    forgotten = 0
    while some := _forget(old):
        forgotten += some
    return forgotten


@transaction.atomic
def _forget(old: QuerySet[RawReply]) -> int:
    keys = dict(old.order_by("pk").values_list("pk", "key")[:CHUNK])
    Question.objects.filter(reply__in=keys).update(reply=None)
    booking.free_questions(keys.values())
    RawReply.objects.filter(pk__in=keys).delete()
    return len(keys)
