"""Questions that wait for a batch: making batches of them, running them now instead, and giving them back.

A question is in the pool while it waits, its analysis waits in batch mode, and no batch has it. Every change is one
transaction, so that two who send at once never send the same question.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from bedrock import batch_quotas, catalogue, staging
from bedrock import conf as bedrock_conf
from bedrock.batch import jobs
from bedrock.errors import BedrockError, BusyError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel, Entry
from files import conf as files_conf
from files.models import Proxy
from jobs import notices
from jobs.bulk import ROWS_PER_STATEMENT, sliced
from jobs.control import cancel_for_subject, finish_parked, report_all_parked
from jobs.models import Job
from jobs.queue import enqueue
from nova.batch.planning import Record, in_words, plan
from nova.kinds import ASK_NOVA, BATCH_RECORD, SEND_BATCH
from nova.models import BedrockBatch, NovaJob, Question, QuestionQuerySet, RawReply
from nova.options import AnalysisRequest
from nova.questions import estimating, ledger_calls, reply_store
from nova.replies.merging import Span

#: What a record's line may take beside its video: the prompt, a long transcript, the schema.
LINE_BYTES = 40_000
#: What a picture has as it is sent, at most in most cases: it has no proxy that could be asked.
PICTURE_BYTES = 500_000
WAITS = "Waits for a full batch"
ON_ITS_WAY = "Waits: the same is on its way, and its answer is used here too"
GOES_ON = "it goes on by itself when one of them ends."
#: Keys of notices, before the model's.
WAITS_NOTICE, REFUSED_NOTICE = "nova-batch-waits-", "nova-batch-"


@dataclass(frozen=True, kw_only=True)
class WaitingQuestions:
    """What waits for a full batch of one model, and what it would cost to run it now."""

    model_key: str
    records: int
    minimum: int
    usd_realtime: Decimal | None
    usd_flex: Decimal | None
    #: Batches of this model that AWS has, where it takes no more at a time; else 0.
    at_aws: int = 0

    @property
    def short(self) -> int:
        return max(0, self.minimum - self.records)

    @property
    def words(self) -> str:
        words = in_words(self.records, self.minimum, self.usd_realtime, self.usd_flex)
        if self.short or not self.at_aws:
            return words
        return f"{words} {as_many_as_it_takes(self.at_aws)}: {GOES_ON}"


# --- sending --------------------------------------------------------------------------------------------------------


def send(model_key: str, *, by_hand: bool = False) -> list[BedrockBatch]:
    """Make batches of what waits for this model, and have them sent. By itself only when nothing more is coming.

    Fewer than Bedrock's minimum go on waiting. By hand it does not wait for files that are still being prepared, nor
    for a change after AWS refused; then the reason why nothing can be sent is raised (BedrockError).
    """
    tidy(model_key)
    if not by_hand and (is_filling(model_key) or is_held(model_key)):
        return []
    try:
        model = catalogue.require(model_key, NovaJob.Mode.BATCH)
        jobs.role_arn()
    except BedrockError as exc:
        words = ledger_calls.in_words(exc)
        waiting = _pool(model_key)
        if waiting.exists():
            NovaJob.objects.filter(pk__in=waiting.values("nova_job")).exclude(error=words).wait_again(words)
            notices.notify(f"{REFUSED_NOTICE}{model_key}", f"Batches wait: {exc}", level="error", remedy=exc.remedy)
        if by_hand:
            raise
        return []
    if by_hand and not room_for(model):
        raise BusyError(f"{as_many_as_it_takes(batches_at_aws(model_key))}.", remedy=GOES_ON.capitalize())
    batches = make_batches(model)
    tell_waiting(model_key)
    return batches


def models_waiting() -> list[str]:
    """The models that questions wait for."""
    keys = Question.objects.poolable().order_by("nova_job__model").values_list("nova_job__model", flat=True)
    return list(keys.distinct())


def tidy(model_key: str) -> None:
    """Answer what was answered meanwhile, and end analyses that have nothing left to wait for."""
    ledger_calls.free_the_dead()
    known = RawReply.objects.filter(key=OuterRef("key"))
    answered = _pool(model_key).filter(Exists(known))
    answered.update(state=Question.State.ANSWERED, reply=Subquery(known.values("pk")[:1]), error="")
    every = Question.objects.filter(nova_job=OuterRef("pk"))
    waiting = NovaJob.objects.filter(model=model_key, mode=NovaJob.Mode.BATCH, status=NovaJob.Status.WAITING)
    for nova_job in waiting.filter(Exists(every)).exclude(Exists(every.filter(state__in=Question.OPEN))):
        reply_store.finish(nova_job)


def is_filling(model_key: str) -> bool:
    """Whether more questions for this model are being made, and there is room for them in a job."""
    coming = Job.objects.active().filter(kind=BATCH_RECORD, is_parked=False, run_after__lte=timezone.now())
    mine = NovaJob.objects.filter(pk=OuterRef("subject_id"), model=model_key)
    most = batch_quotas.of(catalogue.model(model_key)).max_records
    return coming.filter(Exists(mine)).exists() and _pool(model_key).count() < most


def batches_at_aws(model_key: str) -> int:
    """Our batches of this model that AWS has, or is about to have: what its quota of jobs at a time counts."""
    return BedrockBatch.objects.filter(model_key=model_key, ended_at__isnull=True).count()


def as_many_as_it_takes(count: int) -> str:
    """What a person is told where AWS takes no more of our batches now."""
    return f"AWS has {'one batch' if count == 1 else f'{count:,} batches'} of this model, as many as it takes at a time"


def room_for(model: CatalogueModel) -> int:
    """How many more batches of this model AWS takes now, as far as we know: others of the account may use the quota."""
    return max(0, batch_quotas.of(model).max_jobs - batches_at_aws(model.key))


def is_held(model_key: str) -> bool:
    """Whether AWS refused the last batch, and neither the settings nor what is left of the cap have changed since."""
    last = BedrockBatch.objects.filter(model_key=model_key).order_by("-pk").first()
    if last is None or not last.hold:
        return False
    if last.needs_usd is not None:
        left = booking.headroom_usd()
        return left is not None and left < last.needs_usd
    others = BedrockBatch.objects.filter(model_key=model_key).exclude(pk=last.pk).exclude(arn="")
    if last.ended_at and others.filter(ended_at__gt=last.ended_at).exists():
        return False  # one of ours has ended: if it was for a quota, there is room again
    return last.hold == settings_digest(model_key)


def settings_digest(model_key: str) -> str:
    """A hash of what a batch may have been refused for: settings, the model's id and price."""
    model = catalogue.model(model_key)
    asked = (catalogue.runtime_id(model), catalogue.price(model, NovaJob.Mode.BATCH))
    settings = (bedrock_conf.batch(), bedrock_conf.bucket(), bedrock_conf.region(), bedrock_conf.budget_usd())
    return hashlib.sha256(repr((asked, settings)).encode()).hexdigest()


def waiting(model_key: str) -> WaitingQuestions:
    """What waits for this model, in numbers and words."""
    model = catalogue.model(model_key)
    rows = {question.key: question for question in _pool(model_key).select_related("nova_job")}
    for key in _asked_elsewhere({key: question.pk for key, question in rows.items()}):
        del rows[key]
    return WaitingQuestions(
        model_key=model_key,
        records=len(rows),
        minimum=batch_quotas.of(model).min_records,
        at_aws=batches_at_aws(model_key) if not room_for(model) else 0,
        usd_realtime=_now_usd(rows.values(), model, NovaJob.Mode.REALTIME),
        usd_flex=_now_usd(rows.values(), model, NovaJob.Mode.FLEX),
    )


def all_waiting() -> list[WaitingQuestions]:
    """What waits, by model; those that wait for an answer which is on its way are left out."""
    return [said for key in models_waiting() if (said := waiting(key)).records]


def forget_notices() -> None:
    """Clear what is said of models that nothing waits for any more."""
    for key in list(notices.standing().filter(key__startswith="nova-batch").values_list("key", flat=True)):
        model_key = key.removeprefix(WAITS_NOTICE).removeprefix(REFUSED_NOTICE)
        if not _pool(model_key).exists() and not BedrockBatch.objects.open().filter(model_key=model_key).exists():
            notices.clear(key)


def tell_waiting(model_key: str) -> None:
    """Say what waits where people look: on the home page and on the jobs."""
    key = f"{WAITS_NOTICE}{model_key}"
    if not _pool(model_key).exists():
        notices.clear(key)
        return
    said = waiting(model_key)
    words = f"{WAITS}: {said.words}" if said.records else ON_ITS_WAY
    if not said.records:
        notices.clear(key)
    elif said.short:
        name = catalogue.model(model_key).name
        notices.notify(key, f"{name}: {said.words}.", level="info", url=reverse("nova"))
    ids = list(_pool(model_key).order_by().values_list("nova_job_id", flat=True).distinct())
    stale = Job.objects.running().filter(kind=BATCH_RECORD, is_parked=True).exclude(message=words)
    if stale.filter(subject_id__in=ids[:1]).exists():
        report_all_parked(BATCH_RECORD, ids, 0.0, words)


# --- leaving the pool ------------------------------------------------------------------------------------------------


def run_now(nova_jobs: Iterable[NovaJob], mode: str) -> int:
    """Run analyses that wait for a batch in realtime or flex instead. Returns how many.

    Those that were sent stay, and those that wait for an answer which is on its way.

    Raises ModelRefusedError where the model can't be asked in this mode.
    """
    switched = 0
    for nova_job in nova_jobs:
        model = catalogue.require(nova_job.model, mode)
        with transaction.atomic():
            locked = NovaJob.objects.select_for_update().get(pk=nova_job.pk)
            rows = list(locked.questions.filter(state=Question.State.WAITING))
            is_sent = locked.questions.filter(state=Question.State.ASKED).exists()
            waits = (locked.status, locked.mode) == (NovaJob.Status.WAITING, NovaJob.Mode.BATCH)
            if is_sent or not waits or ledger_calls.are_in_a_batch(rows):
                continue
            _leave(locked)
            for question in rows:
                question.estimated_usd = _usd(question, model, mode, AnalysisRequest.of(locked).depth)
            Question.objects.bulk_update(rows, ["estimated_usd"], batch_size=ROWS_PER_STATEMENT)
            locked.switch(mode)
            finish_parked(BATCH_RECORD, locked.pk, message=f"Runs now, in {mode}")
            enqueue(ASK_NOVA, locked.pk)
            switched += 1
    return switched


def cancel_question(nova_job_id: int) -> None:
    """An analysis leaves the pool. What was sent is paid for anyway: its answer is still kept when it comes."""
    with transaction.atomic():
        nova_job = NovaJob.objects.select_for_update().filter(pk=nova_job_id).first()
        if nova_job is None:
            return
        _leave(nova_job)
        if nova_job.status in NovaJob.OPEN:
            nova_job.cancel()


def cancel_analyses(nova_job_ids: Iterable[int]) -> None:
    """Cancel analyses with their jobs."""
    for pk in nova_job_ids:
        if not cancel_for_subject("nova_job", pk):
            cancel_question(pk)


def _leave(nova_job: NovaJob) -> None:
    """Take its unsent questions out of the batch that is being prepared, if there is one."""
    mine = nova_job.questions.select_for_update().filter(state=Question.State.WAITING)
    staged = list(mine.filter(bedrock_batch__isnull=False))
    release(staged, note="It left its batch before it was sent.")
    Question.objects.filter(pk__in=[question.pk for question in staged]).update(bedrock_batch=None, record_id=None)


def give_back(questions: Sequence[Question], reason: str) -> None:
    """Into the pool again, with their reservations released: nothing was answered, so nothing is charged."""
    with transaction.atomic():
        release(questions, note=reason)
        for some in sliced(questions):
            rows = Question.objects.open().filter(pk__in=[question.pk for question in some])
            rows.update(state=Question.State.WAITING, bedrock_batch=None, record_id=None, error=reason)
            ids = sorted({question.nova_job_id for question in some})
            NovaJob.objects.filter(pk__in=ids).wait_again(reason)
            report_all_parked(BATCH_RECORD, ids, 0.0, f"{WAITS}: {reason}")


def release(questions: Sequence[Question], *, note: str) -> None:
    """Give back what was reserved for these questions."""
    reserved = [entry for entry in ledger_calls.entries_of(questions).values() if entry.is_open]
    if reserved:
        booking.release(*reserved, note=note)


# --- making batches --------------------------------------------------------------------------------------------------


class PooledQuestion(NamedTuple):
    """What planning needs of a question."""

    pk: int
    key: str
    start_s: float
    end_s: float | None
    file_id: int | None
    duration_s: float | None

    def bytes_of(self, proxy_bytes: int) -> int:
        """Of its piece of the proxy and its line."""
        whole, length = self.duration_s or 0.0, (self.end_s or 0.0) - self.start_s
        share = min(1.0, length / whole) if whole and length > 0 else 1.0
        return round((proxy_bytes or PICTURE_BYTES) * share) + LINE_BYTES


def make_batches(model: CatalogueModel) -> list[BedrockBatch]:
    """Batches of what is in the pool now, and the work of sending them. What no job can hold fails alone."""
    limits = batch_quotas.of(model)
    with transaction.atomic():
        candidates = candidates_in_pool(model.key)
        sizes = proxy_sizes(sorted({row.file_id for row in candidates if row.file_id is not None}))
        records = [Record(key=str(row.pk), bytes=row.bytes_of(sizes.get(row.file_id or 0, 0))) for row in candidates]
        made = plan(records, minimum=limits.min_records, maximum=limits.max_records, max_bytes=limits.max_job_bytes)
        batches = [create_batch(model, job) for job in made.jobs[: room_for(model)]]
    for record in made.too_large:
        question = Question.objects.select_related("nova_job").get(pk=int(record.key))
        question.fail(
            f"The video has {record.bytes / 1e9:.1f} GB, and a batch job takes {limits.max_job_bytes / 1e9:.1f} GB: "
            "make a smaller proxy, or raise NOVA_BATCH_MAX_BYTES if AWS has raised your quota."
        )
        reply_store.finish(question.nova_job)
    return batches


def candidates_in_pool(model_key: str) -> list[PooledQuestion]:
    """The pool, each key once, without what is being asked elsewhere."""
    fields = ("pk", "key", "start_s", "end_s", "nova_job__file_id", "nova_job__file__duration_s")
    locked = _pool(model_key).order_by("pk").select_for_update(of=("self",))
    rows = {row.key: row for row in reversed([PooledQuestion(*values) for values in locked.values_list(*fields)])}
    for key in _asked_elsewhere({key: row.pk for key, row in rows.items()}):
        del rows[key]
    return sorted(rows.values())


def proxy_sizes(file_ids: Sequence[int]) -> dict[int, int]:
    """The size of the proxy that will be sent, by file: of the profile in use, else the smallest."""
    usual, best = files_conf.proxy_profile(), dict[int, tuple[bool, int]]()
    for some_ids in sliced(file_ids):
        rows = Proxy.objects.filter(file_id__in=some_ids)
        for file_id, spec, size in rows.values_list("file_id", "proxy_spec", "size_bytes"):
            rank = (spec != usual, size)
            best[file_id] = min(best.get(file_id, rank), rank)
    return {file_id: size for file_id, (_, size) in best.items()}


def create_batch(model: CatalogueModel, records: Sequence[Record]) -> BedrockBatch:
    """The row with the names that are needed for going on after a crash, its questions, and the work of sending."""
    folder = staging.new_id()
    batch = BedrockBatch.objects.create(
        folder=folder,
        place=bedrock_conf.here(),
        client_token=f"novaproject-{folder}-{staging.new_id()}",
        model_key=model.key,
        runtime_id=catalogue.runtime_id(model),
    )
    # A few at a time: one `bulk_update` holds the expressions of all its rows at once.
    for portion in sliced(records):
        rows = [Question(pk=int(record.key), bedrock_batch=batch, record_id=staging.new_id()) for record in portion]
        Question.objects.bulk_update(rows, ["bedrock_batch", "record_id"], batch_size=ROWS_PER_STATEMENT // 2)
    enqueue(SEND_BATCH, batch.pk)
    return batch


# --- inside ---------------------------------------------------------------------------------------------------------


def _pool(model_key: str) -> QuestionQuerySet:
    return Question.objects.poolable().filter(nova_job__model=model_key)


def _asked_elsewhere(pks: dict[str, int]) -> set[str]:
    """The keys that a batch has, or that another call has reserved."""
    keys_elsewhere: set[str] = set()
    for keys in sliced(list(pks)):
        sent = Question.objects.open().filter(key__in=keys, bedrock_batch__isnull=False)
        keys_elsewhere.update(sent.values_list("key", flat=True))
        reserved = Entry.objects.filter(question__in=keys, state=Entry.State.RESERVED)
        holders = reserved.values_list("question", "holder")
        keys_elsewhere.update(key for key, holder in holders if holder != f"{ledger_calls.HOLDER}{pks[key]}")
    return keys_elsewhere


def _now_usd(rows: Iterable[Question], model: CatalogueModel, mode: str) -> Decimal | None:
    if catalogue.refuse_reason(model, mode):
        return None
    costs = [_usd(question, model, mode, AnalysisRequest.of(question.nova_job).depth) for question in rows]
    return None if any(cost is None for cost in costs) else sum((cost or Decimal(0) for cost in costs), Decimal(0))


def _usd(question: Question, model: CatalogueModel, mode: str, depth: str) -> Decimal | None:
    span = Span(question.start_s, question.end_s or question.start_s)
    return estimating.of_piece(model, mode, span, question.types, depth=depth).usd_low
