"""Bring the models up to date: with this program's data, with what a person chooses, and with what Bedrock says."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bedrock import batch_quotas, catalogue, checks, conf, staging
from bedrock.catalogue import ModelFacts
from bedrock.errors import NotOfferedError
from bedrock.models import CatalogueModel


@dataclass(frozen=True, kw_only=True)
class RefreshRequest:
    """What is to be done beside asking Bedrock. Profiles are chosen by the models' keys; `by` is who asks."""

    offline: bool = False
    lifecycle_rule: bool = False
    accept_estimates: bool = False
    global_profile: tuple[str, ...] = ()
    nearest_profile: tuple[str, ...] = ()
    by: str = "refresh_models"


@dataclass
class Refreshed:
    """What was asked for, what changed, and which models AWS does not list in this region."""

    asked: int = 0
    changes: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def refresh(request: RefreshRequest) -> dict[str, Any]:
    """All of it. Returns a report of what was done, plain JSON. Raises BedrockError."""
    report: dict[str, Any] = {"updated": catalogue.sync()}
    if request.lifecycle_rule:
        staging.add_lifecycle_rules()
        report["lifecycle_rule"] = True
    if request.accept_estimates:
        report["estimated"] = []
        for row in CatalogueModel.objects.filter(provider="bedrock"):
            with suppress(NotOfferedError):
                catalogue.accept_estimate(row, conf.region(), by=request.by)
                report["estimated"].append(row.name)
    for keys, is_global in ((request.global_profile, True), (request.nearest_profile, False)):
        for key in keys:
            row = catalogue.model(key)
            catalogue.choose_profile(row, conf.region(), is_global=is_global)
            report.setdefault("routes", {})[row.name] = catalogue.route(row)
    if not request.offline:
        report |= asdict(refresh_models())
    return report


def in_words(report: Mapping[str, Any]) -> Iterator[str]:
    """A report, sentence by sentence."""
    yield f"{report['updated']} models took newer prices of this program."
    if report.get("lifecycle_rule"):
        yield (
            f"S3 deletes staged copies that were left behind after {staging.RULE_DAYS} days, "
            f"and results that nobody took in after {staging.OUTPUT_DAYS}."
        )
    if "estimated" in report:
        yield f"Priced by an estimate now: {', '.join(report['estimated']) or 'none'}."
    for name, route in report.get("routes", {}).items():
        yield f"{name} is {route or 'answered in this region'} now."
    if "asked" in report:
        yield from (f"  {change}" for change in report["changes"])
        missing = ", ".join(report["unlisted"]) or "none"
        yield f"{report['asked']} models were looked up; not listed in this region: {missing}."


def refresh_models() -> Refreshed:
    """Take in lifecycles, profiles and quotas, and take away what this region has no more.

    Prices are not told by Bedrock: they keep their `as_of`. Quotas are left out where the policy does not allow them.
    """
    lifecycles, profiles = checks.offered()
    report = Refreshed()
    for row in CatalogueModel.objects.filter(provider="bedrock"):
        report.asked += 1
        summary = lifecycles.get(row.model_id)
        listing = None
        if summary is None:
            report.unlisted.append(row.key)
        else:
            end, types = summary.get("endOfLifeTime"), summary.get("inferenceTypesSupported")
            listing = ModelFacts(
                status=str(summary.get("status", "")),
                end_of_life=end.date() if isinstance(end, datetime) else None,
                is_direct="ON_DEMAND" in types if isinstance(types, list) and types else None,
                profiles=tuple(sorted(name for name in profiles if name.partition(".")[2] == row.model_id)),
            )
        report.changes += catalogue.take_listing(row, listing, region=conf.region())
    report.changes += batch_quotas.refresh()
    return report
