"""The setup page: the same checks as `manage.py doctor`, each with its remedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from embeddings import registry as spaces
from embeddings.conf import conf as text_conf
from embeddings.indexing import pictures
from embeddings.providers import text_models
from embeddings.providers.picture_models import KNOWN
from jobs.errors import WorkError
from jobs.models import Job
from nova.facet import PERMISSION
from novaproject.setup import doctor
from novaproject.setup.doctor import Check, Level
from transcription import weights_wait
from transcription.tasks import DOWNLOAD, request_download

_WORDS = {Level.READY: "Ready", Level.MEND: "Mend", Level.WARN: "Check", Level.OFF: "Off"}
_LOOKS = {Level.READY: "ok", Level.MEND: "bad", Level.WARN: "warn", Level.OFF: "off"}


@dataclass(frozen=True, kw_only=True)
class SetupFinding:
    name: str
    text: str
    remedy: str
    word: str
    look: str


@dataclass(frozen=True, kw_only=True)
class CheckGroup:
    title: str
    said: str
    checks: list[SetupFinding]


def grouped(checks: Sequence[Check]) -> list[CheckGroup]:
    """The findings by group, in the order in which they came."""
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.group, []).append(check)
    return [
        CheckGroup(
            title=title,
            said=_said(title, found),
            checks=[
                SetupFinding(
                    name=check.name,
                    text=check.text,
                    remedy=check.remedy,
                    word=_WORDS[check.level],
                    look=_LOOKS[check.level],
                )
                for check in found
            ],
        )
        for title, found in groups.items()
    ]


def _said(title: str, found: Sequence[Check]) -> str:
    ready = sum(check.level is Level.READY for check in found)
    if title == doctor.AWS:
        return "everything else works without"
    return f"{ready} of {len(found)} ready"


def headline(checks: Sequence[Check]) -> str:
    """The page in one sentence: what must be mended, else what to look at."""
    bad = [check.name for check in checks if check.level is Level.MEND]
    warn = sum(check.level is Level.WARN for check in checks)
    if bad:
        return f"To mend first: {', '.join(bad)}"
    if warn:
        return f"Ready, with {warn} {'thing' if warn == 1 else 'things'} to check"
    return "Everything is ready"


def weights(request: HttpRequest) -> dict[str, Any]:
    """What `novaproject/_weights.html` needs: whether Whisper's weights are missing, and who may fetch them."""
    ready = weights_wait.readiness()
    return {
        "weights": ready if not ready.is_ready and ready.can_prepare else None,
        "weights_job": Job.objects.active().filter(kind=DOWNLOAD).first() if not ready.is_ready else None,
        "may_download": request.user.has_perm("transcription.add_transcript"),
    }


def picture_model(request: HttpRequest) -> dict[str, Any]:
    """What the page offers where the picture model is missing: its name, its size, and others to choose."""
    problem = "" if settings.PICTURE_PROVIDER != "local" else _picture_problem()
    known = [model for model in KNOWN if model.name == settings.PICTURE_MODEL]
    return {
        "picture_problem": problem,
        "picture_megabytes": known[0].megabytes if known else None,
        "may_download": request.user.has_perm("transcription.add_transcript"),
    }


def text_models_to_fetch() -> dict[str, Any]:
    """The sentence models that can be fetched and are not here: they read more languages than the default."""
    folder = text_conf().text_model_dir
    lacking = [model for model in text_models.KNOWN if model is not text_models.DEFAULT]
    return {"text_models": [model for model in lacking if text_models.missing_from(folder / model.name)]}


def _picture_problem() -> str:
    """Why nobody sees yet; empty where somebody does."""
    try:
        return "" if spaces.picture_key() is not None else pictures.why_nobody_sees()
    except WorkError as error:
        return str(error)


@require_safe
@permission_required("files.view_file", raise_exception=True)
def setup(request: HttpRequest) -> HttpResponse:
    may_ask = request.user.has_perm(PERMISSION)
    checks = doctor.checks(ask_aws=may_ask and "aws" in request.GET)
    context = {
        "groups": grouped(checks),
        "headline": headline(checks),
        "may_ask_aws": may_ask,
        **weights(request),
        **picture_model(request),
        **text_models_to_fetch(),
    }
    return render(request, "novaproject/setup.html", context)


@require_POST
@permission_required(("files.view_file", "transcription.add_transcript"), raise_exception=True)
def download_weights(request: HttpRequest) -> HttpResponse:
    """Fetch the weights of the configured model as a job, as `manage.py download_model` does."""
    request_download("", user=cast("Any", request.user))
    messages.success(request, "The weights are being fetched; what waited for them is transcribed afterwards.")
    return redirect("jobs")


@require_POST
@permission_required(("files.view_file", "transcription.add_transcript"), raise_exception=True)
def download_picture_model(request: HttpRequest) -> HttpResponse:
    """Fetch the configured picture model as a job, as `manage.py download_model --kind picture` does."""
    request_download("", kind="picture", user=cast("Any", request.user))
    messages.success(request, "Fetching the picture model. Files that wait for it follow.")
    return redirect("jobs")


@require_POST
@permission_required(("files.view_file", "transcription.add_transcript"), raise_exception=True)
def download_text_model(request: HttpRequest) -> HttpResponse:
    """Fetch a sentence model as a job, as `manage.py download_model NAME --kind text` does."""
    model = text_models.known(request.POST.get("model", ""))
    if model is None:
        messages.error(request, "Choose one of the models that are offered.")
        return redirect("setup")
    request_download(model.name, kind="text", user=cast("Any", request.user))
    messages.success(request, f"{model.model} is being fetched. Then make its space, build it and use it for texts.")
    return redirect("jobs")
