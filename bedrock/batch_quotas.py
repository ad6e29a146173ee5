"""What one batch job of Bedrock may hold, for each model: as AWS told it of this account, else as its pages say.

Source: AWS General Reference, "Amazon Bedrock endpoints and quotas", read 2026-11-28; the names are those of Service
Quotas. It has no line for the size of a job of Nova 2 Lite, and none for jobs at a time of Nova's embeddings.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from bedrock import clients, conf, faults
from bedrock.errors import AccessError, BedrockError
from bedrock.models import CatalogueModel

GB = 1_000_000_000
#: Service Quotas' names, what they limit, and their unit.
NAMES = (
    (re.compile(r"minimum number of records per batch inference job for (.+)", re.IGNORECASE), "min_records", 1),
    (re.compile(r"records per (?:input file per )?batch inference job for (.+)", re.IGNORECASE), "max_records", 1),
    (re.compile(r"batch inference input file size(?: \(in GB\))? for (.+)", re.IGNORECASE), "max_file_bytes", GB),
    (re.compile(r"batch inference job size(?: \(in GB\))? for (.+)", re.IGNORECASE), "max_job_bytes", GB),
    (
        re.compile(r"sum of in-progress and submitted batch inference jobs using a base model for (.+)", re.IGNORECASE),
        "max_jobs",
        1,
    ),
)
#: AWS does not say which GB it counts, nor whether a file may have just as many bytes.
FILE_PERCENT = 95
#: What holds where neither AWS nor its pages say anything: what is safe with any model. The minimum is also the default
#: of NOVA_BATCH_MIN_RECORDS.
FALLBACK = {
    "min_records": 100, "max_records": 50_000, "max_file_bytes": GB, "max_job_bytes": 5 * GB, "max_jobs": 20,
    "as_of": "", "source": "the smallest quotas of other models",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BatchQuotas:
    """Limits of one job. `max_file_bytes` is for a file of records, whatever their number; jobs are those at a time."""

    min_records: int
    max_records: int
    max_file_bytes: int
    max_job_bytes: int
    max_jobs: int
    as_of: str
    source: str

    @property
    def records_file_bytes(self) -> int:
        """How large a file of records is made at most."""
        return self.max_file_bytes * FILE_PERCENT // 100


def of(model: CatalogueModel) -> BatchQuotas:
    """The limits for a model. Settings (NOVA_BATCH_…) can only be stricter than AWS, but for a minimum that is not the
    default: it wins over what AWS told.
    """
    limits = {**FALLBACK, **model.quotas, **model.account_quotas}
    ours = conf.batch()
    is_own = ours.min_records != FALLBACK["min_records"]
    return BatchQuotas(
        min_records=ours.min_records if is_own else int(limits["min_records"]),
        max_records=min(ours.max_records, int(limits["max_records"])),
        max_file_bytes=int(limits["max_file_bytes"]),
        max_job_bytes=min(ours.max_bytes, int(limits["max_job_bytes"])),
        max_jobs=int(limits["max_jobs"]),
        as_of=str(limits["as_of"]),
        source=str(limits["source"]),
    )


def refresh() -> list[str]:
    """Read the account's quotas from Service Quotas, where the policy allows it. Returns what changed, in words."""
    try:
        with faults.told("Reading quotas"):
            pages = clients.quotas().get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
            told = [limit for page in pages for quota in page.get("Quotas", []) for limit in read_quota(quota)]
    except AccessError:
        return []
    except BedrockError as exc:
        return [f"The account's quotas could not be read: {exc}"]
    changes = []
    for row in CatalogueModel.objects.filter(provider="bedrock"):
        own: dict[str, int] = {}
        for label, name, value in told:
            if is_of(label, row.name):  # of two that limit the same (records of a file, of a job) the smaller one
                own[name] = min(value, own.get(name, value))
        if not own or own.items() <= row.account_quotas.items():
            continue
        changes.append(f"{row.name}: {', '.join(f'{name} {value:,}' for name, value in sorted(own.items()))}")
        row.account_quotas = {
            **own, "as_of": f"{timezone.now():%Y-%m-%d}", "source": f"Service Quotas of this account, {conf.region()}"
        }  # fmt: skip
        row.save(update_fields=["account_quotas"])
    return changes


def read_quota(quota: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """A quota of batch jobs as (model, limit, value); nothing for any other."""
    for pattern, name, unit in NAMES:
        match = pattern.fullmatch(str(quota.get("QuotaName", "")).strip())
        if match and isinstance(quota.get("Value"), int | float):
            yield match[1], name, int(quota["Value"] * unit)
            return


def is_of(label: str, name: str) -> bool:
    """Whether AWS means our model: "Nova Lite" is "Amazon Nova Lite V1", and not Nova 2 Lite."""
    plain = re.sub(r"\bv1\b|\bamazon\b", "", label.lower())
    return " ".join(plain.split()) == " ".join(name.lower().split())
