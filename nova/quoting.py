"""What asking Nova about a selection would take, before anything is sent. Reads rows only: no hash, no drive."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import F, Func, IntegerField
from django.db.models.functions import Length

from bedrock import catalogue, pricing
from bedrock import conf as bedrock_conf
from bedrock.errors import BedrockError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel
from bedrock.pricing import Range, TokenEstimate
from files import conf as files_conf
from files import humanize
from files.models import File, FileQuerySet
from files.selection.facets import applicable
from jobs.bulk import ROWS_PER_STATEMENT
from nova.models import LOCAL
from nova.options import AnalysisRequest
from nova.questions import estimating, preparing
from nova.questions.prompts import TRANSCRIPT_CHARS, Context, build_prompt
from nova.replies.merging import Span
from nova.tasks import require_askable
from transcription.models import Transcript

ZERO = Decimal(0)
#: What is known of a file is counted in steps, so that there are few different prices.
ROUND_TOKENS = 200
#: What stands around each line of a transcript, and around name and folder.
LINE_CHARS, FRAME_CHARS = 11, 300


@dataclass(kw_only=True)
class Quote:
    """Files, questions and money. `usd_low` and `usd_high` are None where the model is unpriced."""

    total: int = 0
    todo: int = 0
    already_done: int = 0
    records: int = 0
    estimate: TokenEstimate = pricing.NOTHING
    mode: str = ""
    discount: Decimal | None = None
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def usd_low(self) -> Decimal | None:
        return self.estimate.usd_low

    @property
    def usd_high(self) -> Decimal | None:
        return self.estimate.usd_high


def quote(selection: FileQuerySet, request: AnalysisRequest, *, force: bool = False) -> Quote:
    """Records, tokens and a low and a high cost; what was answered before is counted apart and costs nothing.

    A refusal of the model or of the mode is in `refusals`. Raises UnknownTypeError.
    """
    made = Quote(total=selection.count(), mode=request.mode)
    if request.model == LOCAL:
        made.todo = made.records = applicable(selection, "has_analysis").count()
        return made
    try:
        require_askable(request)
        model = catalogue.model(request.model)
    except BedrockError as exc:
        made.refusals.append(f"{exc} {exc.remedy}".strip())
        return made
    made.discount = model.discount(request.mode, bedrock_conf.region())
    videos = applicable(selection, "has_nova_analysis")
    count = _Count(model, request, force=force)
    rows = videos.order_by("pk").prefetch_related("proxies").iterator(chunk_size=ROWS_PER_STATEMENT)
    while files := list(islice(rows, ROWS_PER_STATEMENT)):
        count.add(files)
    made.todo, made.already_done, made.records = count.todo, count.done, count.records
    made.estimate = count.estimate()
    made.warnings += _warnings(made, count, request)
    return made


class _Count:
    """Adds up questions. Files of one length cost the same, so there are few different prices."""

    def __init__(self, model: CatalogueModel, request: AnalysisRequest, *, force: bool) -> None:
        self.model, self.request, self.force = model, request, force
        self.todo = self.done = self.records = self.unhashed_away = self.without_length = 0
        self._kinds: dict[tuple[int, tuple[str, ...], Range], int] = {}
        self._seen: set[str] = set()
        self._types = preparing.asked_types(request)

    def add(self, files: Sequence[File]) -> None:
        keyed = {file.pk: preparing.keyed_spans(file, self.model, self.request, spec_in_rows(file)) for file in files}
        # A file without a hash was never asked about.
        hashed = [file.pk for file in files if file.full_hash and not self.force]
        known = preparing.replies_of([key for pk in hashed for _, key in keyed[pk]])
        said = _said(files)
        for file in files:
            self.without_length += not file.duration_s
            self.unhashed_away += not file.full_hash and file.state != File.State.AVAILABLE
            asks = 0
            cut = preparing.pieces_with(keyed[file.pk], self._types, known if file.full_hash else {})
            pieces = len(cut)
            for piece in cut:
                names = tuple(sorted(one.name for one in piece.missing)) or ()
                # Copies are asked about once, but where it is asked anew: then each for itself.
                if not names or (file.full_hash and not self.force and piece.content_key in self._seen):
                    continue
                self._seen.add(piece.content_key)
                material = _material(file, said.get(file.pk, NOTHING_SAID), pieces)
                kind = (math.ceil(piece.span.end_s - piece.span.start_s), names, material)
                self._kinds[kind] = self._kinds.get(kind, 0) + 1
                asks += 1
            self.records += asks
            self.todo += bool(asks)
            self.done += not asks

    def estimate(self) -> TokenEstimate:
        total = pricing.NOTHING
        # What is sent with each of these files, but for what is known of it: types of one's own may be long.
        prompts = {
            names: build_prompt(
                [spec for spec, _ in self._types if spec.name in names],
                language=self.request.language,
                depth=self.request.depth,
                duration_s=100_000.0,
                context=Context(),
            )
            for _, names, _ in self._kinds
        }
        for (length_s, names, material), times in self._kinds.items():
            one = estimating.of_piece(
                self.model,
                self.request.mode,
                Span(0.0, float(length_s)),
                names,
                depth=self.request.depth,
                prompt=prompts[names],
                material=material,
            )
            total = total + one.times(times)
        return total


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


def spec_in_rows(file: File) -> str:
    """The spec of the proxy that would be sent, by what the rows say."""
    specs = [proxy.proxy_spec for proxy in sorted(file.proxies.all(), key=lambda one: one.size_bytes)]
    usual = files_conf.proxy_profile()
    return usual if usual in specs or not specs else specs[0]


def _warnings(made: Quote, count: _Count, request: AnalysisRequest) -> Iterator[str]:
    left_out = made.total - made.todo - made.already_done
    if left_out:
        yield f"{left_out} of {made.total} files are not videos and are left out: Nova looks at moving pictures."
    if made.records and made.usd_high is None:
        yield f"The price of {count.model.name} is not known: what this costs cannot be said."
    if count.unhashed_away:
        yield f"On drives that are away: {humanize.files(count.unhashed_away)}, which wait until they are connected."
    if count.without_length:
        yield f"Without a known length: {humanize.files(count.without_length)}; what they cost is a guess."
    least = bedrock_conf.batch().min_records if request.mode == "batch" else 0
    if 0 < made.records < least:
        yield (
            f"{made.records} records are {least - made.records} short of a batch: they wait until more come. "
            "Flex costs the same and starts at once."
        )
    left = booking.headroom_usd()
    if left is not None and made.usd_high is not None and made.usd_high > left:
        yield (
            f"This may take up to ${made.usd_high:.2f}, and ${max(left, ZERO):.2f} of this month's cap is left: "
            "the rest waits."
        )
