"""JSON of models and of spending."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bedrock import batch_quotas, catalogue, conf
from bedrock.ledger import spend
from bedrock.models import CatalogueModel
from bedrock.pricing import MODES
from jobs.web.strict_fields import StrictFields


class ModelSerializer(StrictFields, serializers.ModelSerializer[CatalogueModel]):
    """A model that can be asked: ids, state, limits, prices in this region. A mode without a price is null."""

    runtime_id = serializers.SerializerMethodField()
    refused = serializers.SerializerMethodField(help_text="Why it cannot be asked at all; empty = it can.")
    prices = serializers.SerializerMethodField(help_text="USD by mode and unit, in this region; null = unpriced.")
    limits = serializers.SerializerMethodField()
    is_estimate = serializers.SerializerMethodField(
        help_text="Whether the price here is an estimate that was accepted."
    )
    estimated_prices = serializers.SerializerMethodField(
        help_text="Where it is unpriced here: an estimate by mode and unit, with its source; null = none."
    )
    batch_limits = serializers.SerializerMethodField(
        help_text="What a batch job may hold, and how many may be at AWS, with `as_of` and `source`; null = no batches."
    )
    route = serializers.SerializerMethodField(help_text="Where a call may be answered; empty = in this region.")

    class Meta:
        model = CatalogueModel
        read_only_fields = (
            "key", "name", "purpose", "provider", "model_id", "runtime_id", "status", "refused", "end_of_life", "modes",
            "prices", "limits", "as_of", "source", "notes", "refreshed_at", "is_estimate",
            "estimated_prices", "route", "batch_limits",
        )  # fmt: skip
        fields = (*read_only_fields, "prefers_global")

    def get_runtime_id(self, row: CatalogueModel) -> str:
        return row.runtime_id(conf.region())

    def get_refused(self, row: CatalogueModel) -> str:
        mode = row.modes[0] if row.modes else "realtime"
        return row.refuse_reason(mode=mode, region=conf.region())

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object", "nullable": True}})
    def get_prices(self, row: CatalogueModel) -> dict[str, dict[str, str] | None]:
        prices = {mode: row.price(mode, conf.region()) for mode in MODES if mode in row.modes}
        return {
            mode: {name: f"{rate.normalize():f}" for name, rate in price.rates.items()} if price else None
            for mode, price in prices.items()
        }

    def get_is_estimate(self, row: CatalogueModel) -> bool:
        return row.is_estimate(conf.region())

    @extend_schema_field({"type": "object", "nullable": True})
    def get_estimated_prices(self, row: CatalogueModel) -> dict[str, Any] | None:
        return catalogue.price_estimate(row, conf.region())

    @extend_schema_field({"type": "object", "nullable": True})
    def get_batch_limits(self, row: CatalogueModel) -> dict[str, Any] | None:
        return asdict(batch_quotas.of(row)) if "batch" in row.modes else None

    def get_route(self, row: CatalogueModel) -> str:
        return catalogue.route(row)

    @extend_schema_field({"type": "object"})
    def get_limits(self, row: CatalogueModel) -> dict[str, int | None]:
        sampling = row.video_sampling()
        return {
            "context_tokens": row.context_tokens,
            "max_output_tokens": row.max_output_tokens,
            "frames": sampling.frames_high if sampling else None,
        }


class RefreshSerializer(StrictFields, serializers.Serializer[Any]):
    """As the command `refresh_models`."""

    offline = serializers.BooleanField(default=False, help_text="Only take in the prices of this program's version.")
    lifecycle_rule = serializers.BooleanField(
        default=False, help_text="Let S3 delete forgotten staged copies in time, too."
    )
    accept_estimates = serializers.BooleanField(
        default=False, help_text="Price by their estimates what has no price in this region."
    )
    global_profile = serializers.ListField(
        child=serializers.SlugField(max_length=40),
        default=list,
        max_length=50,
        help_text="Keys of models that are called by their global profile from now on.",
    )
    nearest_profile = serializers.ListField(
        child=serializers.SlugField(max_length=40),
        default=list,
        max_length=50,
        help_text="Keys of models that are called by the nearest profile again.",
    )


class UsdSerializerField(serializers.DecimalField):
    """Dollars as text, to a millionth."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 20, "decimal_places": 6, **kwargs})

    def to_representation(self, value: Any) -> str:
        return f"{value:.6f}"


class SpendRowSerializer(serializers.Serializer[spend.SpendRow]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    model_id = serializers.CharField(help_text="By model: what AWS calls it; else empty.")
    calls = serializers.IntegerField()
    spent_usd = UsdSerializerField()
    estimated_usd = UsdSerializerField()
    reserved_usd = UsdSerializerField()
    possibly_paid_usd = UsdSerializerField()
    unpriced_calls = serializers.IntegerField()


class MonthSerializer(serializers.Serializer[spend.Month]):
    month = serializers.CharField()
    cap_usd = UsdSerializerField(allow_null=True)
    spent_usd = UsdSerializerField()
    reserved_usd = UsdSerializerField()
    possibly_paid_usd = UsdSerializerField()
    unpriced_calls = serializers.IntegerField()
    left_usd = UsdSerializerField(allow_null=True)


class SpendSerializer(serializers.Serializer[dict[str, Any]]):
    """A table of spending, and where the month stands."""

    by = serializers.CharField()
    rows = SpendRowSerializer(many=True)
    month = MonthSerializer()


class SpendQuerySerializer(serializers.Serializer[dict[str, Any]]):
    by = serializers.ChoiceField(choices=sorted(spend.DIMENSIONS), default="day")
    since = serializers.DateField(required=False, help_text="First day (UTC).")
    until = serializers.DateField(required=False, help_text="Last day (UTC), included.")
