"""Ask Bedrock which models it has, how long they live and by which profiles they are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bedrock import catalogue, checks
from bedrock.models import CatalogueModel


@dataclass
class Refreshed:
    """What was asked for, what changed, and which models AWS does not list in this region."""

    asked: int = 0
    changes: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def refresh_models() -> Refreshed:
    """Take in lifecycle and inference profiles. Prices are not told by Bedrock: they keep their `as_of`."""
    known, profiles = checks.offered()
    report = Refreshed()
    for row in CatalogueModel.objects.filter(provider="bedrock"):
        report.asked += 1
        lifecycle = known.get(row.model_id)
        if lifecycle is None:
            report.unlisted.append(row.key)
            continue
        own = sorted(name for name in profiles if name.partition(".")[2] == row.model_id)
        report.changes += catalogue.take_lifecycle(
            row, status=str(lifecycle.get("status", "")), end_of_life=_end(lifecycle), profiles=own
        )
    return report


def _end(lifecycle: Mapping[str, object]) -> date | None:
    moment = lifecycle.get("endOfLifeTime")
    return moment.date() if isinstance(moment, datetime) else None
