"""The API keeps to its own schema, whatever is sent: no error of ours, no answer that the schema does not name."""

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from knox.models import AuthToken
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from curation.models import Collection, Moment, Tag
from embeddings.models import SavedQuery, Space
from embeddings.stores.registry import store
from jobs.models import Job
from jobs.queue import create_batch, enqueue, enqueue_many
from nova.models import AnalysisResult, AnalysisType, NovaJob
from nova.types.registry import add_version
from novaproject.wsgi import application
from tests.files.factories import make_file, make_problem, make_proxy_row, make_root
from tests.media import make_clip, make_image
from transcription.models import Segment, Transcript

#: What must hold of every answer.
HOLDS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
#: There is one of everything under each of these ids.
IDS = (1, 2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=0.5).read_bytes()


@pytest.fixture
def token(db: None, folders: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small library, one of everything, and somebody who may do everything with it."""
    for signal in (request_started, request_finished):  # they would close the connection, and with it the transaction
        monkeypatch.setattr(
            signal, "receivers", [receiver for receiver in signal.receivers if receiver[1]() != close_old_connections]
        )
        signal.sender_receivers_cache.clear()
    media = folders / "media"
    monkeypatch.setattr(settings, "IMPORT_STEPS", [])
    monkeypatch.setattr(settings, "IMPORT_ROOTS", [media])
    ada = User.objects.create_superuser("ada")
    media.mkdir()
    for pk in IDS:
        _one_of_everything(pk, media, clip, ada)
    make_file(make_root(folders / "uploads", is_uploads=True), "gone.mp4", pk=9, removed_at=timezone.now())
    return str(AuthToken.objects.create(ada)[1])


def _one_of_everything(pk: int, media: Path, clip: bytes, ada: User) -> None:
    root = make_root(media / str(pk), pk=pk)
    (media / str(pk)).mkdir()
    (media / str(pk) / "clip.mp4").write_bytes(clip)
    file = make_file(root, "clip.mp4", pk=pk, size_bytes=len(clip), full_hash=f"{pk:064}")
    proxy = make_proxy_row(file, pk=pk)
    (settings.PROXY_DIR / proxy.path).write_bytes(clip)
    make_image(settings.DATA_DIR / "derived" / str(pk) / "poster.jpg")
    make_problem(root, pk=pk)
    transcript = Transcript.objects.create(
        pk=pk, file=file, provider="sidecar", is_current=True, text="Hello there", segment_count=1
    )
    Segment.objects.create(pk=pk, transcript=transcript, index=0, start_s=0, end_s=2, text="Hello there")
    Space.objects.create(pk=pk, provider="local", model="all-MiniLM-L6-v2", dimension=8 * pk)
    store().create_table(pk, 8 * pk)
    Tag.objects.create(pk=pk, name=f"Tag {pk}")
    Moment.objects.create(pk=pk, file=file, start_s=0, end_s=0.3, name="The greeting")
    Collection.objects.create(pk=pk, name=f"Collection {pk}")
    SavedQuery.objects.create(pk=pk, name=f"Greetings {pk}", text="hello")
    AnalysisType.objects.create(pk=pk, name=f"own-{pk}", label="Own")
    add_version(f"own-{pk}", prompt="What?", schema={"type": "object", "properties": {"a": {"type": "string"}}})
    nova_job = NovaJob.objects.create(pk=pk, file=file, model="local", analysis_types=["summary"], status="completed")
    AnalysisResult.objects.create(
        nova_job=nova_job, file=file, type="summary", is_current=True, result={"text": "Two greet.", "depth": "brief"}
    )
    batch = create_batch("Make proxies", "proxy", created_by=ada)
    enqueue_many("make_proxy", [pk], batch=batch, created_by=ada)
    failed = enqueue("transcribe", pk, created_by=ada)
    Job.objects.filter(pk=failed.pk).update(state=Job.State.FAILED, error="It was not to be.")


def test_no_answer_is_an_error_of_ours_or_unknown_to_the_schema(token: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema/", _closing, headers={"Authorization": f"Token {token}"})
    found: dict[str, str] = {}
    succeeded: set[str] = set()
    operations: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation in operations:
        name = f"{operation.method.upper()} {operation.path}"
        try:
            if any(status < 400 for status in _try(operation, token)):
                succeeded.add(name)
        except (BaseExceptionGroup, AssertionError) as exc:
            found[name] = "\n".join(str(one) for one in getattr(exc, "exceptions", [exc]))

    assert not found, "\n\n".join(f"{name}\n{words}" for name, words in found.items())
    assert len(succeeded) > len(operations) / 2, "hardly anything but refusals was seen"


def _closing(environ: Any, start_response: Any) -> list[bytes]:
    """The program as a server runs it: each answer is closed, and with it what was uploaded."""
    answer = application(environ, start_response)
    try:
        return list(answer)
    finally:
        answer.close()


def _try(operation: Any, token: str) -> set[int]:
    """Send examples, each to the library as it was prepared; the statuses that came."""
    seen: set[int] = set()

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_examples(operation), known=st.sampled_from((0, 1, 2)))
    def attempt(case: Any, known: int) -> None:
        if known:
            _aim(case, known)
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Token {token}"})
            transaction.set_rollback(True)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=HOLDS)

    attempt()
    return seen


def _examples(operation: Any) -> st.SearchStrategy[Any]:
    """What the schema allows, and what it does not, where there is anything to get wrong."""
    right = operation.as_strategy(GenerationMode.POSITIVE)
    has_input = operation.body or operation.query or operation.path_parameters
    return st.one_of(right, right, operation.as_strategy(GenerationMode.NEGATIVE)) if has_input else right


def _aim(case: Any, pk: int) -> None:
    """Most ids that are made up name nothing: name something."""
    for name in case.path_parameters or ():
        if name in ("id", "pk"):
            case.path_parameters[name] = 9 if "/trash/" in case.operation.path else pk
    if isinstance(case.body, dict):
        for name in case.body.keys() & {"file_id", "nova_job_id", "transcript_id"}:
            case.body[name] = pk
        if "file_ids" in case.body:
            case.body["file_ids"] = [pk]
