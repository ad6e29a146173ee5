"""What every call to Nova needs, in whatever mode: its piece of the proxy, and what the ledger is told of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from bedrock import catalogue
from bedrock import conf as bedrock_conf
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import CatalogueModel, Entry
from bedrock.pricing import TokenEstimate
from files.media.cutting import ProxyClip, pieces
from files.media.derived import poster_path
from files.media.proxy_lookup import proxy_path
from files.media.proxying import make_proxy
from files.models import File
from jobs.bulk import sliced
from jobs.errors import WorkError
from jobs.progress import NO_PROGRESS, Progress
from nova.errors import NeverAffordableError, NotAnalysableError
from nova.models import NovaJob, Question
from nova.options import AnalysisRequest
from nova.questions import estimating, likely, preparing
from nova.questions.estimating import PURPOSE
from nova.questions.prompts import Prompt
from nova.replies.merging import Span
from nova.types.spec import IMAGE

#: How the ledger calls the one who asks, before its id.
HOLDER = "question:"


@contextmanager
def cut_proxy(
    nova_job: NovaJob, questions: Iterable[Question], *, token: str, progress: Progress = NO_PROGRESS
) -> Iterator[list[ProxyClip]]:
    """The pieces of the proxy that these questions (all of an analysis) are about; they are gone afterwards."""
    file = nova_job.file
    if file is not None and file.media_type == IMAGE:
        yield [ProxyClip(path=sent_picture(file), start_s=0.0, end_s=0.0)]
        return
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


def sent_picture(file: File) -> Path:
    """The JPEG of a picture that is sent: the poster that its import made. Made anew where it is gone."""
    path = poster_path(file)
    if path is None:
        make_proxy(file)  # of a picture it makes the poster
        path = poster_path(file)
    if path is None:
        raise NotAnalysableError("There is no picture to send.", remedy="Connect its drive, then retry.")
    return path


def note_cut(question: Question, piece: ProxyClip, *, is_cut: bool) -> None:
    """Keep where the piece really begins: at a key frame."""
    if is_cut and (question.start_s, question.end_s) != (piece.start_s, piece.end_s):
        question.start_s, question.end_s = piece.start_s, piece.end_s
        question.save(update_fields=["start_s", "end_s"])


def payment(question: Question, prompt: Prompt, nova_job: NovaJob, model: CatalogueModel) -> ReservationRequest:
    """What the ledger is told of a question: its worst case and the price of now."""
    file = nova_job.file
    estimate = estimate_of(question, prompt, nova_job, model)
    return ReservationRequest(
        question=question.key,
        purpose=PURPOSE,
        model_key=model.key,
        mode=nova_job.mode,
        usd=estimate.usd_high,
        price=catalogue.price(model, nova_job.mode),
        estimated_usd=estimate.usd_low,
        analysis_type=likely.types_name(question.types, preparing.medium_of(question)),
        file_id=file.pk if file else None,
        file_name=file.name if file else "",
        holder=holder_of(question),
    )


def estimate_of(question: Question, prompt: Prompt, nova_job: NovaJob, model: CatalogueModel) -> TokenEstimate:
    """What one question would take, as it is asked now."""
    span = Span(question.start_s, question.end_s or question.start_s)
    depth = AnalysisRequest.of(nova_job).depth
    medium = preparing.medium_of(question)
    return estimating.of_piece(model, nova_job.mode, span, question.types, depth=depth, prompt=prompt, medium=medium)


def likely_usd(questions: Iterable[Question], nova_job: NovaJob, model: CatalogueModel) -> Decimal | None:
    """What these questions will most likely cost; None where the model is unpriced."""
    total = Decimal(0)
    depth = AnalysisRequest.of(nova_job).depth
    for question in questions:
        medium = preparing.medium_of(question)
        estimate = estimate_of(question, preparing.prompt_of(question), nova_job, model)
        own = likely.own_share(model.key, nova_job.mode, question.types, medium)
        span = Span(question.start_s, question.end_s or question.start_s)
        usd = (
            likely.between(estimate, own.share)
            if own
            else likely.typical_usd(
                model, nova_job.mode, span, list(question.types), depth=depth, estimate=estimate, medium=medium
            )
        )
        if usd is None:
            return None
        total += usd
    return total


def require_possible(request: ReservationRequest) -> None:
    """Raise NeverAffordableError for a call that no month's cap has room for: it is refused, not parked."""
    cap = bedrock_conf.budget_usd()
    if cap is not None and request.usd is not None and request.usd > cap:
        raise NeverAffordableError(
            f"One call may take up to ${booking.dollars(request.usd)}, and the cap of a whole month is "
            f"${booking.dollars(cap)}: it could never be made.",
            remedy="Raise NOVA_MONTHLY_BUDGET_USD and restart, ask for fewer types, or use the free local model.",
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
