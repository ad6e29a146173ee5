"""The ledger: money is reserved before a call and settled after it, and no question is paid twice.

    request = ReservationRequest(question=…, purpose="analysis", model_key="lite", mode="flex", usd=worst_case,
                                 price=model.price("flex", region), file_id=7, holder="nova-job:12/0")
    entry = booking.reserve(request)
    booking.sent(entry)                     # just before the call
    booking.settle(entry, usage=usage)      # or release(entry): nothing was charged
                                            # or possibly_paid(entry, "no answer came")

The cap holds for any number of workers: the sum and the new row are one IMMEDIATE transaction (on other databases a
row lock on the month). What was reserved, settled or possibly paid counts; the month is UTC, by reservation.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from bedrock import conf, daily_quotas, never_send
from bedrock.errors import AlreadyPaidError, BedrockError, OverBudgetError, QuestionInFlightError, UnpricedError
from bedrock.models import Entry, LedgerMonth, month_of
from bedrock.pricing import UNTOLD, Price, Usage
from files.models import File

State = Entry.State
Item = TypeVar("Item")
#: An answer that was lost is asked for again once: two lost ones are enough.
MAX_LOST = 2
#: Rows of one statement, below SQLite's limit of variables.
CHUNK = 2000


@dataclass(frozen=True, kw_only=True)
class ReservationRequest:
    """A question that will cost money: `usd` is its worst case (None = unpriced), `price` is frozen in the ledger.

    `holder` names who asks (a job and segment, a record). After a crash the same holder finds its own reservation.
    """

    question: str
    purpose: str
    model_key: str
    mode: str
    usd: Decimal | None
    price: Price | None
    estimated_usd: Decimal | None = None
    analysis_type: str = ""
    file_id: int | None = None
    file_name: str = ""
    holder: str = ""


def reserve(request: ReservationRequest) -> Entry:
    """Reserve the worst case of one question. Raises as `reserve_many`."""
    return reserve_many([request])[0]


def reserve_many(requests: Sequence[ReservationRequest]) -> list[Entry]:
    """Reserve all of these questions, or none. Returns their entries in order.

    Raises FolderNeverSentError, AlreadyPaidError (use the answer that is there), QuestionInFlightError,
    OverBudgetError, UnpricedError.
    A reservation that the same holder left behind unsent is taken up again; one that was sent in realtime or flex is
    booked as possibly paid and reserved anew; one that was sent in a batch is returned, as its answer can be fetched.
    """
    never_send.require_sendable(request.file_id for request in requests)
    with transaction.atomic():
        month = month_of(timezone.now())
        LedgerMonth.objects.get_or_create(month=month)
        LedgerMonth.objects.select_for_update().get(month=month)  # SQLite has the database's write lock already
        earlier = _entries_of([request.question for request in requests])
        entries = {
            request.question: entry
            for request in requests
            if (entry := _resume(request, earlier.get(request.question, [])))
        }
        fresh = [request for request in requests if request.question not in entries]
        _check_cap(month, fresh)
        made = Entry.objects.bulk_create(
            [Entry.reserved(month=month, **vars(request)) for request in fresh], batch_size=CHUNK // 20
        )
        entries |= {entry.question: entry for entry in made}
    return [entries[request.question] for request in requests]


def refusals(requests: Sequence[ReservationRequest]) -> dict[str, BedrockError]:
    """Which of these questions `reserve_many` would refuse now, whatever is left of the cap, and why."""
    earlier = _entries_of([request.question for request in requests])
    kept = never_send.kept_here(request.file_id for request in requests)
    kept_files = {file.pk: file for file in File.everything.select_related("root").filter(pk__in=kept)}
    reasons: dict[str, BedrockError] = {}
    for request in requests:
        if request.file_id in kept_files:
            reasons[request.question] = never_send.refusal(kept_files[request.file_id])
        elif reason := _refusal(request, earlier.get(request.question, [])):
            reasons[request.question] = reason
    return reasons


def require_room(request: ReservationRequest) -> None:
    """Raise OverBudgetError or UnpricedError where the cap has no room for it now, or DailyQuotaError where AWS answers
    no more today: before work is done in vain.

    `reserve` is what decides on the cap, and AWS on its quota.
    """
    daily_quotas.check_open(request.model_key)
    if not Entry.objects.filter(question=request.question, holder=request.holder, state=State.RESERVED).exists():
        _check_cap(month_of(timezone.now()), [request])


def sent(*entries: Entry) -> None:
    """Note that the calls of these entries start now: from here on an answer may be charged."""
    now = timezone.now()
    for chunk in _chunks(entries):
        Entry.objects.filter(pk__in=[entry.pk for entry in chunk]).update(sent_at=now)
    for entry in entries:
        entry.sent_at = now


def settle(entry: Entry, *, usage: Usage, price: Price | None = None) -> Entry:
    """Book what the call really used, at the price frozen at reservation. A second time changes nothing."""
    return settle_many([(entry, usage)], price=price)[0]


def settle_many(items: Sequence[tuple[Entry, Usage]], *, price: Price | None = None) -> list[Entry]:
    """Book many at once. What was settled before stays as it is; what was given back was charged after all."""
    return _book(
        [entry for entry, _ in items],
        [{"state": State.SETTLED, **entry.cost_of(usage, price)} for entry, usage in items],
        from_states=(State.RESERVED, State.POSSIBLY_PAID, State.RELEASED),
    )


def release(*entries: Entry, note: str = "") -> list[Entry]:
    """Give reservations back: nothing was asked, or AWS refused, so nothing is charged."""
    facts = {"state": State.RELEASED, "counted_usd": Decimal(0), "note": note}
    return _book(entries, [facts] * len(entries), from_states=(State.RESERVED,))


def possibly_paid(entry: Entry, reason: str, *, usage: Usage = UNTOLD) -> Entry:
    """Book what the call may have cost: it was sent, and its answer was lost or is of no use.

    That is its worst case, or the cost of `usage` where AWS told what was used. The question may be asked once more.
    """
    facts = {"counted_usd": entry.reserved_usd or Decimal(0)} if usage == UNTOLD else entry.cost_of(usage)
    return _book([entry], [{**facts, "state": State.POSSIBLY_PAID, "note": reason}], from_states=(State.RESERVED,))[0]


def abandon(entries: Iterable[Entry]) -> None:
    """Close reservations that nobody takes up any more: a call that had started counts as possibly paid."""
    for entry in entries:
        if entry.sent_at is None:
            release(entry, note="Whoever asked is gone.")
        else:
            possibly_paid(entry, "The call was sent, then its worker ended: the answer is lost.")


def forgive(entries: Sequence[Entry], *, note: str) -> int:
    """Give back what a person knows was not charged, so that it can be asked again. Settled entries stay."""
    states = (State.RESERVED, State.POSSIBLY_PAID)
    facts = {"state": State.RELEASED, "counted_usd": Decimal(0), "note": note}
    due = [entry for entry in entries if entry.state in states]
    _book(due, [facts] * len(due), from_states=states)
    return len(due)


def free_questions(questions: Iterable[str]) -> None:
    """Let paid questions be asked, and paid, once more: their answers are gone. What they cost stays booked."""
    paid_once = Concat("question", Value("/"), Cast("pk", CharField()))
    for chunk in _chunks(questions):
        Entry.objects.filter(question__in=chunk, state=State.SETTLED).update(question=paid_once)


def answered(question: str) -> Entry | None:
    """The settled entry of a question: it was paid, so its answer must be used again."""
    return Entry.objects.filter(question=question, state=State.SETTLED).first()


def already_paid(questions: Iterable[str]) -> set[str]:
    """Which of these questions were paid before and cost nothing now."""
    paid: set[str] = set()
    for chunk in _chunks(questions):
        paid.update(Entry.objects.filter(question__in=chunk, state=State.SETTLED).values_list("question", flat=True))
    return paid


def headroom_usd() -> Decimal | None:
    """What this month's cap still allows; None = there is no cap. Below 0 when usage passed its reservation."""
    cap = conf.budget_usd()
    return None if cap is None else cap - counted_usd(month_of(timezone.now()))


def next_month() -> date:
    """The day (UTC) with which another month's cap begins."""
    return (timezone.now().astimezone(UTC).date().replace(day=1) + timedelta(days=32)).replace(day=1)


def counted_usd(month: str) -> Decimal:
    """What counts against the cap of a month ("2026-11")."""
    return Entry.objects.in_month(month).counted_usd()


def dollars(usd: Decimal) -> str:
    """A sum for people, with more digits where it is small."""
    return f"{usd:.2f}" if usd >= 1 or not usd else f"{usd:.4f}"


# --- inside ---------------------------------------------------------------------------------------------------------


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _entries_of(questions: Sequence[str]) -> dict[str, list[Entry]]:
    if len(set(questions)) != len(questions):
        raise ValueError("the same question twice in one reservation")
    entries: dict[str, list[Entry]] = {}
    for chunk in _chunks(questions):
        for entry in Entry.objects.filter(question__in=chunk).exclude(state=State.RELEASED):
            entries.setdefault(entry.question, []).append(entry)
    return entries


def _held(entries: list[Entry]) -> Entry | None:
    return next((entry for entry in entries if entry.state == State.RESERVED), None)


def _is_lost(entry: Entry | None) -> bool:
    """A call that was sent, and nobody waits for its answer any more. That of a batch can still be fetched."""
    return entry is not None and entry.sent_at is not None and entry.mode != "batch"


def _refusal(request: ReservationRequest, entries: list[Entry]) -> BedrockError | None:
    """Why the question must not be asked."""
    if any(entry.state == State.SETTLED for entry in entries):
        return AlreadyPaidError("This question was paid for before.", remedy="Its answer is used again, at no cost.")
    held = _held(entries)
    if held is not None and not (request.holder and held.holder == request.holder):
        return QuestionInFlightError("The same question is being asked now.")
    if held is not None and held.sent_at is not None and held.mode == "batch" != request.mode:
        return QuestionInFlightError("The same question was sent in a batch.")
    lost = sum(entry.state == State.POSSIBLY_PAID for entry in entries) + _is_lost(held)
    if lost >= MAX_LOST and (held is None or _is_lost(held)):
        return AlreadyPaidError(
            "The answer to this question was lost twice, and both may have been charged.",
            remedy="Look at the AWS bill, then give the entries back in the admin (Bedrock, Ledger) to ask again.",
        )
    return None


def _resume(request: ReservationRequest, entries: list[Entry]) -> Entry | None:
    """The reservation to go on with, or None to make one. Raises where the question must not be asked."""
    held = _held(entries)
    refusal = _refusal(request, entries)
    if held is not None and _is_lost(held) and held.holder == request.holder and request.holder:
        possibly_paid(held, "The call was sent, then the worker ended: its answer is lost.")
        held = None
    if refusal is not None:
        raise refusal
    if held is not None and held.mode != request.mode:  # at another price
        release(held, note=f"It is asked in {request.mode} instead.")
        held = None
    if held is not None and held.sent_at is None and (held.reserved_usd or 0) < (request.usd or 0):
        release(held, note="It may take more than was reserved by now.")
        held = None
    return held


def _check_cap(month: str, requests: Sequence[ReservationRequest]) -> None:
    cap = conf.budget_usd()
    if cap is None or not requests:
        return
    unpriced = next((request for request in requests if request.usd is None), None)
    if unpriced:
        raise UnpricedError(f"The price of {unpriced.model_key} is not known, so a cap on spending cannot hold.")
    needed = sum((request.usd or Decimal(0) for request in requests), Decimal(0))
    counted = counted_usd(month)
    # Free work goes on when the cap is passed.
    if needed and counted + needed > cap:
        raise OverBudgetError(
            f"This needs up to ${dollars(needed)}, and of this month's ${dollars(cap)} "
            f"${dollars(max(cap - counted, Decimal(0)))} is left (${dollars(counted)} is spent or reserved)."
        )


def _book(entries: Sequence[Entry], facts: Sequence[dict[str, Any]], *, from_states: tuple[str, ...]) -> list[Entry]:
    """Take one transition for each entry that is still in one of `from_states`; the rows in the database decide."""
    facts_by_id = {entry.pk: fact for entry, fact in zip(entries, facts, strict=True)}
    columns = ["state", "counted_usd", "actual_usd", "usage", "note", "ended_at"]
    with transaction.atomic():
        rows: dict[int, Entry] = {}
        for chunk in _chunks(facts_by_id):
            rows.update(Entry.objects.select_for_update().in_bulk(chunk))
        due = [row for row in rows.values() if row.state in from_states]
        late = [row.question for row in due if row.state != State.RESERVED]
        live = Entry.objects.filter(question__in=late, state__in=[State.RESERVED, State.SETTLED]) if late else None
        asked_again = set(live.values_list("question", flat=True)) if live is not None else set()
        for row in due:
            fact = dict(facts_by_id[row.pk])
            if row.state != State.RESERVED and fact["state"] == State.SETTLED and row.question in asked_again:
                fact["state"] = State.POSSIBLY_PAID  # both count
            row.book(fact.pop("state"), **fact)
        Entry.objects.bulk_update(due, columns, batch_size=CHUNK // 20)
    for entry in entries:
        for name in columns:
            setattr(entry, name, getattr(rows[entry.pk], name))
    return [rows[entry.pk] for entry in entries]
