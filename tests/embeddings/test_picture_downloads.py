"""Fetching a picture model: checked, resumed, and told what to do by hand where there is no network."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from embeddings.errors import ProviderUnavailableError
from embeddings.providers import picture_models
from jobs.execution.running import run_until_idle
from jobs.models import Job
from jobs.progress import NO_PROGRESS
from novaproject.setup import doctor
from tests.embeddings.tiny_clip import DIMENSION, write_tiny_clip

NAME = "tiny__test"


class Hub(ThreadingHTTPServer):
    """The two addresses of a hub that are asked, over real HTTP. It can break off, damage a file, or refuse ranges."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.asked: list[tuple[str, str]] = []
        self.damaged = self.breaks_off = ""
        self.knows_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        if self.path == f"/api/models/immich-app/{NAME}/tree/main?recursive=true":
            self._send(200, json.dumps([_row(*item) for item in self.server.files.items()]).encode())
            return
        name = self.path.removeprefix(f"/immich-app/{NAME}/resolve/main/")
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        if name == self.server.damaged:
            content = b"\xff" + content[1:]
        first = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if first and self.server.knows_ranges:
            self._send(206, content[int(first) :])
        elif name == self.server.breaks_off:
            self._send(200, content[: len(content) // 2], says=len(content))
        else:
            self._send(200, content)

    def _send(self, status: int, content: bytes, *, says: int | None = None) -> None:
        self.send_response(status)
        if says is None:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


def _row(name: str, content: bytes) -> dict[str, Any]:
    """Large files are listed with their SHA-256, small ones with git's SHA-1."""
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    row: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": git}
    if name.endswith(".onnx"):
        row["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return row


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(write_tiny_clip(tmp_path / "published"))
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def model_dir(folders: Path, settings: Any, hub: Hub) -> Path:
    settings.PICTURE_MODEL, settings.PICTURE_MODEL_DIR = NAME, folders / "data" / "models" / "clip"
    settings.WHISPER_WEIGHTS_URL = hub.url
    return folders / "data" / "models" / "clip"


def fetch(hub: Hub, model_dir: Path) -> Path:
    return picture_models.fetch(NAME, model_dir, source=hub.url, progress=NO_PROGRESS)


def test_a_model_is_fetched_whole_and_once(hub: Hub, model_dir: Path) -> None:
    assert fetch(hub, model_dir) == picture_models.folder_of(NAME, model_dir)
    count = len(hub.asked)

    fetch(hub, model_dir)

    assert len(hub.asked) == count
    assert {str(path.relative_to(model_dir / NAME)): path.read_bytes() for path in (model_dir / NAME).rglob("*.*")} == (
        hub.files
    )


def test_what_broke_off_goes_on_where_it_was(hub: Hub, model_dir: Path) -> None:
    hub.breaks_off = "visual/model.onnx"
    with pytest.raises(ProviderUnavailableError, match="broke off") as caught:
        fetch(hub, model_dir)
    hub.asked.clear()

    fetch(hub, model_dir)

    half = len(hub.files["visual/model.onnx"]) // 2
    ranges = [given for path, given in hub.asked if path.endswith("visual/model.onnx")]
    assert caught.value.retryable
    assert ranges == [f"bytes={half}-"]
    assert not any(path.endswith("textual/model.onnx") for path, _ in hub.asked)


def test_a_hub_that_knows_no_ranges_is_asked_from_the_beginning(hub: Hub, model_dir: Path) -> None:
    hub.breaks_off = "visual/model.onnx"
    with pytest.raises(ProviderUnavailableError):
        fetch(hub, model_dir)
    hub.breaks_off, hub.knows_ranges = "", False

    assert (fetch(hub, model_dir) / "visual/model.onnx").read_bytes() == hub.files["visual/model.onnx"]


def test_a_damaged_file_is_refused_and_not_kept(hub: Hub, model_dir: Path) -> None:
    hub.damaged = "textual/model.onnx"

    with pytest.raises(ProviderUnavailableError, match="arrived damaged") as caught:
        fetch(hub, model_dir)

    assert caught.value.retryable
    assert not (model_dir / NAME / "textual" / "model.onnx").exists()
    hub.damaged = ""
    fetch(hub, model_dir)


def test_a_hub_without_the_model_and_no_network_at_all_say_which_file_goes_where(hub: Hub, model_dir: Path) -> None:
    with pytest.raises(ProviderUnavailableError, match="answered 404") as unknown:
        picture_models.fetch("no__such", model_dir, source=hub.url, progress=NO_PROGRESS)
    with pytest.raises(ProviderUnavailableError, match="cannot be reached") as offline:
        picture_models.fetch(NAME, model_dir, source="http://127.0.0.1:9", progress=NO_PROGRESS)

    for caught in (unknown, offline):
        assert "visual/model.onnx" in caught.value.remedy
        assert str(model_dir) in caught.value.remedy


def test_a_repository_without_a_half_is_refused_before_anything_is_fetched(hub: Hub, model_dir: Path) -> None:
    del hub.files["textual/model.onnx"]

    with pytest.raises(ProviderUnavailableError, match=r"has no textual/model\.onnx"):
        fetch(hub, model_dir)

    assert len(hub.asked) == 1


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", "-x", "x" * 200])
def test_only_names_are_fetched(hub: Hub, model_dir: Path, name: str) -> None:
    with pytest.raises(ProviderUnavailableError, match="not the name of a model"):
        picture_models.fetch(name, model_dir, source=hub.url, progress=NO_PROGRESS)

    assert hub.asked == []


def test_a_folder_that_is_not_ours_is_not_written_to(hub: Hub, tmp_path: Path, folders: Path) -> None:
    with pytest.raises(ProviderUnavailableError, match="not ours to write to"):
        picture_models.fetch(NAME, tmp_path / "elsewhere", source=hub.url, progress=NO_PROGRESS)


@pytest.mark.django_db(transaction=True)
class TestTheDoors:
    def test_the_command_fetches_and_answers_scripts(
        self, hub: Hub, model_dir: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("download_model", kind="picture", json=True)

        assert json.loads(capsys.readouterr().out) == {"kind": "picture", "model": ""}
        assert picture_models.folder_of(NAME, model_dir)

    def test_the_command_says_what_to_do_without_a_network(self, model_dir: Path, settings: Any) -> None:
        settings.WHISPER_WEIGHTS_URL = "http://127.0.0.1:9"

        with pytest.raises(CommandError, match="put them into"):
            call_command("download_model", kind="picture")

    def test_the_api_and_the_setup_page_do_it_in_the_background(
        self, hub: Hub, model_dir: Path, admin_client: Client
    ) -> None:
        page = admin_client.get("/setup/").content.decode()
        asked = admin_client.post("/setup/picture-model/")
        run_until_idle()
        again = admin_client.post("/api/transcription/download", {"kind": "picture"}, content_type="application/json")
        wrong = admin_client.post("/api/transcription/download", {"kind": "smell"}, content_type="application/json")

        assert "Fetch the picture model" in page
        assert asked.status_code == 302
        assert Job.objects.filter(kind="download_model", state="succeeded").count() == 1
        assert (again.status_code, wrong.status_code) == (202, 400)
        assert "Fetch the picture model" not in admin_client.get("/setup/").content.decode()

    def test_the_doctor_knows_it(self, hub: Hub, model_dir: Path, settings: Any) -> None:
        def told() -> tuple[str, str]:
            check = next(check for check in doctor.checks() if check.name == "Picture model")
            return str(check.level), check.text + check.remedy

        missing = told()
        fetch(hub, model_dir)
        ready = told()
        settings.PICTURE_PROVIDER = "off"

        assert missing[0] == doctor.Level.OFF
        assert "download_model" in missing[1]
        assert ready == (doctor.Level.READY, f"{NAME}, {DIMENSION} numbers per frame.")
        assert "switched off" in told()[1]


def test_a_visitor_who_may_not_transcribe_is_not_offered_it(db: None, client: Client, model_dir: Path) -> None:
    client.force_login(User.objects.create_user("visitor"))

    assert client.post("/setup/picture-model/").status_code == 403
