"""The models with their state and prices, as people compare them: a million tokens, and an hour of video or sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bedrock import catalogue, conf
from bedrock.models import GLOBAL, CatalogueModel
from bedrock.pricing import MODES, Range, estimate

HOUR_S = 3600
#: What an answer with a summary, chapters and elements of an hour is about as long as.
ANSWER_TOKENS = Range(low=1500, high=1500)


#: The rates of models that hear or embed: for what, and how many units that is.
UNITS = {
    "input_per_1k": ("1M tokens of text in", 1000),
    "output_per_1k": ("1M tokens of text out", 1000),
    "speech_input_per_1k": ("1M tokens of speech in", 1000),
    "speech_output_per_1k": ("1M tokens of speech out", 1000),
    "per_image": ("1,000 pictures", 1000),
    "per_video_s": ("an hour of video", HOUR_S),
    "per_audio_s": ("an hour of sound", HOUR_S),
}


@dataclass(frozen=True, kw_only=True)
class ModePrice:
    """The price in one mode. None where the mode is not offered or unpriced."""

    mode: str
    is_offered: bool
    per_1m: tuple[Decimal, Decimal] | None
    hour_usd: Decimal | None


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """One model in a list of prices."""

    key: str
    name: str
    is_free: bool
    state: str
    level: str
    prices: list[ModePrice]
    as_of: str
    #: Of the price here: that it is an estimate which was accepted, or where an estimate comes from that can be.
    is_estimate: bool = False
    estimate: str = ""
    estimate_per_1m: tuple[Decimal, Decimal] | None = None
    #: Where the data may go, where the call leaves the region.
    route: str = ""
    #: The price of the global profile where it can be chosen instead, and whether it is and could be given up.
    global_per_1m: tuple[Decimal, Decimal] | None = None
    is_global_chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class UnitLine:
    """A model that hears or embeds. `rates` are USD and what they are for: where it is unpriced, of an estimate."""

    key: str
    name: str
    purpose: str
    state: str
    level: str
    rates: list[tuple[Decimal, str]]
    is_estimate: bool
    #: Where an estimate comes from that can be accepted; empty = none.
    estimate: str


def lines() -> list[ModelLine]:
    """The models that analyse video, in their order."""
    return [line_of(row) for row in catalogue.models(CatalogueModel.Purpose.ANALYSIS)]


def unit_lines() -> list[UnitLine]:
    """The models that hear or embed, in their order."""
    rows = catalogue.models().exclude(purpose=CatalogueModel.Purpose.ANALYSIS).filter(provider="bedrock")
    found = []
    for row in rows:
        price, figures = row.price("realtime", conf.region()), catalogue.price_estimate(row, conf.region())
        rates = price.rates if price else (figures or {}).get("realtime", {})
        state, level = state_of(row)
        found.append(
            UnitLine(
                key=row.key,
                name=row.name,
                purpose=row.get_purpose_display(),
                state=state,
                level=level,
                rates=[(Decimal(rates[name]) * count, unit) for name, (unit, count) in UNITS.items() if name in rates],
                is_estimate=row.is_estimate(conf.region()),
                estimate=figures["source"] if figures else "",
            )
        )
    return found


def state_of(row: CatalogueModel) -> tuple[str, str]:
    """How a model is here, in words and as a level (ok, warn, bad)."""
    if row.is_past():
        return f"Ended by AWS{f', {row.end_of_life:%Y-%m-%d}' if row.end_of_life else ''}", "bad"
    if row.profile(conf.region()) is None:
        return f"Not offered in {conf.region()}", "bad"
    return str(row.get_status_display()), "warn" if row.status in {row.Status.PREVIEW, row.Status.LEGACY} else "ok"


def line_of(row: CatalogueModel) -> ModelLine:
    """One model that analyses video."""
    state, level = state_of(row)
    figures = catalogue.price_estimate(row, conf.region())
    rates = (figures or {}).get("realtime", {})
    profiles = row.profiles(conf.region())
    is_a_choice = GLOBAL in profiles and len(profiles) > 1 and not row.is_past()
    anywhere = row.prices.get(GLOBAL, {}).get("realtime", {})
    return ModelLine(
        is_estimate=row.is_estimate(conf.region()),
        estimate=figures["source"] if figures else "",
        estimate_per_1m=_per_1m(rates),
        route=catalogue.route(row),
        global_per_1m=_per_1m(anywhere) if is_a_choice and not row.prefers_global else None,
        is_global_chosen=is_a_choice and row.prefers_global,
        key=row.key,
        name=row.name,
        is_free=row.is_local,
        state=state,
        level=level,
        prices=[_mode_price(row, mode) for mode in MODES],
        as_of=f"{row.as_of:%Y-%m-%d}",
    )


def _per_1m(rates: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    """What a million tokens cost, in and out; None where one of them has no price."""
    if not {"input_per_1k", "output_per_1k"} <= set(rates):
        return None
    return Decimal(rates["input_per_1k"]) * 1000, Decimal(rates["output_per_1k"]) * 1000


def _mode_price(row: CatalogueModel, mode: str) -> ModePrice:
    """The price of a mode. The hour of video is cut at the model's sampling knee, so that each second is looked at."""
    is_offered = mode in row.modes and not row.is_past()
    price = row.price(mode, conf.region()) if is_offered else None
    if price is None:
        return ModePrice(mode=mode, is_offered=is_offered, per_1m=None, hour_usd=None)
    sampling, hour = row.video_sampling(), None
    if sampling is not None:
        frames = Range(low=HOUR_S * sampling.tokens_per_frame, high=HOUR_S * sampling.tokens_per_frame)
        hour = estimate(price=price, input_tokens=frames, output_tokens=ANSWER_TOKENS).usd_high
    return ModePrice(mode=mode, is_offered=True, per_1m=_per_1m(price.rates), hour_usd=hour)
