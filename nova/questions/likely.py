"""What a call to Nova will most likely cost: between the low figure and what the ledger reserves.

The two lie far apart, because nobody knows how long an answer gets. What calls of the same model, mode and types did
cost tells: where between the two they ended, as a share. The length of the video cancels out of it, and so does the
price. Before there are enough of these, usual lengths of answers stand in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from django.db.models import F

from bedrock import catalogue
from bedrock.models import CatalogueModel, Entry
from bedrock.pricing import TokenEstimate, Usage
from nova.models import NovaJob
from nova.questions.estimating import PURPOSE
from nova.replies.merging import Span
from nova.types.built_in import BUILT_IN
from nova.types.spec import IMAGE, OWN_USUAL_TOKENS, VIDEO

#: So many analyses of one's own say more than what is usual elsewhere; more than the last hundred are not looked at.
ENOUGH, LATEST = 20, 100
OWN, TYPICAL = "own", "typical"


@dataclass(frozen=True)
class OwnShare:
    """Where between low (0) and reserve (1) one's own calls ended, by the median, and how many files they were of."""

    share: Decimal
    count: int


@dataclass(frozen=True, kw_only=True)
class LikelyPrice:
    """What several calls will most likely cost (None = unpriced), and how that is known.

    `count` are the analyses of one's own that it comes from, of the set of types that has the fewest; 0 = usual
    lengths of answers, at least in part.
    """

    usd: Decimal | None = None
    count: int = 0
    is_typical: bool = False

    @property
    def source(self) -> str:
        """`own`, `typical`, or empty where nothing is to be paid."""
        return TYPICAL if self.is_typical else OWN if self.count else ""

    def plus(self, usd: Decimal | None, times: int, own: OwnShare | None) -> "LikelyPrice":
        """This and one more kind of call, so many times."""
        whole = None if self.usd is None or usd is None else self.usd + usd * times
        is_typical = self.is_typical or own is None
        counts = [count for count in (self.count, own.count if own else 0) if count]
        return LikelyPrice(usd=whole, count=0 if is_typical else min(counts), is_typical=is_typical)


@dataclass(frozen=True)
class LikelyQuality:
    """How far the likely price was off: the median of |actual - likely| / actual, over so many analyses."""

    error: float
    count: int


def types_name(types: Iterable[str], medium: str = VIDEO) -> str:
    """What the ledger calls a set of types; of a picture they are asked otherwise, and answered shorter."""
    of_picture = ["picture"] if medium == IMAGE else []
    return "+".join([*of_picture, *sorted(types)])[:80]


def own_share(model_key: str, mode: str, types: Iterable[str], medium: str = VIDEO) -> OwnShare | None:
    """The share of one's own finished calls of this model, mode and set of types; None where they are too few."""
    settled = Entry.objects.filter(
        purpose=PURPOSE,
        model_key=model_key,
        mode=mode,
        analysis_type=types_name(types, medium),
        state=Entry.State.SETTLED,
        actual_usd__isnull=False,
        reserved_usd__gt=F("estimated_usd"),
    )
    rows = settled.order_by("-pk").values_list("file_id", "file_name", "estimated_usd", "reserved_usd", "actual_usd")
    latest = list(rows[:LATEST])
    count = len({(file_id, name) for file_id, name, *_ in latest})
    if count < ENOUGH:
        return None
    shares = [
        (actual - low) / (high - low)
        for _, _, low, high, actual in latest
        if actual is not None and low is not None and high is not None
    ]
    return OwnShare(min(Decimal(1), max(Decimal(0), median(shares))), count)


def between(estimate: TokenEstimate, share: Decimal) -> Decimal | None:
    """The price at this share of the way from the low figure to the reserve; None where it is unpriced."""
    if estimate.usd_low is None or estimate.usd_high is None:
        return None
    return estimate.usd_low + share * (estimate.usd_high - estimate.usd_low)


def typical_usd(  # noqa: PLR0913  (a call has these parts)
    model: CatalogueModel,
    mode: str,
    span: Span,
    types: Sequence[str],
    *,
    depth: str,
    estimate: TokenEstimate,
    medium: str = VIDEO,
) -> Decimal | None:
    """What a call of these types usually takes, for a reader without any of their own; never above the reserve."""
    price = catalogue.price(model, mode)
    if price is None or estimate.usd_high is None:
        return None
    sampling = model.video_sampling()
    input_tokens = estimate.input_tokens.low
    if sampling and span.end_s > span.start_s:  # a clip of seconds takes more than its frames
        frames = sampling.tokens(span.end_s - span.start_s)
        input_tokens += max(0, min(frames.high, sampling.floor_tokens) - frames.low)
    usual = 0
    for name in types:
        spec = BUILT_IN[name].for_medium(medium) if name in BUILT_IN else None
        usual += spec.usual_tokens_of(depth) if spec else OWN_USUAL_TOKENS
    usage = Usage(input_tokens=input_tokens, output_tokens=min(usual, estimate.output_tokens.high))
    return min(estimate.usd_high, price.cost(usage))


def quality() -> LikelyQuality | None:
    """How good the likely price of the last hundred finished analyses was; None where there is none."""
    paid = NovaJob.objects.by_nova().filter(status=NovaJob.Status.COMPLETED, likely_usd__isnull=False, cost_usd__gt=0)
    rows = list(paid.order_by("-finished_at", "-pk").values_list("likely_usd", "cost_usd")[:LATEST])
    if not rows:
        return None
    errors = [abs(actual - likely) / actual for likely, actual in rows if likely is not None]
    return LikelyQuality(float(median(errors)), len(errors))
