"""One paid call, from reservation to settlement, so that nothing is paid twice and no answer is lost.

def call() -> PaidReply[ConverseReply]:
    reply = converse.converse(request, mode="flex")
    return PaidReply(reply, reply.usage)

paid(reservation, call, keep=lambda entry, reply: RawReply.objects.create(…))
"""

import logging
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from django.db import OperationalError, connection, transaction

from bedrock import daily_quotas
from bedrock.errors import BedrockError, DailyQuotaError, LostAnswerError, MalformedAnswerError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import Entry
from bedrock.pricing import UNTOLD, Usage

logger = logging.getLogger(__name__)

Reply = TypeVar("Reply")
#: Before keeping a paid answer is tried again; SQLite itself waits for a lock before each.
PAUSES_S = (0.5, 2.0, 8.0, 20.0, 30.0)


class PaidReply(NamedTuple, Generic[Reply]):
    """What a call answered, and what it used."""

    reply: Reply
    usage: Usage


def paid(
    request: ReservationRequest,
    call: Callable[[], PaidReply[Reply]],
    *,
    keep: Callable[[Entry, Reply], object],
    otherwise: Callable[[], PaidReply[Reply]] | None = None,
) -> Reply:
    """Reserve, call, then keep the answer and settle in one transaction. Returns the answer.

    A call that AWS refused gives its reservation back. An answer that was lost is booked as possibly paid, and asked
    for again once, here; where it came malformed, `otherwise` asks the same question in another form. One that came and
    is of no use, and a call that a cancel or an unforeseen error ended, are booked as possibly paid too. If this
    process dies on the way, the same holder's next `paid` finds what it left behind: a call that had started counts so.

    Raises BedrockError, and whatever else `call`, `otherwise` or `keep` raises.
    """
    try:
        return _paid_once(request, call, keep)
    except MalformedAnswerError:
        if otherwise is None:
            raise
        return _paid_once(request, otherwise, keep)
    except LostAnswerError:
        return _paid_once(request, call, keep)


def _paid_once(
    request: ReservationRequest, call: Callable[[], PaidReply[Reply]], keep: Callable[[Entry, Reply], object]
) -> Reply:
    entry = booking.reserve(request)
    booking.sent(entry)
    try:
        reply, usage = call()
    except DailyQuotaError as exc:
        booking.release(entry, note=str(exc))
        daily_quotas.close(request.model_key, str(exc))
        raise
    except BaseException as exc:  # a cancel or a Ctrl-C too: AWS may have the request
        if isinstance(exc, BedrockError) and not exc.may_be_charged:
            booking.release(entry, note=str(exc))
        else:
            used = Usage.from_json(exc.usage) if isinstance(exc, MalformedAnswerError) else UNTOLD
            booking.possibly_paid(entry, str(exc) or type(exc).__name__, usage=used)
        raise

    def keep_and_settle() -> None:
        with transaction.atomic():
            keep(entry, reply)
            booking.settle(entry, usage=usage)

    insist(keep_and_settle)
    daily_quotas.reopen(request.model_key)
    return reply


def insist(write: Callable[[], object]) -> None:
    """Write an answer that is paid: a database that is busy, or full for a moment, is tried again for a minute."""
    for pause_s in (*PAUSES_S, None):
        try:
            write()
        except OperationalError:
            if pause_s is None or connection.in_atomic_block:
                raise
            logger.warning("A paid answer could not be kept yet; trying again in %s s", pause_s, exc_info=True)
            time.sleep(pause_s)
        else:
            return
