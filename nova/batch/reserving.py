"""Reserving the money of a batch: of all its questions, or of as many as the month's cap has room for.

Over the cap the analyses that were asked for first are sent, if they are enough for a batch job; the others wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from itertools import groupby

from django.db import transaction

from bedrock import batch_quotas
from bedrock import conf as bedrock_conf
from bedrock.errors import AlreadyPaidError, BedrockError, FolderNeverSentError, OverBudgetError
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
class RecordCost:
    """A question of the batch, its analysis, and what is to be reserved for it."""

    pk: int
    nova_job: int
    usd: Decimal


class Reservation:
    """The money of one batch that is being prepared."""

    def __init__(self, batch: BedrockBatch, model: CatalogueModel) -> None:
        self.batch, self.model = batch, model
        self._reserved: list[RecordCost] = []
        self._over: list[RecordCost] = []

    def make(self, portions: Iterable[Sequence[Question]]) -> None:
        """Reserve for these questions, a few at a time, in the order in which they were asked for.

        Those that were answered or are asked elsewhere leave the batch. Raises TooDearError, UnpricedError.
        """
        for questions in portions:
            requests: dict[Question, ReservationRequest] = {}
            for question in questions:
                current = rekeying.rekey(question, self.model)
                if current is None:
                    reply_store.finish(question.nova_job)
                elif current is not question and self.is_in_a_batch_elsewhere(current):
                    self.leave(current)
                else:
                    prompt = preparing.prompt_of(current)
                    requests[current] = ledger_calls.payment(current, prompt, current.nova_job, self.model)
            refused = booking.refusals(list(requests.values()))
            for question in [question for question in requests if question.key in refused]:
                self.take_out(question, refused[question.key])
                del requests[question]
            self.reserve(requests)
        if self._over:
            self.cut_to_cap()

    def take_out(self, question: Question, reason: BedrockError) -> None:
        """Asked elsewhere: it waits for that answer. Paid: it has its answer, or fails where that is lost. Never to be
        sent, by a rule that came later: it fails.
        """
        if isinstance(reason, FolderNeverSentError):
            fail(self.batch, question, reason)
        elif not isinstance(reason, AlreadyPaidError):
            self.leave(question)
        elif (reply := RawReply.objects.filter(key=question.key).first()) is not None:
            question.answer(reply)
            reply_store.finish(question.nova_job)
        else:
            fail(self.batch, question, reason)

    def is_in_a_batch_elsewhere(self, question: Question) -> bool:
        same = Question.objects.open().filter(key=question.key, bedrock_batch__isnull=False)
        return same.exclude(pk=question.pk).exists()

    def leave(self, question: Question) -> None:
        """It waits in the pool again."""
        waiting_in(self.batch).filter(pk=question.pk).update(bedrock_batch=None, record_id=None)

    def reserve(self, requests: Mapping[Question, ReservationRequest]) -> None:
        """Reserve for as many of these as the cap has room for. After the first that it has none for, for no other."""
        costs = [RecordCost(question.pk, question.nova_job_id, ask.usd or ZERO) for question, ask in requests.items()]
        asks = list(requests.values())
        count = 0 if self._over else len(costs)
        while count:
            try:
                booking.reserve_many(asks[:count])
                break
            except OverBudgetError:
                # What was reserved before a crash has its room already.
                held = ledger_calls.entries_of(list(requests)[:count])
                open_costs = [replace(cost, usd=ZERO) if cost.pk in held else cost for cost in costs[:count]]
                count = count_that_fit(open_costs, booking.headroom_usd() or ZERO)
        self._reserved += costs[:count]
        self._over += costs[count:]

    def cut_to_cap(self) -> None:
        """Leave out what there is no money for. An analysis is sent whole or not at all."""
        minimum = batch_quotas.of(self.model).min_records
        left = (booking.headroom_usd() or ZERO) + total(self._reserved)
        first_out = self._over[0].nova_job
        self._over = [cost for cost in self._reserved if cost.nova_job == first_out] + self._over
        self._reserved = [cost for cost in self._reserved if cost.nova_job != first_out]
        if len(self._reserved) < minimum:
            raise too_dear([*self._reserved, *self._over], minimum, left)
        reason = (
            f"Left out of a batch: this month's cap had room for the {len(self._reserved):,} records that were asked "
            f"for first, not for {len(self._over):,} more. Raise NOVA_MONTHLY_BUDGET_USD and restart, or wait: "
            f"{_GOES_ON.format(day=booking.next_month())}"
        )
        for costs in sliced(self._over):
            with transaction.atomic():
                pool.give_back(list(waiting_in(self.batch).filter(pk__in=[cost.pk for cost in costs])), reason)


def count_that_fit(costs: Sequence[RecordCost], left: Decimal) -> int:
    """How many of these, the first and whole analyses only, `left` dollars are enough for: exactly enough is enough.

    Fewer than all: they were refused together, so the last analysis is left out even where it seems to fit.
    """
    count = 0
    for _, records in groupby(costs, key=lambda cost: cost.nova_job):
        of_analysis = list(records)
        left -= total(of_analysis)
        if left < 0 or count + len(of_analysis) == len(costs):
            break
        count += len(of_analysis)
    return count


def too_dear(costs: Sequence[RecordCost], minimum: int, left: Decimal) -> TooDearError:
    """What a batch of these needs at least, and to what the cap would have to be set."""
    cap, whole = bedrock_conf.budget_usd() or ZERO, total(costs)
    needs, count = ZERO, 0
    for _, records in groupby(costs, key=lambda cost: cost.nova_job):
        if count >= minimum:
            break
        of_analysis = list(records)
        needs, count = needs + total(of_analysis), count + len(of_analysis)
    fewest = f", the first {count:,} (a batch takes no fewer) ${booking.dollars(needs)}" if count < len(costs) else ""
    enough = (cap + needs - left).quantize(CENT, ROUND_CEILING)
    wait = f", or wait: {_GOES_ON.format(day=booking.next_month())}"
    too_low = ": as it is, no month has room for it."
    return TooDearError(
        f"This month's cap has no room for a batch: {len(costs):,} records need up to "
        f"${booking.dollars(whole)}{fewest}, and ${booking.dollars(max(left, ZERO))} of "
        f"${booking.dollars(cap)} is left.",
        remedy=f"Set NOVA_MONTHLY_BUDGET_USD to {enough} or more and restart{wait if needs <= cap else too_low}",
        needs_usd=needs,
    )


def total(costs: Iterable[RecordCost]) -> Decimal:
    return sum((cost.usd for cost in costs), ZERO)


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
