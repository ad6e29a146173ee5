"""What every model's admin starts from: quick with a hundred thousand rows, and nothing deleted by a slip."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.admin import AllValuesFieldListFilter, ModelAdmin
from django.db.models import Model
from django.http import HttpRequest

from jobs.kept_answers import KeptPaginator, kept
from jobs.web.action_dialog import DialogAction, PlanLine, PlanText, plan_text
from jobs.web.option_forms import OptionsForm, form_from_serializer

__all__ = [
    "BaseAdmin",
    "DialogAction",
    "KeptValuesFilter",
    "OptionsForm",
    "PlanLine",
    "PlanText",
    "ReadOnlyAdmin",
    "form_from_serializer",
    "plan_text",
]

AnyModel = TypeVar("AnyModel", bound=Model)


class KeptValuesFilter(AllValuesFieldListFilter):
    """The values that a column has, read once until the table changes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        values = self.lookup_choices
        choices: Any = kept(values, "values", lambda: list(values))
        self.lookup_choices = choices


class BaseAdmin(ModelAdmin[AnyModel]):
    """Pages of 50, a count that is kept, no bulk delete; dialog actions in `dialog_actions`."""

    list_per_page = 50
    show_full_result_count = False
    paginator = KeptPaginator
    dialog_actions: tuple[DialogAction, ...] = ()

    class Media:
        js = ("jobs/action_dialog.js",)

    def get_dialog_actions(self, request: HttpRequest) -> tuple[DialogAction, ...]:
        """The actions with a dialog; override it where they are registered at run time."""
        return self.dialog_actions

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Callable[..., str], str, str] | None]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        for dialog in self.get_dialog_actions(request):
            if request.user.has_perm(dialog.permission):
                function: Any = dialog.as_admin_action()
                name = function.__name__
                actions[name] = (function, name, dialog.label)
        return actions


class ReadOnlyAdmin(BaseAdmin[AnyModel]):
    """Rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        return False
