"""The models with their state and prices, as people compare them: a million tokens, and an hour of video."""

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


def lines() -> list[ModelLine]:
    """The models that analyse video, in their order."""
    return [_line(row) for row in catalogue.models(CatalogueModel.Purpose.ANALYSIS)]


def _line(row: CatalogueModel) -> ModelLine:
    refused = row.refuse_reason(mode=row.modes[0] if row.modes else "realtime", region=conf.region())
    ended = f"Ended by AWS{f', {row.end_of_life:%Y-%m-%d}' if row.end_of_life else ''}" if row.is_past() else ""
    level = "bad" if refused else "warn" if row.status in {row.Status.PREVIEW, row.Status.LEGACY} else "ok"
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
        state=ended or refused or row.get_status_display(),
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
