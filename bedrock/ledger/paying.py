"""One paid call, from reservation to settlement, so that nothing is paid twice and no answer is lost.

def call() -> Answer[Reply]:
    reply = converse.converse(question, mode="flex")
    return Answer(reply, reply.usage)

paid(ask, call, keep=lambda entry, reply: RawReply.objects.create(…))
"""

import logging
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from django.db import OperationalError, connection, transaction

from bedrock.errors import BedrockError, LostAnswerError, SpoiltAnswerError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import Entry
from bedrock.pricing import Usage

logger = logging.getLogger(__name__)

Said = TypeVar("Said")
#: Before keeping a paid answer is tried again; SQLite itself waits for a lock before each.
PAUSES_S = (0.5, 2.0, 8.0, 20.0, 30.0)


class PaidReply(NamedTuple, Generic[Said]):
    """What a call said, and what it used."""

    said: Said
    usage: Usage


def paid(
    ask: ReservationRequest, call: Callable[[], PaidReply[Said]], *, keep: Callable[[Entry, Said], object]
) -> Said:
    """Reserve, call, then keep the answer and settle in one transaction. Returns what was said.

    A call that AWS refused gives its reservation back. An answer that was lost is booked as possibly paid, and asked
    for again once, here; one that came and is of no use is booked so too. If this process dies on the way, the same
    holder's next `paid` finds what it left behind: a call that had started counts as possibly paid.

    Raises BedrockError.
    """
    try:
        return _once(ask, call, keep)
    except LostAnswerError:
        return _once(ask, call, keep)


def _once(ask: ReservationRequest, call: Callable[[], PaidReply[Said]], keep: Callable[[Entry, Said], object]) -> Said:
    entry = booking.reserve(ask)
    booking.sent(entry)
    try:
        answer = call()
    except (LostAnswerError, SpoiltAnswerError) as exc:
        booking.possibly_paid(entry, str(exc))
        raise
    except BedrockError as exc:
        booking.release(entry, note=str(exc))
        raise
    insist(lambda: _keep_and_settle(keep, entry, answer))
    return answer.said


def _keep_and_settle(keep: Callable[[Entry, Said], object], entry: Entry, answer: PaidReply[Said]) -> None:
    with transaction.atomic():
        keep(entry, answer.said)
        booking.settle(entry, usage=answer.usage)


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
