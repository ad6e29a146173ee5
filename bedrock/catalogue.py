"""Which models there are, in which region under which id, and at what price."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from bedrock import conf
from bedrock.errors import ModelRefusedError
from bedrock.models import CatalogueModel
from bedrock.pricing import Price

DATA = Path(__file__).parent / "data" / "models.json"


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
    """Bring the catalogue up to this program's data; rows edited by hand stay. Returns how many changed."""
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
        CatalogueModel.objects.update_or_create(key=data["key"], defaults=facts)
        changed += 1
    return changed


def take_lifecycle(row: CatalogueModel, *, status: str, end_of_life: date | None, profiles: list[str]) -> list[str]:
    """Take in what Bedrock says of a model. Returns what changed, in words; the row is saved."""
    changes = []
    states = {"ACTIVE": CatalogueModel.Status.ACTIVE, "LEGACY": CatalogueModel.Status.LEGACY}
    state = states.get(status, row.status)
    if end_of_life is not None and end_of_life <= timezone.now().date():
        state = CatalogueModel.Status.END_OF_LIFE
    if state != row.status and not (row.status == CatalogueModel.Status.PREVIEW and status == "ACTIVE"):
        changes.append(f"{row.name}: {row.get_status_display()} is now {CatalogueModel.Status(state).label}")
        row.status = state
    if end_of_life is not None and end_of_life != row.end_of_life:
        changes.append(f"{row.name}: ends on {end_of_life:%Y-%m-%d}")
        row.end_of_life = end_of_life
    for runtime_id in profiles:
        name = runtime_id.partition(".")[0]
        if row.runtime_ids.get(name) != runtime_id:
            changes.append(f"{row.name}: profile {runtime_id}")
            row.runtime_ids[name] = runtime_id
    row.refreshed_at = timezone.now()
    row.save()
    return changes
