"""What every call to Nova needs, in whatever mode: its piece of the proxy, and what the ledger is told of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from bedrock import catalogue
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import CatalogueModel, Entry
from files.media.cutting import ProxyClip, pieces
from files.media.proxy_lookup import proxy_path
from jobs.bulk import sliced
from jobs.errors import WorkError
from jobs.progress import NO_PROGRESS, Progress
from nova.errors import NotAnalysableError
from nova.models import NovaJob, Question
from nova.options import AnalysisRequest
from nova.questions import estimating, preparing
from nova.questions.prompts import Prompt
from nova.replies.merging import Span

#: What the ledger knows of ours: the purpose, and how a holder is called.
PURPOSE, HOLDER = "analysis", "question:"


@contextmanager
def cut_proxy(
    nova_job: NovaJob, questions: Iterable[Question], *, token: str, progress: Progress = NO_PROGRESS
) -> Iterator[list[ProxyClip]]:
    """The pieces of the proxy that these questions (all of an analysis) are about; they are gone afterwards."""
    file = nova_job.file
    proxy = preparing.proxy_of(file) if file else None
    if file is None or proxy is None:
        raise NotAnalysableError("There is no proxy to send.", remedy="Make the proxy, then retry.")
    if nova_job.content_hash not in ("", file.full_hash):
        raise NotAnalysableError(
            "The file has other content than when this was asked.", remedy="Retry: what it is now is asked about."
        )
    cuts = sorted({question.start_s for question in questions if question.index})
    with pieces(file, proxy_path(proxy), cuts, token=token, progress=progress) as files:
        yield files


def note_cut(question: Question, piece: ProxyClip, *, is_cut: bool) -> None:
    """Keep where the piece really begins: at a key frame."""
    if is_cut and (question.start_s, question.end_s) != (piece.start_s, piece.end_s):
        question.start_s, question.end_s = piece.start_s, piece.end_s
        question.save(update_fields=["start_s", "end_s"])


def payment(question: Question, prompt: Prompt, nova_job: NovaJob, model: CatalogueModel) -> ReservationRequest:
    """What the ledger is told of a question: its worst case and the price of now."""
    file = nova_job.file
    span = Span(question.start_s, question.end_s or question.start_s)
    depth = AnalysisRequest.of(nova_job).depth
    estimate = estimating.of_piece(model, nova_job.mode, span, question.types, depth=depth, prompt=prompt)
    return ReservationRequest(
        question=question.key,
        purpose=PURPOSE,
        model_key=model.key,
        mode=nova_job.mode,
        usd=estimate.usd_high,
        price=catalogue.price(model, nova_job.mode),
        estimated_usd=estimate.usd_low,
        analysis_type="+".join(sorted(question.types))[:80],
        file_id=file.pk if file else None,
        file_name=file.name if file else "",
        holder=holder_of(question),
    )


def holder_of(question: Question) -> str:
    """What the ledger calls the one who asks."""
    return f"{HOLDER}{question.pk}"


def entries_of(questions: Sequence[Question]) -> dict[int, Entry]:
    """The reservations of these questions, also those of answers that were thought lost, by the question's id."""
    return _entries(questions, [Entry.State.RESERVED, Entry.State.POSSIBLY_PAID])


def entries_of_answered(questions: Sequence[Question]) -> dict[int, Entry]:
    """The entries that answers are booked on: one that a person gave back was charged after all."""
    open_ = entries_of(questions)
    rest = [question for question in questions if question.pk not in open_]
    return {**_entries(rest, [Entry.State.RELEASED]), **open_} if rest else open_


def _entries(questions: Sequence[Question], states: Sequence[str]) -> dict[int, Entry]:
    holders = {holder_of(question): question.pk for question in questions}
    found: dict[int, Entry] = {}
    for some_questions in sliced(questions):
        keys = [question.key for question in some_questions]
        for entry in Entry.objects.filter(question__in=keys, state__in=states).order_by("pk"):
            if entry.holder in holders:
                found[holders[entry.holder]] = entry
    return found


def are_in_a_batch(questions: Sequence[Question]) -> bool:
    """Whether a batch has one of these questions, for somebody else."""
    asked = Entry.objects.filter(question__in=[question.key for question in questions], mode=NovaJob.Mode.BATCH)
    others = asked.exclude(holder__in=[holder_of(question) for question in questions])
    return others.filter(state=Entry.State.RESERVED).exists()


def free_the_dead() -> int:
    """Let go of reservations for calls whose analysis is over: its worker died, then it failed or was cancelled.

    A call that had started counts as possibly paid; its question may be asked once more. Returns how many there were.
    """
    reserved = Entry.objects.filter(purpose=PURPOSE, state=Entry.State.RESERVED).exclude(mode=NovaJob.Mode.BATCH)
    holders = {entry.holder: entry for entry in reserved.order_by("pk")}
    alive = Question.objects.filter(
        pk__in=[int(name.removeprefix(HOLDER)) for name in holders if name.startswith(HOLDER)],
        nova_job__status__in=NovaJob.OPEN,
    )
    for question in alive.only("pk"):
        del holders[holder_of(question)]
    booking.abandon(holders.values())
    return len(holders)


def in_words(exc: WorkError) -> str:
    """An error and its remedy, as they are kept on a row."""
    return f"{exc} {exc.remedy}".strip()
