"""The admin of models and of the ledger."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from bedrock import catalogue, conf
from bedrock.errors import NotOfferedError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel, Entry, LedgerMonth


@admin.register(CatalogueModel)
class CatalogueModelAdmin(admin.ModelAdmin[CatalogueModel]):
    """Models can be edited; an edited row is left alone by updates of the program."""

    list_display = ("name", "key", "purpose", "state", "called_as", "realtime_price", "as_of", "is_edited")
    list_filter = ("purpose", "status")
    search_fields = ("name", "key", "model_id")
    readonly_fields = ("refreshed_at", "offers", "account_quotas")
    actions = ("accept_estimate", "use_global_profile", "use_nearest_profile", "ask_again_now")

    def save_model(self, request: HttpRequest, obj: CatalogueModel, form: Any, change: Any) -> None:
        if form.has_changed() and "is_edited" not in form.changed_data:
            obj.is_edited = True
        super().save_model(request, obj, form, change)

    @admin.action(description="Accept the estimated price in this region", permissions=["change"])
    def accept_estimate(self, request: HttpRequest, rows: QuerySet[CatalogueModel]) -> None:
        by = who(request)
        self._each(
            request, rows, "priced by an estimate", lambda row: catalogue.accept_estimate(row, conf.region(), by=by)
        )

    @admin.action(
        description="Call the global profile: cheaper, answered anywhere in the world", permissions=["change"]
    )
    def use_global_profile(self, request: HttpRequest, rows: QuerySet[CatalogueModel]) -> None:
        self._each(
            request,
            rows,
            "called by the global profile",
            lambda row: catalogue.choose_profile(row, conf.region(), is_global=True),
        )

    @admin.action(description="Call the nearest profile: data stay in its regions", permissions=["change"])
    def use_nearest_profile(self, request: HttpRequest, rows: QuerySet[CatalogueModel]) -> None:
        self._each(
            request,
            rows,
            "called by the nearest profile",
            lambda row: catalogue.choose_profile(row, conf.region(), is_global=False),
        )

    def _each(
        self,
        request: HttpRequest,
        rows: QuerySet[CatalogueModel],
        outcome: str,
        act: Callable[[CatalogueModel], None],
    ) -> None:
        """Do it to each of these, and say of which it cannot be done."""
        for row in rows:
            try:
                act(row)
            except NotOfferedError as exc:
                self.message_user(request, str(exc), messages.WARNING)
            else:
                self.message_user(request, f"{row.name} is {outcome} now.", messages.SUCCESS)

    @admin.action(description="Ask again now, though the quota of the day was used up", permissions=["change"])
    def ask_again_now(self, request: HttpRequest, rows: QuerySet[CatalogueModel]) -> None:
        rows.update(closed_until=None, closed_reason="")
        self.message_user(request, "They are asked again.")

    @admin.display(description="state", ordering="status")
    def state(self, row: CatalogueModel) -> str:
        mode = row.modes[0] if row.modes else "realtime"
        return row.refuse_reason(mode=mode, region=conf.region()) or row.get_status_display()

    @admin.display(description="called here as")
    def called_as(self, row: CatalogueModel) -> str:
        return row.runtime_id(conf.region()) or "not offered"

    @admin.display(description="USD per 1M tokens, in / out")
    def realtime_price(self, row: CatalogueModel) -> str:
        price = row.price("realtime", conf.region())
        if price is None:
            return "unpriced, with an estimate" if catalogue.price_estimate(row, conf.region()) else "unpriced"
        rates = [price.rates.get(name) for name in ("input_per_1k", "output_per_1k")]
        shown = " / ".join("–" if rate is None else f"{rate * 1000:.3f}" for rate in rates)
        return f"{shown} (estimate)" if row.is_estimate(conf.region()) else shown


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin[Entry]):
    """The ledger is written by the program; a person can only say that something was not charged."""

    list_display = (
        "created_at",
        "state",
        "model_key",
        "model_id",
        "mode",
        "analysis_type",
        "file_name",
        "estimate",
        "actual",
    )
    list_filter = ("state", "mode", "model_key", "purpose", "month")
    search_fields = ("file_name", "holder", "question")
    actions = ("was_not_charged",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        reported = CatalogueModel.objects.filter(key=OuterRef("model_key")).values("model_id")
        return super().get_queryset(request).annotate(model_id=Subquery(reported))

    @admin.display(description="AWS calls it")
    def model_id(self, entry: Any) -> str:
        return entry.model_id or ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Entry | None = None) -> list[str]:
        return [field.name for field in Entry._meta.fields]

    @admin.display(description="estimate", ordering="estimated_usd")
    def estimate(self, entry: Entry) -> str:
        return _dollars(entry.estimated_usd)

    @admin.display(description="counts", ordering="counted_usd")
    def actual(self, entry: Entry) -> str:
        return _dollars(entry.actual_usd if entry.actual_usd is not None else entry.counted_usd)

    @admin.action(description="Was not charged: give the money back, may be asked again", permissions=["change"])
    def was_not_charged(self, request: HttpRequest, chosen: QuerySet[Entry]) -> None:
        count = booking.forgive(list(chosen), note=f"Given back by {who(request)}.")
        self.message_user(request, f"{count} entries were given back.", messages.SUCCESS)


@admin.register(LedgerMonth)
class LedgerMonthAdmin(admin.ModelAdmin[LedgerMonth]):
    """Months with what counts against the cap."""

    list_display = ("month", "counts")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LedgerMonth | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LedgerMonth | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: LedgerMonth | None = None) -> bool:
        return request.user.has_perm("bedrock.view_entry")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bedrock.view_entry")

    @admin.display(description="counts against the cap")
    def counts(self, row: LedgerMonth) -> str:
        return _dollars(booking.counted_usd(row.month))


def who(request: HttpRequest) -> str:
    """The name of whoever is signed in."""
    return str(request.user.get_username())


def _dollars(usd: Decimal | None) -> str:
    return "unpriced" if usd is None else f"${usd:.4f}"
