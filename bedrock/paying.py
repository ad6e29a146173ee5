"""One paid call, from reservation to settlement, so that nothing is paid twice and no answer is lost.

def call() -> Answer[Reply]:
    reply = converse.converse(question, mode="flex")
    return Answer(reply, reply.usage)

paid(ask, call, keep=lambda entry, reply: RawReply.objects.create(…))
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from django.db import transaction

from bedrock import ledger
from bedrock.errors import BedrockError, LostAnswerError
from bedrock.ledger import Ask
from bedrock.models import Entry
from bedrock.pricing import Usage

Said = TypeVar("Said")


class Answer(NamedTuple, Generic[Said]):
    """What a call said, and what it used."""

    said: Said
    usage: Usage


def paid(ask: Ask, call: Callable[[], Answer[Said]], *, keep: Callable[[Entry, Said], object]) -> Said:
    """Reserve, call, then keep the answer and settle in one transaction. Returns what was said.

    An answer that AWS refused gives its reservation back. One that was lost is booked as possibly paid, and asked for
    again once, here. If this process dies on the way, the same holder's next `paid` finds what it left behind: a call
    that had started counts as possibly paid. Raises BedrockError.
    """
    try:
        return _once(ask, call, keep)
    except LostAnswerError:
        return _once(ask, call, keep)


def _once(ask: Ask, call: Callable[[], Answer[Said]], keep: Callable[[Entry, Said], object]) -> Said:
    entry = ledger.reserve(ask)
    ledger.sent(entry)
    try:
        answer = call()
    except LostAnswerError as exc:
        ledger.possibly_paid(entry, str(exc))
        raise
    except BedrockError as exc:
        ledger.release(entry, note=str(exc))
        raise
    with transaction.atomic():
        keep(entry, answer.said)
        ledger.settle(entry, usage=answer.usage)
    return answer.said
