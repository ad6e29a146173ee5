"""Weights are fetched once, checked, and never half there."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from files.errors import NoSpaceError
from jobs.errors import Cancelled
from jobs.progress import NO_PROGRESS
from tests.transcription.hub import Hub, serving
from tests.transcription.test_whisper import Watched
from transcription.errors import WeightsDamagedError, WeightsMissingError
from transcription.providers import weights
from transcription.providers.base import EngineRequest
from transcription.providers.whisper import WhisperProvider


@pytest.fixture
def hub(models: Path) -> Iterator[Hub]:
    with serving(models / "faster-whisper-base") as hub:
        yield hub


@pytest.fixture
def place(folders: Path) -> Path:
    return folders / "data" / "models" / "whisper"


def parts(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file() and path.name != ".lock"]


def test_fetches_checks_and_reports(hub: Hub, place: Path) -> None:
    progress = Watched()
    provider = WhisperProvider(model="base", model_dir=place, device="cpu", source=hub.url)
    assert not provider.readiness(EngineRequest()).is_ready

    provider.prepare(EngineRequest(), progress)

    assert provider.readiness(EngineRequest()).is_ready
    assert {path.name: path.read_bytes() for path in parts(place)} == hub.files
    assert progress.reports[-1][0] == 1.0
    assert "of 16 MB" in progress.reports[-1][1]
    assert hub.asked[0] == "/api/models/Systran/faster-whisper-base/tree/main?recursive=true"
    count = len(hub.asked)
    provider.prepare(EngineRequest(), progress)
    assert len(hub.asked) == count


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
def test_a_wrong_checksum_leaves_nothing_behind(hub: Hub, place: Path, name: str) -> None:
    hub.damaged = name

    with pytest.raises(WeightsDamagedError, match=name):
        weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)

    assert weights.folder_of("base", place) is None
    assert name not in {path.name for path in parts(place)}
    assert not list(place.rglob("*.part"))


def test_a_fetch_that_was_stopped_goes_on_where_it_was(hub: Hub, place: Path) -> None:
    with pytest.raises(Cancelled):
        weights.fetch_folder("base", place, source=hub.url, progress=Watched(cancel_after=6))
    assert weights.folder_of("base", place) is None

    weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)

    assert {path.name: path.read_bytes() for path in parts(place)} == hub.files
    (asked,) = hub.ranges
    assert asked.startswith("bytes=")
    assert asked != "bytes=0-"


def test_without_a_network_it_names_the_files_and_their_place(hub: Hub, place: Path) -> None:
    hub.shutdown()
    hub.server_close()

    with pytest.raises(WeightsMissingError) as caught:
        weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)

    assert "model.bin" in caught.value.remedy
    assert str(place / "faster-whisper-base") in caught.value.remedy


def test_what_the_hub_lacks_is_named(hub: Hub, place: Path) -> None:
    hub.listed = ["config.json"]

    with pytest.raises(WeightsMissingError, match=r"tokenizer\.json, model\.bin"):
        weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)
    hub.listed = None
    del hub.files["model.bin"]
    hub.listed = None
    with pytest.raises(WeightsMissingError, match=r"model\.bin"):
        weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)


def test_two_workers_fetch_once(hub: Hub, place: Path) -> None:
    threads = [
        threading.Thread(
            target=weights.fetch_folder, args=("base", place), kwargs={"source": hub.url, "progress": NO_PROGRESS}
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(path.endswith("model.bin") for path in hub.asked) == 1


def test_one_checkpoint_is_fetched_with_its_checksum(hub: Hub, place: Path) -> None:
    content = hub.files["model.bin"]
    remote = (f"{hub.url}/model.bin", "base.pt", hashlib.sha256(content).hexdigest())

    path = weights.fetch_checkpoint(*remote, place, progress=NO_PROGRESS)

    assert path == weights.checkpoint_of("base", place)
    assert weights.fetch_checkpoint(*remote, place, progress=NO_PROGRESS) == path
    assert hub.asked == ["/model.bin"]


def test_a_full_disk_stops_before_it_begins(hub: Hub, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("files.storage.disk.free_bytes", lambda path: 10)

    with pytest.raises(NoSpaceError):
        weights.fetch_folder("base", place, source=hub.url, progress=NO_PROGRESS)


@pytest.mark.parametrize(
    ("model", "source", "message"),
    [
        ("enormous", "https://huggingface.co", "cannot be fetched"),
        ("/some/where/model", "https://huggingface.co", "cannot be fetched"),
        ("base", "file:///etc", "by https"),
    ],
)
def test_refuses_what_cannot_be_fetched(place: Path, model: str, source: str, message: str) -> None:
    with pytest.raises(WeightsMissingError, match=message) as caught:
        weights.fetch_folder(model, place, source=source, progress=NO_PROGRESS)

    assert caught.value.remedy


def test_a_folder_that_is_not_ours_is_not_written_to(hub: Hub, folders: Path) -> None:
    with pytest.raises(WeightsMissingError, match="not ours"):
        weights.fetch_folder("base", folders / "elsewhere", source=hub.url, progress=NO_PROGRESS)

    assert hub.asked == []


def test_finds_weights_in_the_layouts_that_people_have(models: Path, tmp_path: Path) -> None:
    source = models / "faster-whisper-base"
    cache = tmp_path / "models--Systran--faster-whisper-tiny" / "snapshots" / "abc"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(source)
    (tmp_path / "mine").symlink_to(source)

    assert weights.folder_of("tiny", tmp_path) == cache
    assert weights.folder_of("mine", tmp_path) == tmp_path / "mine"
    assert weights.folder_of(str(source), tmp_path) == source
    assert weights.folder_of("base", tmp_path) is None
    assert weights.checkpoint_of("base", tmp_path) is None
