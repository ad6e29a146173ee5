"""What asking Nova about a selection would take, before anything is sent. Reads rows only: no hash, no drive."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import F, Func, IntegerField
from django.db.models.functions import Length

from bedrock import batch_quotas, catalogue, converse, pricing
from bedrock import conf as bedrock_conf
from bedrock.errors import BedrockError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel
from bedrock.pricing import Range, TokenEstimate
from files import conf as files_conf
from files import humanize
from files.models import File, FileQuerySet
from files.selection.facets import ModeQuote, applicable
from jobs.bulk import ROWS_PER_STATEMENT
from nova.models import LOCAL, NovaJob
from nova.options import AnalysisRequest
from nova.questions import estimating, likely, preparing
from nova.questions.likely import LikelyPrice, OwnShare
from nova.questions.prompts import TRANSCRIPT_CHARS, Context, Prompt, build_prompt
from nova.replies.merging import Span
from nova.tasks import require_askable
from nova.types.built_in import BUILT_IN
from nova.types.flattening import schema_warnings
from nova.types.registry import resolve
from nova.types.spec import IMAGE, VIDEO
from transcription.models import Transcript

ZERO = Decimal(0)
#: What is known of a file is counted in steps, so that there are few different prices.
ROUND_TOKENS = 200
#: What stands around each line of a transcript, and around name and folder.
LINE_CHARS, FRAME_CHARS = 11, 300


@dataclass(kw_only=True)
class Quote:
    """Files, questions and money, and the same in each mode. Prices are None where the model is unpriced."""

    total: int = 0
    todo: int = 0
    already_done: int = 0
    records: int = 0
    estimate: TokenEstimate = pricing.NOTHING
    likely: LikelyPrice = field(default_factory=LikelyPrice)
    mode: str = ""
    modes: list[ModeQuote] = field(default_factory=list)
    discount: Decimal | None = None
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def usd_low(self) -> Decimal | None:
        return self.estimate.usd_low

    @property
    def usd_high(self) -> Decimal | None:
        return self.estimate.usd_high

    @property
    def usd_likely(self) -> Decimal | None:
        return self.likely.usd

    @property
    def likely_error(self) -> float | None:
        good = likely.quality() if self.todo else None
        return good.error if good else None


def quote(selection: FileQuerySet, request: AnalysisRequest, *, force: bool = False) -> Quote:
    """Records, tokens and what it costs: low, likely and high; what was answered before is counted apart and is free.

    Why it cannot be asked is in `refusals`; prices are given all the same. Raises UnknownTypeError.
    """
    made = Quote(total=selection.count(), mode=request.mode)
    if request.model == LOCAL:
        made.todo = made.records = local_askable(selection, request.types).count()
        made.likely = LikelyPrice(usd=ZERO)
        return made
    try:
        model = catalogue.model(request.model)
    except BedrockError as exc:
        made.refusals.append(f"{exc} {exc.remedy}".strip())
        return made
    refusal = refuse_reason(model, request.mode)
    made.refusals += [refusal] if refusal else []
    made.discount = model.discount(request.mode, bedrock_conf.region())
    videos = askable(selection, request)
    count = QuestionCount(model, request, force=force)
    rows = videos.order_by("pk").prefetch_related("proxies").iterator(chunk_size=ROWS_PER_STATEMENT)
    if model.video_sampling() is None:
        made.refusals = made.refusals or [f"{model.name} takes no video. Choose another model."]
        return made
    while files := list(islice(rows, ROWS_PER_STATEMENT)):
        count.add(files)
    made.todo, made.already_done, made.records = count.todo, count.done, count.records
    made.estimate, made.likely = count.price(request.mode)
    made.modes = [
        count.in_mode(mode, label, refusal if mode == request.mode else refuse_reason(model, mode))
        for mode, label in NovaJob.Mode.choices
    ]
    if not refusal:
        made.refusals += count.impossible()
    made.warnings += _warnings(made, count, request)
    return made


def askable(selection: FileQuerySet, request: AnalysisRequest) -> FileQuerySet:
    """The files of a selection that Nova sees and that something of what is asked is for. Raises UnknownTypeError."""
    media = [medium for medium in (VIDEO, IMAGE) if resolve(request.types, medium)]
    return applicable(selection, "has_nova_analysis").filter(media_type__in=media)


def local_askable(selection: FileQuerySet, types: Sequence[str]) -> FileQuerySet:
    """The files of a selection that the local model can make something of, of these types."""
    media = [
        medium
        for medium in File.MediaType.values
        if any(BUILT_IN[name].is_local(medium) for name in types if name in BUILT_IN)
    ]
    return applicable(selection, "has_analysis").filter(media_type__in=media)


def refuse_reason(model: CatalogueModel, mode: str) -> str:
    """Why this model cannot be asked in this mode now, with what to do; empty = it can."""
    try:
        require_askable(AnalysisRequest(model=model.key, types=(), mode=mode))
    except BedrockError as exc:
        return f"{exc} {exc.remedy}".strip()
    return ""


class QuestionCount:
    """Adds up questions. Files of one length cost the same, so there are few different prices."""

    def __init__(self, model: CatalogueModel, request: AnalysisRequest, *, force: bool) -> None:
        self.model, self.request, self.force = model, request, force
        self.todo = self.done = self.records = self.unhashed_away = self.without_length = self.too_large = 0
        self.needs_bucket = request.mode != NovaJob.Mode.BATCH and not bedrock_conf.bucket()
        self.dearest_usd: Decimal | None = None
        self._kinds: dict[tuple[str, int, tuple[str, ...], Range], int] = {}
        self._seen: set[str] = set()
        self._types = {medium: preparing.asked_types(request, medium) for medium in (VIDEO, IMAGE)}

    def add(self, files: Sequence[File]) -> None:
        keyed = {file.pk: preparing.keyed_spans(file, self.model, self.request, spec_in_rows(file)) for file in files}
        # A file without a hash was never asked about.
        hashed = [file.pk for file in files if file.full_hash and not self.force]
        known = preparing.replies_of([key for pk in hashed for _, key in keyed[pk]])
        said = _said(files)
        for file in files:
            self.without_length += file.media_type == VIDEO and not file.duration_s
            self.unhashed_away += not file.full_hash and file.state != File.State.AVAILABLE
            asks = 0
            cut = preparing.pieces_with(keyed[file.pk], self._types[file.media_type], known if file.full_hash else {})
            pieces = len(cut)
            for piece in cut:
                names = tuple(sorted(spec.name for spec in piece.missing))
                # Copies are asked about once, but where it is asked anew: then each for itself.
                if not names or (file.full_hash and not self.force and piece.content_key in self._seen):
                    continue
                self._seen.add(piece.content_key)
                material = _material(file, said.get(file.pk, NOTHING_SAID), pieces)
                kind = (file.media_type, math.ceil(piece.span.end_s - piece.span.start_s), names, material)
                self._kinds[kind] = self._kinds.get(kind, 0) + 1
                asks += 1
            self.records += asks
            self.too_large += bool(asks) and self.needs_bucket and is_beyond_inline(file, pieces)
            self.todo += bool(asks)
            self.done += not asks

    def price(self, mode: str) -> tuple[TokenEstimate, LikelyPrice]:
        """All questions in this mode: the two figures, and the likely one between them."""
        total, likely_price = pricing.NOTHING, LikelyPrice(usd=Decimal(0))
        prompts: dict[tuple[str, tuple[str, ...]], Prompt] = {}
        shares: dict[tuple[str, tuple[str, ...]], OwnShare | None] = {}
        depth = self.request.depth
        for (medium, length_s, names, material), times in self._kinds.items():
            if (medium, names) not in prompts:
                prompts[medium, names] = self.prompt_of(names, medium)
                shares[medium, names] = likely.own_share(self.model.key, mode, names, medium)
            span = Span(0.0, float(length_s))
            estimate = estimating.of_piece(
                self.model,
                mode,
                span,
                names,
                depth=depth,
                prompt=prompts[medium, names],
                material=material,
                medium=medium,
            )
            own = shares[medium, names]
            usd = (
                likely.between(estimate, own.share)
                if own
                else likely.typical_usd(self.model, mode, span, names, depth=depth, estimate=estimate, medium=medium)
            )
            total = total + estimate.times(times)
            likely_price = likely_price.plus(usd, times, own)
            if mode == self.request.mode and estimate.usd_high is not None:
                self.dearest_usd = max(estimate.usd_high, self.dearest_usd or ZERO)
        return total, likely_price

    def in_mode(self, mode: str, label: str, reason: str) -> ModeQuote:
        """All questions in this mode, as they stand beside the other modes; `reason` is why it cannot be had."""
        estimate, likely_price = self.price(mode)
        return ModeQuote(
            mode=mode,
            label=str(label),
            usd_low=estimate.usd_low,
            usd_likely=likely_price.usd,
            usd_high=estimate.usd_high,
            is_available=not reason,
            reason=reason,
            is_chosen=mode == self.request.mode,
        )

    def impossible(self) -> Iterator[str]:
        """What would fail after the button: a call beyond any month's cap, videos too large to be sent without S3."""
        cap = bedrock_conf.budget_usd()
        if cap is not None and self.dearest_usd is not None and self.dearest_usd > cap:
            yield (
                f"One call may take up to ${self.dearest_usd:.2f}, and the cap of a whole month is ${cap:.2f}: it "
                "could never be made. Raise NOVA_MONTHLY_BUDGET_USD and restart, ask for fewer types, or use the free "
                "local model."
            )
        if self.too_large and self.too_large == self.todo:
            yield self.too_large_words()

    def too_large_words(self) -> str:
        return (
            f"Too large to be sent without S3: {humanize.files(self.too_large)}. Set S3_BUCKET_NAME, or make smaller "
            "proxies."
        )

    def prompt_of(self, names: Sequence[str], medium: str) -> Prompt:
        """What is sent with each file, but for what is known of it: types of one's own may be long."""
        return build_prompt(
            [spec for spec, _ in self._types[medium] if spec.name in names],
            language=self.request.language,
            depth=self.request.depth,
            duration_s=100_000.0,
            context=Context(),
            medium=medium,
        )


class _Said(NamedTuple):
    """How long a transcript is, with the times before its lines: in signs, and in bytes."""

    chars: int
    bytes: int


NOTHING_SAID = _Said(0, 0)


class _Bytes(Func):
    """The length of a text in bytes."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite knows that function since 3.43."""
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)


def _said(files: Sequence[File]) -> dict[int, _Said]:
    rows = Transcript.objects.filter(file__in=[file.pk for file in files], is_current=True)
    lengths = rows.annotate(chars=Length("text"), bytes=_Bytes("text"), lines=F("segment_count") * LINE_CHARS)
    values = lengths.values_list("file_id", "chars", "bytes", "lines")
    return {file_id: _Said(chars + around, size + around) for file_id, chars, size, around in values}


def _material(file: File, said: _Said, pieces: int) -> Range:
    """The tokens of what is known of a file, in one of its pieces: as `pricing.text_tokens` counts them."""
    share = min(1.0, TRANSCRIPT_CHARS * pieces / said.chars) / pieces if said.chars else 0.0
    frame = len(f"{file.name}{file.path}".encode()) + FRAME_CHARS
    low, high = said.chars * share / 5, (said.bytes * share + frame) / 2
    steps = math.floor(low / ROUND_TOKENS), math.ceil(high / ROUND_TOKENS)
    return Range(low=steps[0] * ROUND_TOKENS, high=steps[1] * ROUND_TOKENS)


def is_beyond_inline(file: File, pieces: int) -> bool:
    """Whether a piece of the proxy that would be sent is too large for the request itself, by what the rows say."""
    if file.media_type == IMAGE:
        return False
    spec = spec_in_rows(file)
    sizes = [proxy.size_bytes for proxy in file.proxies.all() if proxy.proxy_spec == spec]
    return bool(sizes) and not converse.can_go_inline(math.ceil(min(sizes) / pieces))


def spec_in_rows(file: File) -> str:
    """The spec of what would be sent, by what the rows say."""
    if file.media_type == IMAGE:
        return preparing.PICTURE_SPEC
    specs = [proxy.proxy_spec for proxy in sorted(file.proxies.all(), key=lambda proxy: proxy.size_bytes)]
    usual = files_conf.proxy_profile()
    return usual if usual in specs or not specs else specs[0]


def _warnings(made: Quote, count: QuestionCount, request: AnalysisRequest) -> Iterator[str]:
    left_out = made.total - made.todo - made.already_done
    if left_out:
        yield (
            f"{left_out} of {made.total} files are left out: Nova sees videos and pictures and hears nothing, and not "
            "every analysis type is for both."
        )
    if request.mode != NovaJob.Mode.BATCH and made.records:  # a batch asks in words
        for spec in resolve([name for name in request.types if name not in BUILT_IN]):
            yield from (f"{spec.name}: {warning}" for warning in schema_warnings(spec.schema))
    if made.records and made.usd_high is None:
        yield f"The price of {count.model.name} is not known: what this costs cannot be said."
    if count.unhashed_away:
        yield f"On drives that are away: {humanize.files(count.unhashed_away)}, which wait until they are connected."
    if count.without_length:
        yield f"Without a known length: {humanize.files(count.without_length)}; what they cost is a guess."
    least = batch_quotas.of(count.model).min_records if request.mode == "batch" else 0
    if 0 < made.records < least:
        yield (
            f"{made.records} records are {least - made.records} short of a batch: they wait until more come. "
            "Flex costs the same and starts at once."
        )
    if 0 < count.too_large < made.todo:
        yield count.too_large_words()
    left = booking.headroom_usd()
    if left is not None and made.usd_high is not None and made.usd_high > left:
        yield (
            f"This may take up to ${made.usd_high:.2f}, and ${max(left, ZERO):.2f} of this month's cap is left: "
            "the rest waits."
        )
