"""Ask Bedrock which models it has, how long they live, how they are called, and what a batch job may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bedrock import batch_quotas, catalogue, checks, conf
from bedrock.catalogue import ModelFacts
from bedrock.models import CatalogueModel


@dataclass
class Refreshed:
    """What was asked for, what changed, and which models AWS does not list in this region."""

    asked: int = 0
    changes: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def refresh_models() -> Refreshed:
    """Take in lifecycles, profiles and quotas, and take away what this region has no more.

    Prices are not told by Bedrock: they keep their `as_of`. Quotas are left out where the policy does not allow them.
    """
    lifecycles, profiles = checks.offered()
    report = Refreshed()
    for row in CatalogueModel.objects.filter(provider="bedrock"):
        report.asked += 1
        summary = lifecycles.get(row.model_id)
        if summary is None:
            report.unlisted.append(row.key)
        own = tuple(sorted(name for name in profiles if name.partition(".")[2] == row.model_id))
        listing = None if summary is None else _listing(summary, own)
        report.changes += catalogue.take_listing(row, listing, region=conf.region())
    report.changes += batch_quotas.refresh()
    return report


def _listing(summary: Mapping[str, object], profiles: tuple[str, ...]) -> ModelFacts:
    end, types = summary.get("endOfLifeTime"), summary.get("inferenceTypesSupported")
    return ModelFacts(
        status=str(summary.get("status", "")),
        end_of_life=end.date() if isinstance(end, datetime) else None,
        is_direct="ON_DEMAND" in types if isinstance(types, list) and types else None,
        profiles=profiles,
    )
