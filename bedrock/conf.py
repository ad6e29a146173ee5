"""The settings of `bedrock`, read here and nowhere else in this app."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: The three settings that switch batch mode on, together.
BATCH_SETTINGS = ("BEDROCK_BATCH_ROLE_ARN", "NOVA_BATCH_INPUT_PREFIX", "NOVA_BATCH_OUTPUT_PREFIX")


@dataclass(frozen=True, kw_only=True)
class BatchConf:
    """Where batch jobs read and write, and what bounds them beside AWS's own quotas."""

    role_arn: str
    input_prefix: str
    output_prefix: str
    min_records: int
    max_records: int
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class BedrockLocation:
    """Where a batch job was made."""

    region: str
    bucket: str
    input_prefix: str
    output_prefix: str


_place: ContextVar[BedrockLocation | None] = ContextVar("place", default=None)


@contextmanager
def at(place: Mapping[str, str]) -> Iterator[None]:
    """Go on at the place where something was made, whatever the settings say by now. An empty one is here."""
    token = _place.set(BedrockLocation(**place) if place else None)
    try:
        yield
    finally:
        _place.reset(token)


def here() -> dict[str, str]:
    """The place of now, as it is kept."""
    limits = batch()
    made = BedrockLocation(
        region=region(), bucket=bucket(), input_prefix=limits.input_prefix, output_prefix=limits.output_prefix
    )
    return asdict(made)


def region() -> str:
    place = _place.get()
    return place.region if place else str(settings.AWS_REGION)


def bucket() -> str:
    """The staging bucket; empty = none."""
    place = _place.get()
    return place.bucket if place else _bucket()


def _bucket() -> str:
    return str(settings.S3_BUCKET_NAME).removeprefix("s3://").strip("/")


def budget_usd() -> Decimal | None:
    """The cap of a month, or None. A cap that cannot be read must not mean "no cap"."""
    text = str(settings.NOVA_MONTHLY_BUDGET_USD or "").strip().lstrip("$")
    if not text:
        return None
    try:
        cap = Decimal(text)
    except InvalidOperation as exc:
        raise ImproperlyConfigured(f"NOVA_MONTHLY_BUDGET_USD is not a number: {text!r}") from exc
    if not cap.is_finite() or cap < 0:
        raise ImproperlyConfigured(f"NOVA_MONTHLY_BUDGET_USD must be 0 or more: {text!r}")
    return cap


def missing_batch_settings() -> list[str]:
    """Which of the settings that batch mode needs are empty (the bucket among them)."""
    names = [name for name in BATCH_SETTINGS if not str(getattr(settings, name)).strip()]
    return names if _bucket() else [*names, "S3_BUCKET_NAME"]


def is_batch_on() -> bool:
    return not missing_batch_settings()


def batch() -> BatchConf:
    place = _place.get()
    return BatchConf(
        role_arn=str(settings.BEDROCK_BATCH_ROLE_ARN).strip(),
        input_prefix=place.input_prefix if place else _prefix(settings.NOVA_BATCH_INPUT_PREFIX),
        output_prefix=place.output_prefix if place else _prefix(settings.NOVA_BATCH_OUTPUT_PREFIX),
        min_records=settings.NOVA_BATCH_MIN_RECORDS,
        max_records=settings.NOVA_BATCH_MAX_RECORDS,
        max_bytes=settings.NOVA_BATCH_MAX_BYTES,
    )


def _prefix(text: str) -> str:
    """A key prefix without slashes at its ends, also from a whole `s3://bucket/prefix/`."""
    text = str(text).strip()
    if text.startswith("s3://"):
        text = text.removeprefix("s3://").partition("/")[2]
    return text.strip("/")


def read_timeout_s() -> float:
    """How long an answer of a model is waited for."""
    return float(settings.NOVA_READ_TIMEOUT_SECONDS)
