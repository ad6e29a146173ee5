"""The API keeps to its own schema, whatever is sent: no error of ours, no answer that the schema does not name."""

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from knox.models import AuthToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from novaproject.wsgi import application
from tests.files.factories import make_file, make_proxy_row, make_root
from transcription.segments import Speech
from transcription.writing import Heard, save_transcript

#: What must hold of every answer.
HOLDS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))


@pytest.fixture
def token(transactional_db: None, folders: Path, tmp_path: Path, settings: Any) -> str:
    """A small library, and somebody who may do everything with it."""
    settings.IMPORT_STEPS = []
    settings.IMPORT_ROOTS = [str(tmp_path)]
    ada = User.objects.create_superuser("ada")
    root = make_root(tmp_path / "media")
    (tmp_path / "media").mkdir()
    for number in range(3):
        file = make_file(root, f"{number}.mp4", media_type="video")
        make_proxy_row(file)
    save_transcript(file, Heard(provider="sidecar", speeches=[Speech(start_s=0, end_s=2, text="Hello there")]))
    return str(AuthToken.objects.create(ada)[1])


def test_no_answer_is_an_error_of_ours_or_unknown_to_the_schema(token: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema/", _closing, headers={"Authorization": f"Token {token}"})
    found: dict[str, str] = {}
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        name = f"{operation.method.upper()} {operation.path}"
        try:
            _try(operation, token)
        except (BaseExceptionGroup, AssertionError) as exc:
            found[name] = "\n".join(str(one) for one in getattr(exc, "exceptions", [exc]))

    assert not found, "\n\n".join(f"{name}\n{words}" for name, words in found.items())


def _closing(environ: Any, start_response: Any) -> list[bytes]:
    """The program as a server runs it: each answer is closed, and with it what was uploaded."""
    answer = application(environ, start_response)
    try:
        return list(answer)
    finally:
        answer.close()


def _try(operation: Any, token: str) -> None:
    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Token {token}"})
        case.validate_response(answer, checks=HOLDS)

    attempt()
