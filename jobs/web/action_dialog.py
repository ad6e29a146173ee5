"""Admin actions that ask first: options, what will be done to how many, what it costs; then they lead to progress.

It is an intermediate page that works without JavaScript; `action_dialog.js` opens the same page in a `<dialog>`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import strip_tags

from jobs.errors import WorkError
from jobs.web.option_forms import OptionsForm

#: The script opens actions of these names in a dialog.
NAME_PREFIX = "dialog_"
#: Sent by the script, which wants the form without the page around it.
FRAGMENT_HEADER = "X-Action-Dialog"
STEP = "dialog_step"
_CENT = Decimal("0.01")


class Planned(Protocol):
    """What a plan says in numbers; `files.selection.facets.Plan` is one."""

    @property
    def total(self) -> int: ...
    @property
    def todo(self) -> int: ...
    @property
    def already_done(self) -> int: ...
    @property
    def usd_low(self) -> Decimal: ...
    @property
    def usd_high(self) -> Decimal: ...
    @property
    def is_unpriced(self) -> bool: ...
    @property
    def refusals(self) -> list[str]: ...
    @property
    def warnings(self) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """One line of what will happen, and what it costs."""

    text: str
    amount: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanText:
    """What the dialog says before anything is done."""

    lines: Sequence[PlanLine]
    button: str
    todo: int
    refusals: Sequence[str] = field(default_factory=list)
    warnings: Sequence[str] = field(default_factory=list)

    @property
    def may_go(self) -> bool:
        return self.todo > 0 and not self.refusals


def price_range(low: Decimal, high: Decimal) -> str:
    """`free`, `$0.42` or `$0.42–0.55`; never rounded down to nothing."""
    if not high:
        return "free"
    low, high = (max(_CENT, value.quantize(_CENT)) if value else Decimal(0) for value in (low, high))
    return f"${high:,.2f}" if low == high else f"${low:,.2f}–{high:,.2f}"


def plan_text(plan: Planned, *, label: str, things: tuple[str, str] = ("file", "files")) -> PlanText:
    """The words for a plan. `label` is the action's, such as `Make proxies`."""

    def count(number: int) -> str:
        return f"{number:,} {things[0] if number == 1 else things[1]}"

    price = "price unknown" if plan.is_unpriced else price_range(plan.usd_low, plan.usd_high)
    lines = [PlanLine(text=f"{count(plan.total)} selected")]
    if plan.already_done:
        lines.append(PlanLine(text=f"{count(plan.already_done)} done already: nothing is done again", amount="free"))
    left_out = plan.total - plan.todo - plan.already_done
    if left_out > 0:
        lines.append(PlanLine(text=f"{count(left_out)} cannot be done and are left out"))
    if plan.todo:
        lines.append(PlanLine(text=f"{count(plan.todo)} will be done", amount=price))
    suffix = {"free": "", "price unknown": ", price unknown"}.get(price, f" for {price}")
    button = f"{label}: {count(plan.todo)}{suffix}" if plan.todo else "Nothing to do"
    return PlanText(lines=lines, button=button, todo=plan.todo, refusals=plan.refusals, warnings=plan.warnings)


@dataclass(frozen=True, kw_only=True)
class DialogAction:
    """One action on the rows of a change list, with options."""

    name: str
    label: str
    permission: str
    form: type[OptionsForm]
    plan: Callable[[QuerySet[Any], dict[str, Any]], PlanText]
    #: Does it; returns where to go, such as the page of the batch.
    submit: Callable[[QuerySet[Any], dict[str, Any], HttpRequest], str]

    def as_admin_action(self) -> Callable[..., HttpResponse]:
        """What belongs into `ModelAdmin.actions`."""

        def action(model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
            return _Conversation(self, model_admin, request, rows).answer()

        action.__name__ = f"{NAME_PREFIX}{self.name}"
        action.short_description = self.label  # type: ignore[attr-defined]
        return action


class _Conversation:
    """One request of the dialog: the first look, a change of options, or the go."""

    def __init__(
        self, action: DialogAction, model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]
    ) -> None:
        if not request.user.has_perm(action.permission):
            raise PermissionDenied(f"“{action.label}” needs the permission {action.permission}.")
        self.action, self.model_admin, self.request = action, model_admin, request
        self.rows = rows.order_by()
        self.step = request.POST.get(STEP, "")
        self.errors: list[str] = []

    def answer(self) -> HttpResponse:
        form = self.action.form(self.request.POST) if self.step else self.action.form.with_defaults()
        plan = self._plan(form)
        if self.step == "go" and plan is not None and plan.may_go:
            try:
                return HttpResponseRedirect(self.action.submit(self.rows, form.options(), self.request))
            except WorkError as exc:
                self.errors.append(f"{exc} {exc.remedy}".strip())
        return self._page(form if self.step else self.action.form(), plan)

    def _plan(self, form: OptionsForm) -> PlanText | None:
        if not form.is_valid():
            return None
        try:
            return self.action.plan(self.rows, form.options())
        except WorkError as exc:
            self.errors.append(f"{exc} {exc.remedy}".strip())
        return None

    def _page(self, form: OptionsForm, plan: PlanText | None) -> HttpResponse:
        is_fragment = self.request.headers.get(FRAGMENT_HEADER) == "1"
        across = self.request.POST.get("select_across") == "1"
        selected = self.request.POST.getlist(ACTION_CHECKBOX_NAME)
        meta = self.model_admin.opts
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "title": strip_tags(self.action.label),
            "opts": meta,
            "action": self.action,
            "action_name": f"{NAME_PREFIX}{self.action.name}",
            "form": form,
            "plan": plan,
            "errors": self.errors,
            "select_across": across,
            # Django wants one selected row even where all rows that match are meant.
            "selected": selected[:1] if across else selected,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "step_name": STEP,
            "list_url": self.request.get_full_path(),
        }
        name = "jobs/_action_form.html" if is_fragment else "admin/jobs/action.html"
        return TemplateResponse(self.request, name, context)
