"""Asking Nova now, in realtime or flex: pieces side by side, each paid once, each answer kept."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.db import connections

from bedrock import catalogue, converse, staging
from bedrock.batch.records import PLACES
from bedrock.converse import ConverseReply, Tool
from bedrock.errors import AlreadyPaidError, BedrockError, OverBudgetError, UnpricedError
from bedrock.ledger import booking
from bedrock.ledger.paying import PaidReply, paid
from bedrock.models import CatalogueModel
from files.media.cutting import ProxyClip
from jobs import notices
from jobs.errors import Cancelled
from jobs.progress import NO_PROGRESS, Progress
from nova import conf
from nova.errors import InBatchError, NeverAffordableError
from nova.models import NovaJob, Question, RawReply
from nova.options import AnalysisRequest
from nova.questions import estimating, preparing, reply_store
from nova.questions.ledger_calls import are_in_a_batch, cut_proxy, in_words, note_cut, payment, require_possible
from nova.questions.prompts import TOOL_NAME
from nova.questions.slots import slot

#: How often a pending call is looked at, so that a cancel is heard.
LOOK_S = 1.0
NOT_DELETED = "nova-staged-copies"
#: Errors that end the whole analysis for now, not one piece of it.
HALTING = (OverBudgetError, UnpricedError)


def answer_all(
    nova_job: NovaJob, model: CatalogueModel, questions: Sequence[Question], *, progress: Progress, token: str
) -> None:
    """Ask what is not answered yet. A piece that fails is noted on its question and stops no other.

    Raises Cancelled after the calls under way have ended and were kept; errors that a later try may not meet;
    OverBudgetError; and InBatchError.
    """
    todo = [question for question in questions if question.state == Question.State.WAITING]
    if not todo:
        return
    if are_in_a_batch(todo):
        raise InBatchError("The same is on its way in a batch: its answer is used here too, at no cost.")
    # What waits for the cap is tried again every minute: not by cutting a long video each time.
    first = payment(todo[0], preparing.prompt_of(todo[0]), nova_job, model)
    require_possible(first)
    booking.require_room(first)
    with cut_proxy(nova_job, questions, token=token, progress=progress) as files:
        asks: list[Callable[[Progress], None]] = []
        for question in todo:
            piece = files[question.index]
            note_cut(question, piece, is_cut=len(files) > 1)
            asks.append(partial(ask, question, piece, model, nova_job))
        nova_job.start()
        run_side_by_side(asks, progress, f"Asking {model.name}")


def ask(question: Question, piece: ProxyClip, model: CatalogueModel, nova_job: NovaJob, waiting: Progress) -> None:
    """One question. What went wrong for good is noted on it; what may pass by is raised.

    Raises Cancelled as long as nothing was sent.
    """
    prompt, medium = preparing.prompt_of(question), preparing.medium_of(question)
    request = payment(question, prompt, nova_job, model)
    try:
        require_possible(request)
        booking.require_room(request)
        # Staged, and a slot held, before money is reserved: a crash on the way there costs nothing.
        with sendable(piece, medium, nova_job.file_id) as (path, uri), slot(model.key, waiting):
            asked = converse.ConverseRequest(
                runtime_id=catalogue.runtime_id(model),
                system=prompt.system,
                text=prompt.text,
                media_path=path,
                media_uri=uri,
                medium=medium,
                tool=Tool(name=TOOL_NAME, description=f"Report what the {medium} shows.", schema=prompt.tool_schema),
                max_tokens=estimating.max_tokens(model, question.types, AnalysisRequest.of(nova_job).depth, medium),
            )

            def call(request: converse.ConverseRequest) -> PaidReply[ConverseReply]:
                reply = converse.converse(request, mode=nova_job.mode)
                return PaidReply(reply, reply.usage)

            paid(
                request,
                partial(call, asked),
                keep=lambda entry, reply: reply_store.keep_reply(question, reply, mode=nova_job.mode, entry=entry),
                otherwise=partial(call, asked.in_words(prompt.text_without_tool)),
            )
    except AlreadyPaidError as exc:
        kept = RawReply.objects.filter(key=question.key).first()
        if kept is None:
            question.fail(in_words(exc))
        else:
            question.answer(kept)
    except (NeverAffordableError, BedrockError) as exc:
        if isinstance(exc, HALTING) or exc.retryable:
            raise
        question.fail(in_words(exc))


class StopSign:
    """Tells the calls that wait for their turn that it will not come. It is asked from any thread."""

    def __init__(self) -> None:
        self._is_up = threading.Event()

    def raise_it(self) -> None:
        self._is_up.set()

    def update(self, fraction: float, message: str = "") -> None:
        self.check()

    def check(self) -> None:
        if self._is_up.is_set():
            raise Cancelled("Cancelled on request.")


def run_side_by_side(asks: Sequence[Callable[[Progress], None]], progress: Progress, message: str) -> None:
    """Run them in threads; the first error is raised after all have ended. A cancel starts no further one."""
    if len(asks) == 1:  # in this thread: one call needs no other connection to the database
        progress.update(0.0, message)
        asks[0](progress)
        return
    errors: list[BaseException] = []
    done, stop = 0, StopSign()

    def in_thread(ask: Callable[[Progress], None]) -> None:
        try:
            ask(stop)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(min(len(asks), conf.concurrent_calls()), thread_name_prefix="nova") as pool:
        waiting: set[Future[None]] = {pool.submit(in_thread, ask) for ask in asks}
        while waiting:
            finished, waiting = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            done += len(finished)
            errors += [error for future in finished if (error := future.exception()) is not None]
            try:
                progress.update(done / len(asks), f"{message}: {done} of {len(asks)} pieces")
            except Cancelled as cancelled:
                stop.raise_it()
                waiting = {future for future in waiting if not future.cancel()}
                errors.insert(0, cancelled)
                progress = NO_PROGRESS
    if errors:
        raise errors[0]


@contextmanager
def sendable(piece: ProxyClip, medium: str, file_id: int | None) -> Iterator[tuple[Path | None, str]]:
    """The piece inside the request where it is small enough; else by way of S3, and gone from there afterwards."""
    if converse.can_go_inline(piece.path.stat().st_size):
        yield piece.path, ""
        return
    key = f"{staging.REALTIME_PREFIX}/{staging.new_id()}.{PLACES[medium][1]}"
    try:
        yield None, staging.upload(piece.path, key, file_id=file_id)
    finally:
        # A copy that stays behind is no reason to lose an answer that was paid: somebody is told, and S3's rule clears.
        try:
            staging.delete([key])
        except BedrockError as exc:
            text = f"A copy of a video could not be deleted from S3: {exc}"
            remedy = exc.remedy or "Allow your AWS user s3:DeleteObject (docs/aws.md)."
            notices.notify(NOT_DELETED, text, remedy=remedy)
        else:
            notices.clear(NOT_DELETED)
