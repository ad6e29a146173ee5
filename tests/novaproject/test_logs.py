"""Lines of the log say which job and request they belong to, and hold no secret."""

import io
import json
import logging
from collections.abc import Callable

import pytest
from django.test import Client

from jobs.tracing import within_job
from novaproject.logs.lines import JsonFormatter, PlainFormatter

CANARY = "canary0canary0canary"
TOKEN = "5eed" * 16
SAYINGS = (
    f"https://b.s3.amazonaws.com/k?X-Amz-Signature={CANARY}&X-Amz-Credential={CANARY}%2F20261101&x=1",
    f"X-Amz-Security-Token={CANARY}",
    f"headers: {{'Authorization': 'Token {CANARY}'}}",
    f"Authorization: AWS4-HMAC-SHA256 {CANARY}",
    f"https://b.s3.amazonaws.com/k?AWSAccessKeyId={CANARY}&Expires=1&Signature={CANARY}",
    f"sent Token {TOKEN}",
    f"password={CANARY}",
    f'{{"secret": "{CANARY}"}}',
    "key AKIACANARY0CANARY012",
    f"postgres://ada:{CANARY}@host/db",
    f"the secret itself: {CANARY}",
)


@pytest.fixture
def said() -> Callable[..., str]:
    def say(formatter: logging.Formatter, text: str, *, error: BaseException | None = None) -> str:
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.setFormatter(formatter)
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, text, (), (type(error), error, None) if error else None
        )
        handler.handle(record)
        return out.getvalue()

    return say


@pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter()], ids=["plain", "json"])
@pytest.mark.parametrize("text", SAYINGS)
def test_no_secret_is_in_a_line_or_an_error(
    said: Callable[..., str], formatter: logging.Formatter, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)

    for line in (said(formatter, text), said(formatter, "it failed", error=ValueError(text))):
        assert CANARY not in line
        assert TOKEN not in line
        assert "AKIACANARY0CANARY012" not in line
        assert "[hidden]" in line


def test_a_line_names_its_job(said: Callable[..., str]) -> None:
    with within_job(42):
        line = json.loads(said(JsonFormatter(), "half done"))

    assert (line["job_id"], line["level"], line["message"]) == (42, "ERROR", "half done")
    assert "request_id" not in line


def test_each_answer_has_the_id_of_its_request(client: Client, db: None) -> None:
    answer = client.get("/api/health")
    assert len(answer["X-Request-ID"]) >= 8
    assert client.get("/api/health", headers={"X-Request-ID": "from-my-proxy-1"})["X-Request-ID"] == "from-my-proxy-1"
    assert client.get("/api/health", headers={"X-Request-ID": "bad id\t"})["X-Request-ID"] != "bad id\t"


def test_a_refusal_names_its_request(client: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/nowhere")

    (record,) = [record for record in caplog.records if record.name == "django.request"]
    for formatter in (PlainFormatter(), JsonFormatter()):
        assert answer["X-Request-ID"] in formatter.format(record)
