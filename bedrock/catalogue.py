"""Which models there are, in which region under which id, and at what price."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from bedrock import conf
from bedrock.errors import ModelRefusedError, NotOfferedError
from bedrock.models import ANYWHERE, GLOBAL, CatalogueModel
from bedrock.pricing import MODES, Price

DATA = Path(__file__).parent / "data" / "models.json"
PRICE_RULES = DATA.with_name("price_rules.json")
#: What the names of profiles stand for.
GEOGRAPHIES = {
    "us": "North American",
    "eu": "European",
    "jp": "Japanese",
    "apac": "Asian or Pacific",
    "us-gov": "GovCloud",
}
#: The region whose prices are known for all models.
BASE_REGION = "us-east-1"


def model(key: str) -> CatalogueModel:
    """The model of this key, also one that is past its end. Raises ModelRefusedError for an unknown key."""
    row = CatalogueModel.objects.filter(key=key).first()
    if row is None:
        keys = ", ".join(CatalogueModel.objects.values_list("key", flat=True))
        raise ModelRefusedError(f"There is no model {key!r}.", remedy=f"Choose one of: {keys}.")
    return row


def models(purpose: str | None = None) -> QuerySet[CatalogueModel]:
    """All models in their order, or those of one purpose ("analysis", "embedding", "speech")."""
    every = CatalogueModel.objects.all()
    return every.filter(purpose=purpose) if purpose else every


def require(key: str, mode: str) -> CatalogueModel:
    """The model, if it can be asked in `mode` in our region. Raises ModelRefusedError with the reason."""
    row = model(key)
    reason = refuse_reason(row, mode)
    if reason:
        raise ModelRefusedError(reason)
    return row


def refuse_reason(row: CatalogueModel, mode: str) -> str:
    """Why the model cannot be asked in `mode` in our region; empty = it can."""
    return row.refuse_reason(mode=mode, region=conf.region())


def runtime_id(row: CatalogueModel) -> str:
    """The id to call in our region."""
    return row.runtime_id(conf.region())


def price(row: CatalogueModel, mode: str) -> Price | None:
    """The price in `mode` in our region; None = unpriced."""
    return row.price(mode, conf.region())


def by_model_id(model_id: str) -> CatalogueModel | None:
    """The model that a reported or called id belongs to."""
    every = CatalogueModel.objects.all()
    return next((row for row in every if model_id == row.model_id or model_id in row.runtime_ids.values()), None)


def model_ids() -> dict[str, str]:
    """What AWS calls each model, by our key: for reports."""
    return dict(CatalogueModel.objects.exclude(model_id="").values_list("key", "model_id"))


def shipped(purpose: str) -> list[tuple[str, str]]:
    """Keys and names of the models that this program knows by itself, without a look at the database."""
    return [(row["key"], row["name"]) for row in json.loads(DATA.read_text()) if row["purpose"] == purpose]


def sync(rows: Iterable[dict[str, Any]] | None = None) -> int:
    """Bring the catalogue up to this program's data; rows edited by hand stay. Returns how many changed.

    An estimate that a person accepted stays until there is a price for its region.
    """
    shipped_rows = list(rows) if rows is not None else json.loads(DATA.read_text())
    rows_by_key = {row.key: row for row in CatalogueModel.objects.all()}
    changed = 0
    for data in shipped_rows:
        row = rows_by_key.get(data["key"])
        as_of = date.fromisoformat(data["as_of"])
        if row is not None and (row.is_edited or row.as_of >= as_of):
            continue
        end = data.get("end_of_life")
        facts = {**data, "as_of": as_of, "end_of_life": date.fromisoformat(end) if end else None}
        accepted = {name: figures for name, figures in (row.prices if row else {}).items() if figures.get("estimate")}
        facts["prices"] = {**accepted, **data.get("prices", {})}
        CatalogueModel.objects.update_or_create(key=data["key"], defaults=facts)
        changed += 1
    return changed


def route(row: CatalogueModel) -> str:
    """Where a call from our region may be answered, in words; empty where it stays in the region."""
    profile = row.profile(conf.region())
    if not profile or row.is_local or row.is_past():
        return ""
    if profile == GLOBAL:
        return "answered in any region of the world (global profile)"
    return f"answered in any {GEOGRAPHIES.get(profile, profile)} region ({profile}. profile)"


# --- prices of regions that AWS's list has no line for --------------------------------------------------------------


def price_estimate(row: CatalogueModel, region: str) -> dict[str, Any] | None:
    """What the model will about cost in a region without a known price: figures as in `prices`, labelled.

    It is the price of us-east-1 by the rule that AWS's known prices follow; None where nothing is known to go by, a
    price is there, or the model has ended.
    """
    place, base = row.price_place(region), row.prices.get(BASE_REGION)
    if row.prices.get(place) or row.prices.get(ANYWHERE) or not base or row.profile(region) is None or row.is_past():
        return None
    rules = json.loads(PRICE_RULES.read_text())
    rule = next((rule for rule in rules if any(fnmatchcase(region, pattern) for pattern in rule["regions"])), None)
    if rule is None:
        return None
    factor = Decimal(rule["factor"])
    figures = {
        mode: {name: f"{(Decimal(rate) * factor).normalize():f}" for name, rate in base[mode].items()}
        for mode in MODES
        if base.get(mode)
    }
    source = f"Estimate: {factor} times the price of {BASE_REGION} ({base.get('source', '')}). Rule: {rule['source']}"
    return {**figures, "estimate": True, "as_of": rule["as_of"], "source": source}


def accept_estimate(row: CatalogueModel, region: str, *, by: str) -> None:
    """Take the estimate for this region as the price until a version of this program brings one.

    `by` is who said so; it stands in the source. Raises NotOfferedError where there is none.
    """
    figures = price_estimate(row, region)
    if figures is None:
        raise NotOfferedError(f"There is no estimate to accept for {row.name} in {region}.")
    source = f"{figures['source']}. Accepted by {by} on {timezone.now():%Y-%m-%d}."
    row.prices = {**row.prices, row.price_place(region): {**figures, "source": source}}
    row.save(update_fields=["prices"])


def choose_profile(row: CatalogueModel, region: str, *, is_global: bool) -> None:
    """Call the global profile, which is cheaper and answered anywhere in the world, or the nearest one again.

    Raises NotOfferedError where this region has no global profile of it.
    """
    if is_global and GLOBAL not in row.profiles(region):
        raise NotOfferedError(f"{row.name} has no global profile in {region}.")
    row.prefers_global = is_global
    row.save(update_fields=["prefers_global"])


# --- what Bedrock itself says ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What Bedrock lists of a model in one region. `profiles` are ids; None where it does not list the model at all."""

    status: str = ""
    end_of_life: date | None = None
    is_direct: bool | None = None
    profiles: tuple[str, ...] = ()


def take_listing(row: CatalogueModel, listing: ModelFacts | None, *, region: str) -> list[str]:
    """Take in what Bedrock lists of a model in a region. Returns what changed, in words; the row is saved."""
    changes, before = [], row.profiles(region)
    if listing is not None:
        states = {"ACTIVE": CatalogueModel.Status.ACTIVE, "LEGACY": CatalogueModel.Status.LEGACY}
        state = states.get(listing.status, row.status)
        end = listing.end_of_life
        if end is not None and end <= timezone.now().date():
            state = CatalogueModel.Status.END_OF_LIFE
        is_preview = row.status == CatalogueModel.Status.PREVIEW and listing.status == "ACTIVE"
        if state != row.status and not is_preview:
            changes.append(f"{row.name}: {row.get_status_display()} is now {CatalogueModel.Status(state).label}")
            row.status = state
        if end is not None and end != row.end_of_life:
            changes.append(f"{row.name}: ends on {end:%Y-%m-%d}")
            row.end_of_life = end
        row.runtime_ids |= {runtime_id.partition(".")[0]: runtime_id for runtime_id in listing.profiles}
    if listing is not None or row.status != CatalogueModel.Status.PREVIEW:
        row.offers = {**row.offers, region: _listed_names(row, listing, region)}
    after = row.profiles(region)
    changes += [f"{row.name}: {_called(row, name)} can be called in {region}" for name in after if name not in before]
    changes += [f"{row.name}: {_called(row, name)} is gone from {region}" for name in before if name not in after]
    row.refreshed_at = timezone.now()
    row.save()
    return changes


def _listed_names(row: CatalogueModel, listing: ModelFacts | None, region: str) -> list[str]:
    if listing is None:
        return []
    names = [runtime_id.partition(".")[0] for runtime_id in listing.profiles]
    is_direct = listing.is_direct
    if is_direct is None:  # an answer without `inferenceTypesSupported`: AWS's pages decide
        is_direct = ANYWHERE in row.direct_regions or region in row.direct_regions
    return [*([""] if is_direct else []), *names]


def _called(row: CatalogueModel, profile: str) -> str:
    return str(row.runtime_ids.get(profile, profile)) if profile else row.model_id
