"""Reserving the money of a batch: of all its questions, or of as many as the month's cap has room for.

Over the cap the analyses that were asked for first are sent, if they are enough for a batch job; the others wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import groupby

from django.db import transaction

from bedrock import conf as bedrock_conf
from bedrock.errors import AlreadyPaidError, BedrockError, OverBudgetError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import CatalogueModel
from jobs.bulk import sliced
from jobs.errors import WorkError
from nova.batch import pool
from nova.models import BedrockBatch, Question, QuestionQuerySet, RawReply
from nova.questions import ledger_calls, preparing, rekeying, reply_store

ZERO, CENT = Decimal(0), Decimal("0.01")
_GOES_ON = "the next month begins on {day} (UTC), and it goes on by itself."


class TooDearError(OverBudgetError):
    """The cap has no room for as many records as a batch job needs. `needs_usd` is what these would take."""

    def __init__(self, message: str, *, remedy: str, needs_usd: Decimal) -> None:
        super().__init__(message, remedy=remedy)
        self.needs_usd = needs_usd


@dataclass(frozen=True)
class _Record:
    """What cutting needs of a question that there is money for, or none."""

    pk: int
    nova_job: int
    usd: Decimal


class Reservation:
    """The money of one batch that is being prepared."""

    def __init__(self, batch: BedrockBatch, model: CatalogueModel) -> None:
        self.batch, self.model = batch, model
        self.minimum = bedrock_conf.batch().min_records
        self._has: list[_Record] = []
        self._over: list[_Record] = []

    def make(self, some: Iterable[Sequence[Question]]) -> None:
        """Reserve for these questions, a few at a time, in the order in which they were asked for.

        Those that were answered or are asked elsewhere leave the batch. Raises TooDearError, UnpricedError.
        """
        for questions in some:
            due = [now for question in questions if (now := self._of_now(question)) is not None]
            asks = {
                one.pk: ledger_calls.payment(one, preparing.prompt_of(one), one.nova_job, self.model) for one in due
            }
            refused = booking.refusals(list(asks.values()))
            for question in due:
                if (reason := refused.get(question.key)) is not None:
                    self._take_out(question, reason)
            self._reserve({one: asks[one.pk] for one in due if one.key not in refused})
        if self._over:
            self._cut()

    def _of_now(self, question: Question) -> Question | None:
        """The question under the name of what it asks now; None where it leaves the batch for that."""
        now = rekeying.renew(question, self.model)
        if now is question:
            return question
        if now is None:
            reply_store.finish(question.nova_job)
        elif Question.objects.open().filter(key=now.key, bedrock_batch__isnull=False).exclude(pk=now.pk).exists():
            waiting_in(self.batch).filter(pk=now.pk).update(bedrock_batch=None, record_id=None)
            now = None
        return now

    def _take_out(self, question: Question, reason: BedrockError) -> None:
        """Asked elsewhere: it waits for that answer. Paid: it has its answer, or fails where that is lost."""
        if not isinstance(reason, AlreadyPaidError):
            waiting_in(self.batch).filter(pk=question.pk).update(bedrock_batch=None, record_id=None)
        elif (known := RawReply.objects.filter(key=question.key).first()) is not None:
            question.answer(known)
            reply_store.finish(question.nova_job)
        else:
            fail(self.batch, question, reason)

    def _reserve(self, asks: dict[Question, ReservationRequest]) -> None:
        records = {one: _Record(one.pk, one.nova_job_id, ask.usd or ZERO) for one, ask in asks.items()}
        if self._over:
            self._over += records.values()
            return
        fitting = list(asks)
        while fitting:
            try:
                booking.reserve_many([asks[one] for one in fitting])
                break
            except OverBudgetError:
                fitting = _fitting(fitting, asks)
        self._has += [records.pop(one) for one in fitting]
        self._over += records.values()

    # --- over the cap -----------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        """Leave out what there is no money for. An analysis is sent whole or not at all."""
        left = (booking.headroom_usd() or ZERO) + _sum(self._has)
        first_out = self._over[0].nova_job
        self._over = [one for one in self._has if one.nova_job == first_out] + self._over
        self._has = [one for one in self._has if one.nova_job != first_out]
        if len(self._has) < self.minimum:
            raise _too_dear([*self._has, *self._over], self.minimum, left)
        said = (
            f"Left out of a batch: this month's cap had room for the {len(self._has):,} records that were asked for "
            f"first, not for {len(self._over):,} more. Raise NOVA_MONTHLY_BUDGET_USD and restart, or wait: "
            f"{_GOES_ON.format(day=booking.next_month())}"
        )
        for some_over in sliced(self._over):
            pks = [one.pk for one in some_over]
            with transaction.atomic():
                pool.give_back(list(waiting_in(self.batch).filter(pk__in=pks)), said)


def waiting_in(batch: BedrockBatch) -> QuestionQuerySet:
    """What is left in a batch that is being prepared."""
    return Question.objects.filter(bedrock_batch=batch, state=Question.State.WAITING)


def fail(batch: BedrockBatch, question: Question, exc: WorkError) -> None:
    """It leaves the batch with its reason, and its analysis ends."""
    with transaction.atomic():
        pool.release([question], note=str(exc))
        waiting_in(batch).filter(pk=question.pk).update(
            state=Question.State.FAILED, error=ledger_calls.in_words(exc), bedrock_batch=None, record_id=None
        )
    reply_store.finish(question.nova_job)


# --- inside ---------------------------------------------------------------------------------------------------------


def _fitting(questions: Sequence[Question], asks: Mapping[Question, ReservationRequest]) -> list[Question]:
    """Fewer of these: the first analyses that the cap has room for. What was reserved before a crash has its room."""
    left, held = booking.headroom_usd() or ZERO, ledger_calls.entries_of(questions)
    kept: list[Question] = []
    for _, some in groupby(questions, key=lambda one: one.nova_job_id):
        pieces = list(some)
        left -= sum((asks[one].usd or ZERO for one in pieces if one.pk not in held), ZERO)
        if left < 0 or len(kept) + len(pieces) == len(questions):
            break
        kept += pieces
    return kept


def _too_dear(records: Sequence[_Record], minimum: int, left: Decimal) -> TooDearError:
    cap, whole = bedrock_conf.budget_usd() or ZERO, _sum(records)
    needs, count = ZERO, 0
    for _, some in groupby(records, key=lambda one: one.nova_job):
        if count >= minimum:
            break
        pieces = list(some)
        needs, count = needs + _sum(pieces), count + len(pieces)
    fewest = f", the first {count:,} (a batch takes no fewer) ${booking.dollars(needs)}" if count < len(records) else ""
    enough = (cap + needs - left).quantize(CENT, ROUND_CEILING)
    wait = f", or wait: {_GOES_ON.format(day=booking.next_month())}"
    too_low = ": as it is, no month has room for it."
    return TooDearError(
        f"This month's cap has no room for a batch: {len(records):,} records need up to "
        f"${booking.dollars(whole)}{fewest}, and ${booking.dollars(max(left, ZERO))} of "
        f"${booking.dollars(cap)} is left.",
        remedy=f"Set NOVA_MONTHLY_BUDGET_USD to {enough} or more and restart{wait if needs <= cap else too_low}",
        needs_usd=needs,
    )


def _sum(records: Iterable[_Record]) -> Decimal:
    return sum((one.usd for one in records), ZERO)
