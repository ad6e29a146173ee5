"""Keeping answers, and making an analysis of them once the last one is there."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery, Sum

from bedrock.converse import ConverseReply
from bedrock.models import Entry
from bedrock.pricing import UNTOLD
from jobs.control import finish_parked
from nova.errors import AnalysisError, NovaError, ReplyError
from nova.kinds import BATCH_RECORD
from nova.models import NovaJob, Question, RawReply
from nova.notifications import announce
from nova.options import AnalysisRequest
from nova.questions import results
from nova.questions.preparing import length_s, types_of
from nova.replies.merging import Span, merge
from nova.replies.parsing import PARSER_VERSION, Parsed, parse_reply
from nova.types.registry import resolve_versions
from nova.types.spec import VIDEO, stored_schemas

#: Rows of one statement: each has many columns.
ROWS = 50
VERSION_CHARS = 64


def keep_reply(question: Question, reply: ConverseReply, *, mode: str, entry: Entry | None = None) -> RawReply:
    """Keep an answer for good, and answer with it everybody who asks the same. A second time changes nothing.

    Call it in the transaction that settles the entry.
    """
    keep_replies([(question, reply, entry)], mode=mode)
    return RawReply.objects.get(key=question.key)


def keep_replies(items: Sequence[tuple[Question, ConverseReply, Entry | None]], *, mode: str) -> None:
    """The same for many answers, in a few statements."""
    if not items:
        return
    rows = [_row(question, reply, mode, entry) for question, reply, entry in items]
    RawReply.objects.bulk_create(rows, ignore_conflicts=True, batch_size=ROWS)
    same = Question.objects.filter(key__in=[question.key for question, _, _ in items])
    kept = RawReply.objects.filter(key=OuterRef("key")).values("pk")[:1]
    same.exclude(state=Question.State.ANSWERED).update(state=Question.State.ANSWERED, reply=Subquery(kept), error="")


def _row(question: Question, reply: ConverseReply, mode: str, entry: Entry | None) -> RawReply:
    return RawReply(
        key=question.key,
        content_key=question.content_key,
        types=question.types,
        nova_job_id=question.nova_job_id,
        content_hash=question.nova_job.content_hash,
        model=question.nova_job.model,
        mode=mode,
        start_s=question.start_s,
        end_s=question.end_s,
        message=reply.raw,
        stop_reason=reply.stop_reason,
        usage=reply.usage.as_json(),
        cost_usd=_cost(entry, reply),
        prompt_version=question.prompt_version,
    )


def finish(nova_job: NovaJob) -> bool:
    """End an analysis whose questions are all settled: merge and keep its results, or say why not.

    Returns whether it is over. Safe to call at any time, from several workers at once.
    """
    with transaction.atomic():
        locked = NovaJob.objects.select_for_update(of=("self",)).select_related("file").get(pk=nova_job.pk)
        questions = list(locked.questions.select_related("reply", "nova_job"))
        if locked.status not in NovaJob.OPEN:
            return True
        if not questions or any(question.state in Question.OPEN for question in questions):
            done = sum(question.state not in Question.OPEN for question in questions) / max(1, len(questions))
            if locked.progress != done:
                locked.progress = done
                locked.save(update_fields=["progress"])
            return False
        book(locked)
        failed = [question for question in questions if question.state == Question.State.FAILED]
        error = failure_of(failed, questions) if failed else keep_results(locked, questions)
        if error:
            locked.fail(str(error))
        else:
            locked.complete()
        finish_parked(BATCH_RECORD, locked.pk, error=error, message="Analysed")
        file = locked.file
        if file is not None and error is None:
            transaction.on_commit(lambda: announce(file, locked))
    return True


def book(nova_job: NovaJob) -> None:
    """What this analysis itself cost: answers that were paid for by another one cost it nothing."""
    own = nova_job.raw_replies.all()
    nova_job.cost_usd = own.aggregate(total=Sum("cost_usd"))["total"] or Decimal(0)
    usages = own.values_list("usage", flat=True)
    nova_job.tokens_input = sum(int(usage.get("input_tokens", 0)) for usage in usages)
    nova_job.tokens_output = sum(int(usage.get("output_tokens", 0)) for usage in usages)
    nova_job.save(update_fields=["cost_usd", "tokens_input", "tokens_output"])


def read(nova_job: NovaJob, questions: Sequence[Question]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The results of answered questions, parsed, shifted to the source's times and merged, with notes.

    Raises ReplyError where no reply of a piece can be read.
    """
    parts: list[tuple[Span, dict[str, dict[str, Any]]]] = []
    notes: list[str] = []
    depth = AnalysisRequest.of(nova_job).depth
    is_cut = any(question.index for question in questions)
    for question in sorted(questions, key=lambda question: (question.index, question.pk or 0)):
        parsed = parse(question)
        where = f"piece {question.index + 1}: " if is_cut else ""
        notes += [f"{where}{note}" for note in parsed.notes]
        reply = question.reply
        start_s = reply.start_s if reply else question.start_s
        end_s = (reply.end_s if reply else question.end_s) or (nova_job.file and nova_job.file.duration_s) or start_s
        parts.append((Span(start_s, max(start_s, end_s)), parsed.results))
    medium = nova_job.file.media_type if nova_job.file else VIDEO
    digests = {name: digest for question in questions for name, digest in question.types.items()}
    types = resolve_versions(digests, depth, medium)
    merged, merge_notes = merge(parts, stored_schemas(types, depth))
    return merged, [*notes, *merge_notes]


def parse(question: Question) -> Parsed:
    """One reply, read with the current parser. Raises ReplyError."""
    reply = question.reply
    if reply is None:
        raise ReplyError("There is no reply to read.")
    types = types_of(question)
    return parse_reply(
        reply.message,
        schemas=stored_schemas(types, AnalysisRequest.of(question.nova_job).depth),
        duration_s=length_s(question),
        stop_reason=reply.stop_reason,
    )


def keep_results(nova_job: NovaJob, questions: Sequence[Question]) -> NovaError | None:
    """Read the replies and keep what they give; the reason where they give nothing."""
    try:
        merged, notes = read(nova_job, questions)
        if not merged:
            raise ReplyError("No reply gave a result that fits its form.")
    except ReplyError as exc:
        return exc
    versions = sorted({question.reply.prompt_version for question in questions if question.reply})
    results.keep(
        nova_job, merged, version=", ".join(versions)[:VERSION_CHARS], notes=notes, parser_version=PARSER_VERSION
    )
    return None


def failure_of(failed: Sequence[Question], questions: Sequence[Question]) -> AnalysisError:
    """Why an analysis failed, by the first of its questions that did."""
    first = failed[0]
    if len(questions) == 1:
        return AnalysisError(first.error, remedy="Retry, or choose another model or mode.")
    return AnalysisError(
        f"{len(failed)} of {len(questions)} pieces failed; piece {first.index + 1}: {first.error}",
        remedy="Retry: only the pieces that failed are asked again.",
    )


def _cost(entry: Entry | None, reply: ConverseReply) -> Decimal | None:
    price = entry.frozen_price() if entry else None
    return price.cost(reply.usage) if price and reply.usage != UNTOLD else None
