"""What AWS offers and what it costs: the catalogue of models, and the ledger."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from bedrock.errors import UnpricedError
from bedrock.money import UsdField
from bedrock.pricing import MODES, UNTOLD, Price, Sampling, Usage, check_discounts, check_prices, price_of

ANYWHERE, GLOBAL = "*", "global"


def geography(region: str) -> tuple[str, ...]:
    """The inference profiles that may serve a region, the nearest first."""
    near: tuple[str, ...] = ()
    if region.startswith("us-gov-"):
        return ("us-gov",)
    if region.startswith("us-"):
        near = ("us",)
    elif region.startswith("eu-"):
        near = ("eu",)
    elif region.startswith("ca-"):
        near = ("us",)
    elif region in {"ap-northeast-1", "ap-northeast-3"}:
        near = ("jp", "apac")
    elif region.startswith("ap-"):
        near = ("apac",)
    return (*near, GLOBAL)


class CatalogueModel(models.Model):
    """A model that can be asked, with its ids, limits, lifecycle and prices, as of a date and from a source."""

    class Purpose(models.TextChoices):
        ANALYSIS = "analysis", "Analysis of video"
        EMBEDDING = "embedding", "Embedding"
        SPEECH = "speech", "Speech to text"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PREVIEW = "preview", "Preview"
        LEGACY = "legacy", "Legacy"
        END_OF_LIFE = "end_of_life", "Past its end of life"

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    provider = models.CharField(max_length=20, default="bedrock", help_text="bedrock, or local for this machine.")
    model_id = models.CharField(max_length=200, help_text="The id that is reported.")
    runtime_ids = models.JSONField(
        default=dict, blank=True, help_text='The id that is called, by profile: {"us": "us.amazon.…"}.'
    )
    direct_regions = models.JSONField(
        default=list, blank=True, help_text='Regions where the bare id can be called; ["*"] = all.'
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    end_of_life = models.DateField(null=True, blank=True)
    context_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    sampling = models.JSONField(default=dict, blank=True, help_text="How video is sampled; empty = takes no video.")
    modes = models.JSONField(default=list, blank=True, help_text='Of "realtime", "flex" and "batch".')
    prices = models.JSONField(
        default=dict, blank=True, help_text="USD by region (or global, or *), mode and rate; empty = unpriced."
    )
    discounts = models.JSONField(default=dict, blank=True, help_text='Factor on the realtime price: {"batch": "0.5"}.')
    as_of = models.DateField(help_text="When this was read.")
    source = models.CharField(max_length=300, help_text="Where this was read.")
    notes = models.TextField(blank=True)
    is_edited = models.BooleanField(
        "edited here", default=False, help_text="Edited by hand: updates of this program leave it as it is."
    )
    refreshed_at = models.DateTimeField("asked Bedrock", null=True, blank=True)
    profile_regions = models.JSONField(
        default=dict,
        blank=True,
        help_text='Regions where a profile can be called, as AWS\'s pages say: {"us": ["us-*"]}; none = by geography.',
    )
    offers = models.JSONField(
        default=dict,
        blank=True,
        help_text="What Bedrock itself listed, by region: profiles; an empty name = the bare id.",
    )
    prefers_global = models.BooleanField(
        "global profile",
        default=False,
        help_text="Call the global profile where there is one: cheaper, and AWS may process the data in any of its "
        "regions in the world.",
    )
    quotas = models.JSONField(default=dict, blank=True, help_text="Limits of a batch job, with as_of and source.")
    account_quotas = models.JSONField(default=dict, blank=True, help_text="The same, as AWS told them of this account.")
    closed_until = models.DateTimeField(
        "not asked until", null=True, blank=True, help_text="AWS's quota of a day is used up; empty = it is asked."
    )
    closed_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "bedrock_models"
        ordering = ["purpose", "id"]
        verbose_name = "model"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """What a person types in: a figure that cannot be read would stop every page and call that needs it."""
        rates = ("input_per_1k", "output_per_1k") if self.purpose == self.Purpose.ANALYSIS else ()
        checks: tuple[tuple[str, Callable[[], object]], ...] = (
            ("prices", lambda: check_prices(self.prices, needed=rates)),
            ("discounts", lambda: check_discounts(self.discounts)),
            ("sampling", self.video_sampling),
        )
        faults = {}
        for name, check in checks:
            try:
                check()
            except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as exc:
                faults[name] = f"This cannot be read: {exc or type(exc).__name__}"
        if faults:
            raise ValidationError(faults)

    @property
    def is_local(self) -> bool:
        return self.provider == "local"

    def video_sampling(self) -> Sampling | None:
        """How it looks at video, or None where it takes none."""
        return Sampling(**self.sampling) if self.sampling else None

    def profiles(self, region: str) -> list[str]:
        """The ways to call it in `region`, the nearest first: profiles by name, "" for the bare id.

        What Bedrock itself listed there goes before what AWS's pages say.
        """
        if region in self.offers:
            names = set(self.offers[region])
        else:
            is_direct = ANYWHERE in self.direct_regions or region in self.direct_regions
            names = {name for name in self.runtime_ids if self._reaches(name, region)} | ({""} if is_direct else set())
        near = ["", *geography(region)]
        return sorted(names, key=lambda name: near.index(name) if name in near else len(near))

    def _reaches(self, profile: str, region: str) -> bool:
        if profile in self.profile_regions:
            return any(fnmatchcase(region, pattern) for pattern in self.profile_regions[profile])
        return profile in geography(region)

    def profile(self, region: str) -> str | None:
        """The inference profile to call in `region`: a name, "" for the bare id, None where it is not offered."""
        names = self.profiles(region)
        if self.prefers_global and GLOBAL in names:
            return GLOBAL
        return names[0] if names else None

    def runtime_id(self, region: str) -> str:
        """The id to call in `region`. Empty where it is not offered."""
        profile = self.profile(region)
        return "" if profile is None else str(self.runtime_ids.get(profile, "")) if profile else self.model_id

    def price_place(self, region: str) -> str:
        """Where in `prices` the price for `region` stands: under its name, or "global" for the global profile."""
        return GLOBAL if self.profile(region) == GLOBAL else region

    def price(self, mode: str, region: str) -> Price | None:
        """The price in `mode` in `region`; None = unpriced."""
        places = (self.price_place(region), ANYWHERE)
        return price_of(self.prices, places=places, mode=mode, discounts=self.discounts)

    def is_estimate(self, region: str) -> bool:
        """Whether its price in `region` is an estimate that a person accepted."""
        return bool((self.prices.get(self.price_place(region)) or {}).get("estimate"))

    def discount(self, mode: str, region: str) -> Decimal | None:
        """The part of the realtime price that `mode` saves (0.5 = half price); None = unknown."""
        now, then = self.price("realtime", region), self.price(mode, region)
        whole = Usage(input_tokens=1_000_000)
        if now is None or then is None or not now.cost(whole):
            return None
        return 1 - then.cost(whole) / now.cost(whole)

    def is_past(self, today: date | None = None) -> bool:
        """Whether AWS answers it no more."""
        ended = bool(self.end_of_life and (today or timezone.now().date()) >= self.end_of_life)
        return ended or self.status == self.Status.END_OF_LIFE

    def refuse_reason(self, *, mode: str, region: str, today: date | None = None) -> str:
        """Why it cannot be asked in `mode` in `region`, in plain words; empty = it can."""
        if self.is_past(today):
            when = f" on {self.end_of_life:%Y-%m-%d}" if self.end_of_life else ""
            return f"AWS ended {self.name}{when}: it answers no more requests."
        if mode not in self.modes:
            offered = " or ".join(name for name in MODES if name in self.modes) or "no"
            return f"{self.name} has no {mode} mode, only {offered}."
        if self.profile(region) is None:
            return f"{self.name} is not offered in {region}."
        return ""


class LedgerMonth(models.Model):
    """A calendar month in UTC. It holds no sum: its row is what writers of the ledger queue on."""

    month = models.CharField(max_length=7, primary_key=True)

    class Meta:
        db_table = "bedrock_ledger_months"
        default_permissions = ()

    def __str__(self) -> str:
        return self.month


def month_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m}"


class EntryQuerySet(QuerySet["Entry"]):
    """Questions about money."""

    def in_month(self, month: str) -> Self:
        return self.filter(month=month)

    def counted_usd(self) -> Decimal:
        """What counts against the cap: what is reserved, what was settled, what was possibly paid."""
        total: Decimal | None = self.aggregate(total=models.Sum("counted_usd"))["total"]
        return total or Decimal(0)

    def of_files(self, file_ids: Iterable[int]) -> Self:
        return self.filter(file_id__in=file_ids)


class Entry(models.Model):
    """One line of the ledger: a reservation, and what became of it."""

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"
        POSSIBLY_PAID = "possibly_paid", "Possibly paid"

    question = models.CharField(max_length=128, help_text="What was asked, as a hash: content, cut, prompt, model.")
    holder = models.CharField(max_length=120, blank=True, help_text="Who asks: a job, a record.")
    purpose = models.CharField(max_length=20)
    model_key = models.CharField(max_length=40)
    mode = models.CharField(max_length=12)
    analysis_type = models.CharField(max_length=80, blank=True)
    file = models.ForeignKey(
        "files.File", null=True, blank=True, on_delete=models.SET_NULL, related_name="ledger_entries"
    )
    file_name = models.CharField(max_length=1024, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RESERVED)
    month = models.CharField(max_length=7, help_text="UTC, by the moment of reservation.")
    estimated_usd = UsdField("estimate", null=True, blank=True)
    reserved_usd = UsdField("reserved", null=True, blank=True, help_text="The worst case. Empty = unpriced.")
    actual_usd = UsdField("actual", null=True, blank=True)
    counted_usd = UsdField("counts against the cap", default=Decimal(0))
    price = models.JSONField(null=True, blank=True, help_text="Frozen at the moment of reservation.")
    usage = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="Set just before the call.")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Entry"]] = models.Manager.from_queryset(EntryQuerySet)()

    class Meta:
        db_table = "bedrock_ledger"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "ledger"
        constraints = [
            # The database itself keeps a question from being paid twice.
            models.UniqueConstraint(
                fields=["question"], condition=Q(state__in=["reserved", "settled"]), name="ledger_asked_once"
            ),
            models.CheckConstraint(condition=Q(counted_usd__gte=0), name="ledger_counts_not_negative"),
        ]
        indexes = [
            models.Index(fields=["month", "counted_usd"], name="ledger_month"),
            models.Index(fields=["created_at"], name="ledger_created"),
            models.Index(fields=["question"], name="ledger_question"),
        ]

    def __str__(self) -> str:
        return f"{self.model_key} {self.mode} {self.get_state_display().lower()}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.RESERVED

    @classmethod
    def reserved(
        cls, *, usd: Decimal | None, price: Price | None, estimated_usd: Decimal | None = None, **facts: Any
    ) -> Self:
        """A new line, not saved, for a question whose worst case is `usd` (None = unpriced)."""
        return cls(
            estimated_usd=estimated_usd if estimated_usd is not None else usd,
            reserved_usd=usd,
            counted_usd=usd or Decimal(0),
            price=price.as_json() if price else None,
            **facts,
        )

    def frozen_price(self) -> Price | None:
        """The price of the moment of reservation."""
        return Price.from_json(self.price) if self.price else None

    def cost_of(self, usage: Usage, price: Price | None = None) -> dict[str, Any]:
        """What this usage costs at the price of the reservation (else at `price`), as columns and their values.

        A usage that is not told, or that nobody can price, goes on counting as its worst case.
        """
        frozen = self.frozen_price() or price
        facts: dict[str, Any] = {"usage": usage.as_json(), "actual_usd": None}
        if usage == UNTOLD and self.reserved_usd:
            facts["note"] = "AWS did not tell what was used: it counts as its worst case."
        elif frozen is not None:
            try:
                facts["actual_usd"] = frozen.cost(usage)
            except UnpricedError as exc:
                facts["note"] = str(exc)
        worst = self.reserved_usd or Decimal(0)
        return {**facts, "counted_usd": worst if facts["actual_usd"] is None else facts["actual_usd"]}

    def book(self, state: str, *, counted_usd: Decimal, note: str = "", **facts: Any) -> None:
        """Take one transition in memory; the ledger's verbs save it."""
        self.state = state
        self.counted_usd = counted_usd
        self.note = note or self.note
        self.ended_at = timezone.now()
        for name, value in facts.items():
            setattr(self, name, value)
