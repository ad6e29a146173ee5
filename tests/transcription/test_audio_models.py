"""A model that takes audio by Converse: the file goes by way of S3 in one request, and is taken out of there again."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from bedrock import catalogue, staging
from bedrock.errors import AccessError, BusyError
from bedrock.ledger import spend
from bedrock.models import Entry
from bedrock.speech.transcriber import AudioDescription, SonicTranscriber
from jobs.progress import NO_PROGRESS
from tests.media import run_ffmpeg
from tests.standin.fixtures import BUCKET
from tests.standin.world import World
from tests.transcription.factories import make_file
from tests.transcription.voices import voice, write_wav
from transcription.paid import PaidMemory
from transcription.providers.base import EngineRequest
from transcription.providers.nova_sonic import NovaSonicProvider

pytestmark = pytest.mark.django_db

OMNI = "us.amazon.nova-2-omni-v1:0"
TEXT = "[0.0] Ask not what your country\n[2.5] can do for you"


class Runtime(ThreadingHTTPServer):
    """Answers Converse as a model that hears: with what is in the bucket at that moment noted."""

    daemon_threads = True

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = world
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.staged: list[int] = []
        self.status = 200
        self.text, self.stop_reason = TEXT, "end_turn"


class _Handler(BaseHTTPRequestHandler):
    server: Runtime

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        address = body["messages"][0]["content"][0]["audio"]["source"]["s3Location"]["uri"]
        key = address.removeprefix(f"s3://{BUCKET}/")
        self.server.staged.append(self.server.world.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"])
        answer = {
            "output": {"message": {"role": "assistant", "content": [{"text": self.server.text}]}},
            "stopReason": self.server.stop_reason,
            "usage": {"inputTokens": 150, "outputTokens": 20, "totalTokens": 170},
            "metrics": {"latencyMs": 5},
        }
        failed = {"message": "Too many requests"}
        content = json.dumps(answer if self.server.status == 200 else failed).encode()
        self.send_response(self.server.status)
        if self.server.status != 200:
            self.send_header("x-amzn-ErrorType", "ThrottlingException")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def runtime(aws: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    server = Runtime(aws)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    run_ffmpeg("-i", write_wav(tmp_path / "talk.wav", voice(6)), tmp_path / "talk.flac")
    return tmp_path / "talk.flac"


@pytest.fixture
def provider() -> NovaSonicProvider:
    catalogue.sync()
    return NovaSonicProvider(
        sonic=SonicTranscriber(model_id="amazon.nova-2-omni-v1:0", runtime_id=OMNI, max_tokens=512, tokens_per_s=50)
    )


def request() -> EngineRequest:
    file = make_file()
    return EngineRequest(duration_s=6.0, file_id=file.pk, file_name=file.name, memory=PaidMemory(file.name))


def test_the_audio_goes_by_s3_once_and_its_cost_is_booked(
    runtime: Runtime, provider: NovaSonicProvider, audio: Path
) -> None:
    asked = request()

    result = provider.transcribe(audio, asked, NO_PROGRESS)
    segments = list(result.segments)
    again = list(provider.transcribe(audio, asked, NO_PROGRESS).segments)

    assert [(s.start_s, s.end_s, s.text) for s in segments] == [
        (0.0, 2.5, "Ask not what your country"),
        (2.5, 6.0, "can do for you"),
    ]
    assert again == segments
    assert (result.engine, result.model, result.is_approximate) == ("converse", "amazon.nova-2-omni-v1:0", True)
    ((path, body),) = runtime.asked
    assert "omni" in path
    assert body["messages"][0]["content"][0]["audio"]["format"] == "flac"
    assert runtime.staged == [audio.stat().st_size]
    assert "Contents" not in runtime.world.s3.list_objects_v2(Bucket=BUCKET)
    entry = Entry.objects.get()  # sound is dearer than text: 150 at $0.0011 and 20 at $0.0028 a thousand
    assert (entry.state, entry.actual_usd) == ("settled", Decimal("0.000221"))
    (row,) = spend.by("model")
    assert (row.key, row.model_id, row.spent_usd) == ("omni_2_preview", result.model, entry.actual_usd)


def test_the_money_is_of_the_model_that_is_called() -> None:
    """With only the id that is called set to Omni, its cost was booked as Sonic's."""
    catalogue.sync()
    sonic = SonicTranscriber(
        model_id="amazon.nova-2-sonic-v1:0", runtime_id=OMNI, max_tokens=512, tokens_per_s=50
    ).reservation("q", 6.0, AudioDescription())

    assert sonic.model_key == "omni_2_preview"
    assert sonic.price is not None
    assert sonic.price.rates["speech_input_per_1k"] == Decimal("0.0011")


def test_what_was_booked_under_an_id_stands_under_its_key() -> None:
    catalogue.sync()
    for number, name in enumerate(["amazon.nova-2-sonic-v1:0", "amazon.nova-2-omni-v1:0", "lite", "gone"]):
        Entry.objects.create(question=f"q{number}", purpose="x", model_key=name, mode="realtime", month="2026-11")

    import_module("bedrock.migrations.0003_ledger_by_key").under_their_keys(apps, None)

    assert [entry.model_key for entry in Entry.objects.order_by("pk")] == ["sonic_2", "omni_2_preview", "lite", "gone"]


@pytest.mark.parametrize(
    ("text", "stop_reason", "words", "notes"),
    [
        ("", "end_turn", [], []),
        (TEXT, "max_tokens", ["Ask not what your country", "can do for you"], ["512 tokens", "after second 2.5"]),
        ("", "content_filtered", [], ["content_filtered", "after second 0"]),
    ],
)
def test_an_answer_that_is_not_whole_is_told_also_when_it_is_taken_again(
    runtime: Runtime,
    provider: NovaSonicProvider,
    audio: Path,
    text: str,
    stop_reason: str,
    words: list[str],
    notes: list[str],
) -> None:
    runtime.text, runtime.stop_reason = text, stop_reason
    asked = request()

    for _ in range(2):
        result = provider.transcribe(audio, asked, NO_PROGRESS)
        assert [row.text for row in result.segments] == words
        assert all(note in " ".join(result.notes) for note in notes)
        assert len(result.notes) == 1 + bool(notes)
    assert len(runtime.asked) == 1


def test_a_refusal_leaves_nothing_in_the_bucket(runtime: Runtime, provider: NovaSonicProvider, audio: Path) -> None:
    runtime.status = 429

    with pytest.raises(BusyError):
        list(provider.transcribe(audio, request(), NO_PROGRESS).segments)

    assert "Contents" not in runtime.world.s3.list_objects_v2(Bucket=BUCKET)
    assert [entry.state for entry in Entry.objects.all()] == ["released"]


def test_an_answer_outlives_a_staged_copy_that_may_not_be_deleted(
    runtime: Runtime, provider: NovaSonicProvider, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(keys: object) -> int:
        raise AccessError("AccessDenied: s3:DeleteObject")

    monkeypatch.setattr(staging, "delete", refuse)

    assert len(list(provider.transcribe(audio, request(), NO_PROGRESS).segments)) == 2


def test_the_streaming_sdk_is_not_needed_for_it(runtime: Runtime, provider: NovaSonicProvider) -> None:
    assert provider.readiness(EngineRequest()).is_ready
    assert provider.cost(60.0).usd_high > provider.cost(60.0).usd_low > 0
