"""Questions that wait are asked in the words of the moment at which they are sent, and go by the name of these.

While a question waits for a batch or for the cap, an update of the program may change its prompt. Its key is made anew
just before money is reserved for it, so that what is asked, paid and kept is called what it is.
"""

from collections.abc import Sequence

from django.db import transaction

from bedrock.ledger import booking
from bedrock.models import CatalogueModel
from files.models import File
from nova.models import NovaJob, Question
from nova.options import AnalysisRequest
from nova.questions import ledger_calls, preparing
from nova.replies.merging import Span
from nova.types.registry import digest_of
from nova.types.spec import IMAGE


def rekey_all(nova_job: NovaJob, questions: Sequence[Question], model: CatalogueModel) -> list[Question]:
    """The questions of an analysis, those that wait and that no batch has under the name of what they ask now."""
    for question in questions:
        if question.state == Question.State.WAITING and question.bedrock_batch_id is None:
            question.nova_job = nova_job
            rekey(question, model)
    return list(nova_job.questions.all())


def rekey(question: Question, model: CatalogueModel) -> Question | None:
    """The same question where nothing has changed, else the one that takes its place (and its row).

    None where all that it asks now was answered before: then it is answered by that.
    """
    nova_job, file = question.nova_job, question.nova_job.file
    is_there = file is not None and (file.media_type == IMAGE or preparing.proxy_of(file) is not None)
    if file is None or not is_there or nova_job.content_hash not in ("", file.full_hash):
        return question  # it cannot be sent, and says so when it is tried
    depth = AnalysisRequest.of(nova_job).depth
    types = [(spec, digest_of(spec, depth)) for spec in preparing.types_of(question)]
    span, content_key = span_and_key(question, file, model, preparing.spec_of(file))
    if not types or preparing.question_key(content_key, {spec.name: digest for spec, digest in types}) == question.key:
        return question
    with transaction.atomic():
        (piece,) = preparing.pieces_with([(span, content_key)], types, preparing.replies_of([content_key]))
        for entry in ledger_calls.entries_of([question]).values():  # reserved under its earlier name, before a crash
            if entry.is_open and entry.sent_at is None:
                booking.release(entry, note="The program was updated: it is asked in other words.")
            elif entry.is_open:
                booking.possibly_paid(entry, "The call was sent, then its worker ended: the answer is lost.")
        rows = preparing.rows_of(nova_job, model, question.index, piece)
        for row in rows:
            row.start_s, row.end_s = question.start_s, question.end_s
        left = next((row for row in rows if row.state == Question.State.WAITING), None)
        Question.objects.bulk_create([row for row in rows if row is not left])
        if left is None:
            question.delete()
            return None
        left.pk, left.bedrock_batch, left.record_id = question.pk, question.bedrock_batch, question.record_id
        left.save(force_update=True)
        return left


def span_and_key(question: Question, file: File, model: CatalogueModel, spec: str) -> tuple[Span, str]:
    """The piece that it is about, with its key of now."""
    nova_job = question.nova_job
    request = AnalysisRequest.of(nova_job)
    keyed = preparing.keyed_spans(file, model, request, spec)
    if len(keyed) == nova_job.questions.order_by().values("index").distinct().count():
        return keyed[question.index]
    span = Span(question.start_s, question.end_s or 0.0)  # it would be cut otherwise now, and goes as it was cut
    return span, preparing.content_key(file, model, request, spec, span)
