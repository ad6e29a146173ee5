"""Frames, tokens and US dollars. Pure: no Django, no network.

Money is `Decimal` and is rounded for display only. A price that nobody knows is `None` ("unpriced"), never 0.
Sources: Nova user guide "Video understanding" (sampling), AWS Price List; see `data/models.json` for each figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, Decimal
from math import ceil
from typing import Any, Self

from bedrock.errors import UnpricedError

#: The smallest step that the ledger keeps, so that sums are exact.
USD_STEP = Decimal("0.000000000001")
PER_1K = Decimal(1000)
MODES = ("realtime", "flex", "batch")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one call used. Tokens of text, frames and reasoning are in `input_tokens` and `output_tokens`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    speech_input_tokens: int = 0
    speech_output_tokens: int = 0
    images: int = 0
    video_s: Decimal = Decimal(0)
    audio_s: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"{field.name} is negative")

    @classmethod
    def from_bedrock(cls, usage: Mapping[str, Any]) -> Self:
        """Read Bedrock's own `usage` object, from Converse, InvokeModel or a batch record.

        Converse says `cacheReadInputTokens`, Nova's own format (InvokeModel, batch) `cacheReadInputTokenCount`. Neither
        counts them into `inputTokens`. Writing to the cache has no rate in the price list: it counts as reading afresh.
        """
        counts = usage if isinstance(usage, Mapping) else {}
        return cls(
            input_tokens=token_count(counts, "inputTokens")
            + token_count(counts, "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
            output_tokens=token_count(counts, "outputTokens"),
            cache_read_tokens=token_count(counts, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        )

    def as_json(self) -> dict[str, Any]:
        """The units that were used, seconds as text."""
        used = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(n) if isinstance(n, Decimal) else n for name, n in used.items() if n}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        amounts: dict[str, Any] = {name: Decimal(n) if name.endswith("_s") else int(n) for name, n in data.items()}
        return cls(**amounts)


#: A usage without any unit is none: nothing that costs money uses nothing.
UNTOLD = Usage()


def token_count(counts: Mapping[str, Any], *names: str) -> int:
    """The first of these numbers that is above 0, also where it came as text. Anything else is not told and gives 0:
    an answer that was paid is not lost for that."""
    for name in names:
        try:
            count = int(float(counts.get(name) or 0))
        except (TypeError, ValueError, OverflowError):
            continue
        if count > 0:
            return count
    return 0


#: A picture of any size, on every model that understands pictures (Nova user guide, "Image understanding").
IMAGE_TOKENS = 230
#: The name of a rate (as in `data/models.json`), the unit of `Usage` that it prices, and how many units it is for.
RATES: tuple[tuple[str, str, Decimal], ...] = (
    ("input_per_1k", "input_tokens", PER_1K),
    ("output_per_1k", "output_tokens", PER_1K),
    ("cache_read_per_1k", "cache_read_tokens", PER_1K),
    ("speech_input_per_1k", "speech_input_tokens", PER_1K),
    ("speech_output_per_1k", "speech_output_tokens", PER_1K),
    ("per_image", "images", Decimal(1)),
    ("per_video_s", "video_s", Decimal(1)),
    ("per_audio_s", "audio_s", Decimal(1)),
)
RATE_NAMES = frozenset(name for name, _, _ in RATES)


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD rates of one model in one mode and region, with the moment and the place they were read."""

    rates: Mapping[str, Decimal]
    as_of: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.rates) - RATE_NAMES
        if unknown:
            raise ValueError(f"unknown rates: {', '.join(sorted(unknown))}")

    def cost(self, usage: Usage) -> Decimal:
        """USD of this usage, exact to the ledger's step, rounded up. Raises UnpricedError for a unit without a rate."""
        total = Decimal(0)
        for name, unit, per in RATES:
            amount = Decimal(getattr(usage, unit))
            if not amount:
                continue
            rate = self.rates.get(name)
            if rate is None and name == "cache_read_per_1k":  # never dearer than reading afresh
                rate = self.rates.get("input_per_1k")
            if rate is None:
                raise UnpricedError(f"No price is known for {name.replace('_', ' ')}.")
            total += amount * rate / per
        return total.quantize(USD_STEP, ROUND_CEILING)

    def times(self, factor: Decimal) -> "Price":
        """The same rates with a discount, such as one half in batch mode."""
        return Price(
            rates={name: rate * factor for name, rate in self.rates.items()}, as_of=self.as_of, source=self.source
        )

    def as_json(self) -> dict[str, Any]:
        rates = {name: str(rate) for name, rate in self.rates.items()}
        return {"rates": rates, "as_of": self.as_of, "source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        rates = {name: Decimal(str(rate)) for name, rate in data.get("rates", {}).items()}
        return cls(rates=rates, as_of=str(data.get("as_of", "")), source=str(data.get("source", "")))


FREE = Price(rates=dict.fromkeys(RATE_NAMES, Decimal(0)), source="runs on this machine")


@dataclass(frozen=True, kw_only=True)
class Range:
    """A low and a high figure, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"not a range: {self.low} to {self.high}")

    def __add__(self, other: "Range") -> "Range":
        return Range(low=self.low + other.low, high=self.high + other.high)

    def times(self, count: int) -> "Range":
        return Range(low=self.low * count, high=self.high * count)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a model looks at video: one frame a second up to a cap. AWS's pages disagree on the cap: low and high."""

    tokens_per_frame: int = 288
    frames_low: int = 960
    frames_high: int = 960
    #: A one-second clip was measured at 2,326 tokens, far above one frame.
    floor_tokens: int = 2400

    @property
    def knee_s(self) -> int:
        """Up to this length each second gets its own frame; longer videos are better cut into pieces."""
        return self.frames_low

    def frames(self, duration_s: float) -> Range:
        seconds = max(1, ceil(duration_s))
        return Range(low=min(seconds, self.frames_low), high=min(seconds, max(self.frames_low, self.frames_high)))

    def tokens(self, duration_s: float) -> Range:
        """Input tokens of a video of this length."""
        frames = self.frames(duration_s)
        low, high = frames.low * self.tokens_per_frame, frames.high * self.tokens_per_frame
        return Range(low=low, high=max(high, self.floor_tokens))


def text_tokens(text: str) -> Range:
    """Tokens of a text: about five letters each in English, at worst one for every two bytes."""
    return Range(low=ceil(len(text) / 5), high=ceil(len(text.encode()) / 2))


@dataclass(frozen=True, kw_only=True)
class TokenEstimate:
    """What a call would take. `usd_low` and `usd_high` are None where the model is unpriced."""

    input_tokens: Range
    output_tokens: Range
    usd_low: Decimal | None
    usd_high: Decimal | None

    @property
    def is_priced(self) -> bool:
        return self.usd_high is not None

    def __add__(self, other: "TokenEstimate") -> "TokenEstimate":
        return TokenEstimate(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd_low=_plus(self.usd_low, other.usd_low),
            usd_high=_plus(self.usd_high, other.usd_high),
        )

    def times(self, count: int) -> "TokenEstimate":
        """The same call so many times."""
        return TokenEstimate(
            input_tokens=self.input_tokens.times(count),
            output_tokens=self.output_tokens.times(count),
            usd_low=None if self.usd_low is None else self.usd_low * count,
            usd_high=None if self.usd_high is None else self.usd_high * count,
        )


def _plus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a + b


NOTHING = TokenEstimate(
    input_tokens=Range(low=0, high=0), output_tokens=Range(low=0, high=0), usd_low=Decimal(0), usd_high=Decimal(0)
)


def estimate(*, price: Price | None, input_tokens: Range, output_tokens: Range) -> TokenEstimate:
    """The low and high cost of a call: `usd_high` (all input, all of maxTokens) is what the ledger reserves."""
    low = Usage(input_tokens=input_tokens.low, output_tokens=output_tokens.low)
    high = Usage(input_tokens=input_tokens.high, output_tokens=output_tokens.high)
    return TokenEstimate(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        usd_low=price.cost(low) if price else None,
        usd_high=price.cost(high) if price else None,
    )


def price_of(
    prices: Mapping[str, Any], *, places: tuple[str, ...], mode: str, discounts: Mapping[str, Any]
) -> Price | None:
    """The price in `mode` at the first of `places` (`"global"`, a region, `"*"`) that has one; else None.

    `prices` is `{place: {mode: {rate: "USD"}, "as_of", "source"}}`. A mode without figures of its own is `realtime`
    times its entry in `discounts`; without that too the mode is unpriced.
    """
    for place in places:
        at = prices.get(place)
        if not at:
            continue
        meta = {"as_of": at.get("as_of", ""), "source": at.get("source", "")}
        if at.get(mode):
            return Price.from_json({"rates": at[mode], **meta})
        if at.get("realtime") and mode in discounts:
            return Price.from_json({"rates": at["realtime"], **meta}).times(Decimal(str(discounts[mode])))
    return None


def check_prices(prices: Mapping[str, Any], *, needed: Sequence[str] = ()) -> None:
    """Raise ValueError, TypeError or AttributeError for prices that cannot be read, or that lack a rate."""
    for place, at in prices.items():
        for mode in (name for name in MODES if at.get(name)):
            for name, text in Price(rates=at[mode]).rates.items():
                _positive(f"{place}, {mode}, {name}", text)
            missing = [name for name in needed if name not in at[mode]]
            if missing:
                raise ValueError(f"{place}, {mode} has no {', '.join(missing)}")


def check_discounts(discounts: Mapping[str, Any]) -> None:
    """Raise ValueError or AttributeError for factors that cannot be read."""
    for mode, text in discounts.items():
        _positive(mode, text)


def _positive(what: str, text: Any) -> None:
    try:
        amount = Decimal(str(text))
    except ArithmeticError as exc:
        raise ValueError(f"{what}: {text!r} is no number") from exc
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{what}: {text!r} is no sum of money")
