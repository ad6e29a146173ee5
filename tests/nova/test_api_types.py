"""Types of the user's own, reading replies again, and refreshing models, by the API."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from bedrock.models import CatalogueModel
from jobs.execution.running import run_until_idle
from nova.models import AnalysisType, NovaJob, Question
from nova.options import AnalysisRequest
from nova.questions.results import current_for
from nova.tasks import request_analysis
from nova.types.registry import choices
from tests.nova.clips import make_clip, work_off
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMA = {"type": "object", "properties": {"helmets": {"type": "integer"}}}
TYPES = "/api/nova/analysis-types"


def client_of(*codenames: str) -> APIClient:
    user = User.objects.create_user("ada")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api() -> APIClient:
    return client_of(*(f"{verb}_analysistype" for verb in ("view", "add", "change", "delete")), "add_novajob",
                     "change_cataloguemodel", "view_job")  # fmt: skip


def make(api: APIClient, **facts: Any) -> Any:
    return api.post(TYPES, {"name": "safety", "prompt": "Who wears a helmet?", "schema": SCHEMA, **facts}, "json")


def test_a_type_is_made_changed_and_retired(api: APIClient) -> None:
    made = make(api, label="Safety")
    assert (made.status_code, made.json()["version"], made.json()["warnings"]) == (201, 1, [])
    at = f"{TYPES}/{made.json()['id']}"

    changed = api.patch(at, {"prompt": "Who wears none?"}, "json").json()
    assert (changed["prompt"], changed["schema"], changed["version"]) == ("Who wears none?", SCHEMA, 2)
    assert api.patch(at, {"label": "Helmets"}, "json").json()["version"] == 2
    assert ("safety", "Helmets") in choices()
    assert AnalysisType.objects.get().versions.first().created_by.username == "ada"  # type: ignore[union-attr]

    assert api.delete(at).status_code == 204
    assert ("safety", "Helmets") not in choices()
    assert api.get(at).json()["is_retired"] is True
    assert api.get(f"{TYPES}?is_retired=false").json()["count"] == 0
    assert api.patch(at, {"is_retired": False}, "json").json()["is_retired"] is False


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"schema": {"type": "array"}}, "schema"),
        ({"schema": {"type": "object", "properties": {"a": {"$ref": "#/b"}}}}, "schema"),
        ({"name": "summary"}, "name"),
        ({"name": "no name"}, "name"),
        ({"prompt": " "}, "prompt"),
        ({"promt": "x"}, "promt"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(api: APIClient, facts: dict[str, Any], field: str) -> None:
    refused = make(api, **facts)

    assert (refused.status_code, list(refused.json())) == (400, [field])
    assert not AnalysisType.objects.exists()


def test_a_name_is_kept_and_is_of_one_type(api: APIClient) -> None:
    at = f"{TYPES}/{make(api).json()['id']}"

    assert "name" in make(api).json()
    assert "keeps its name" in str(api.patch(at, {"name": "other"}, "json").json()["name"])
    assert "outermost" in str(api.patch(at, {"schema": {"type": "array"}}, "json").json()["schema"])
    assert AnalysisType.objects.get().versions.count() == 1


def test_a_schema_that_is_too_deep_is_taken_with_a_warning(api: APIClient) -> None:
    parts = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    things = {"type": "array", "items": {"type": "object", "properties": {"parts": parts}}}

    made = make(api, schema={"type": "object", "properties": {"things": things}})

    assert made.status_code == 201
    assert "3 layers" in made.json()["warnings"][0]


@pytest.mark.parametrize("may", ["view", "add", "change", "delete"])
def test_each_method_has_its_permission(may: str) -> None:
    row = AnalysisType.objects.create(name="own", label="Own")
    client = client_of(f"{may}_analysistype")
    answers = {
        "view": client.get(f"{TYPES}/{row.pk}"),
        "add": make(client),
        "change": client.patch(f"{TYPES}/{row.pk}", {"label": "x"}, "json"),
        "delete": client.delete(f"{TYPES}/{row.pk}"),
    }

    assert {name for name, answer in answers.items() if answer.status_code < 300} == {may}


def test_replies_are_read_again_in_the_background(
    aws: World, api: APIClient, folders: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IMPORT_STEPS = []
    clip = make_clip(folders / "media")
    request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)))
    work_off()
    row = current_for(clip)["summary"]
    before = row.result
    row.result = {**before, "text": "An older reading."}
    row.save()

    def ask(**body: Any) -> str:
        job = api.post("/api/nova/reparse", body, "json")
        assert job.status_code == 202, job.content
        run_until_idle()
        return str(api.get(f"/api/jobs/{job.json()['id']}").json()["message"])

    assert ask() == "1 read, 1 changed, 0 unreadable, 0 kept"
    assert current_for(clip)["summary"].result["text"] == "An older reading."
    assert ask(nova_job_ids=[NovaJob.objects.get().pk], apply=True) == "1 read, 1 changed, 0 unreadable, 1 kept"
    assert current_for(clip)["summary"].result == before
    assert ask(failed=True) == "0 read, 0 changed, 0 unreadable, 0 kept"
    assert len(aws.bill) == 1
    Question.objects.create(nova_job=NovaJob.objects.get(), key="k", index=9, types={"summary": 1})
    assert ask() == "0 read, 0 changed, 0 unreadable, 0 kept, 1 passed over: not every question was answered"
    assert api.post("/api/nova/reparse", {"aply": True}, "json").json() == {
        "aply": ["There is no such field. Known are: nova_job_ids, failed, old, apply."]
    }


def test_models_are_refreshed_in_the_background(aws: World, api: APIClient, settings: Any) -> None:
    settings.AWS_REGION = "eu-central-1"

    def ask(**body: Any) -> Any:
        job = api.post("/api/nova/refresh-models", body, "json")
        assert job.status_code == 202, job.content
        run_until_idle()
        return api.get(f"/api/jobs/{job.json()['id']}").json()

    job = ask(accept_estimates=True, global_profile=["lite"])
    assert job["state"] == "succeeded", job
    assert "Nova 2 Lite is answered in any region of the world" in job["message"]
    assert "models were looked up" in job["message"]
    lite, lite_v1 = (CatalogueModel.objects.get(key=key) for key in ("lite", "pro"))
    assert (lite.prefers_global, lite.refreshed_at is not None) == (True, True)
    assert "Accepted by ada" in lite_v1.prices["eu-central-1"]["source"]

    assert "Nova Pro has no global profile" in ask(offline=True, global_profile=["pro"])["error"]
    assert "models were looked up" not in ask(offline=True, nearest_profile=["lite"])["message"]
    assert api.post("/api/nova/refresh-models", {"ofline": True}, "json").status_code == 400


def test_they_need_their_permissions(db: None) -> None:
    nobody = client_of("view_novajob", "view_cataloguemodel")

    assert nobody.post("/api/nova/reparse", {}, "json").status_code == 403
    assert nobody.post("/api/nova/refresh-models", {}, "json").status_code == 403
