"""The admin's first page: what a person looks for, by what it is for; what hardly anybody needs comes last."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Library": ("File", "Root", "Problem", "RemovedFile", "Proxy"),
    "Your order": ("Tag", "Collection", "Moment", "SavedQuery"),
    "Speech and analysis": ("Transcript", "SpeakerName", "AnalysisType", "NovaJob", "BedrockBatch"),
    "Work": ("Job", "Batch", "QueueState", "Notice"),
    "Costs": ("Entry", "LedgerMonth", "CatalogueModel"),
    "People and access": ("User", "Group", "AuthToken"),
}
REST = "Rarely needed"
AppList = list[dict[str, Any]]


def grouped(stock: Callable[..., AppList]) -> Callable[..., AppList]:
    """`AdminSite.get_app_list` with these groups in place of the apps; the page of one app is as it was."""

    def get_app_list(request: HttpRequest, app_label: str | None = None) -> AppList:
        apps = stock(request, app_label)
        if app_label is not None:
            return apps
        models = {model["object_name"]: model for app in apps for model in app["models"]}
        groups = {heading: [models.pop(name) for name in names if name in models] for heading, names in GROUPS.items()}
        groups[REST] = sorted(models.values(), key=lambda model: str(model["name"]))
        return [
            {
                "name": heading,
                "models": rows,
                "is_rare": heading == REST,
                "app_label": heading.lower().replace(" ", "-"),
            }
            for heading, rows in groups.items()
            if rows
        ]

    return get_app_list
