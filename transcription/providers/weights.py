"""Whisper's weights: where they lie, what they weigh, and how they are fetched and checked."""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from files.errors import OutsideOurFoldersError
from files.storage import disk
from jobs.progress import Progress
from transcription.errors import WeightsDamagedError, WeightsMissingError

#: Size name -> (repository of its CTranslate2 form, megabytes). Source: faster-whisper 1.2.1, `utils._MODELS`.
REPOSITORIES: dict[str, tuple[str, int]] = {
    "tiny": ("Systran/faster-whisper-tiny", 76),
    "tiny.en": ("Systran/faster-whisper-tiny.en", 76),
    "base": ("Systran/faster-whisper-base", 145),
    "base.en": ("Systran/faster-whisper-base.en", 145),
    "small": ("Systran/faster-whisper-small", 484),
    "small.en": ("Systran/faster-whisper-small.en", 484),
    "medium": ("Systran/faster-whisper-medium", 1528),
    "medium.en": ("Systran/faster-whisper-medium.en", 1528),
    "large-v1": ("Systran/faster-whisper-large-v1", 3087),
    "large-v2": ("Systran/faster-whisper-large-v2", 3087),
    "large-v3": ("Systran/faster-whisper-large-v3", 3088),
    "large": ("Systran/faster-whisper-large-v3", 3088),
    "distil-large-v3": ("Systran/faster-distil-whisper-large-v3", 1513),
    "large-v3-turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1618),
    "turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1618),
}
#: What a folder of weights must and may hold. The large one goes last: where it is, all is.
NEEDED = ("config.json", "tokenizer.json", "model.bin")
WANTED = ("preprocessor_config.json", "vocabulary.json", "vocabulary.txt", *NEEDED)

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30


@dataclass(frozen=True)
class Remote:
    """A file to fetch: `digest` is SHA-256, or git's SHA-1 of small files."""

    url: str
    name: str
    size_bytes: int
    digest: str


def is_path(model: str) -> bool:
    """Whether the model is named by a place on disk and not by its size."""
    return "/" in model or model.startswith(("~", ".")) or model.endswith(".pt")


def name_of(model: str) -> str:
    """What the model is called in a transcript."""
    return Path(model).expanduser().name if is_path(model) else model


def folder_of(model: str, model_dir: Path) -> Path | None:
    """The folder with the CTranslate2 weights of this model, if all of them are there."""
    places = [Path(model).expanduser()] if is_path(model) else list(_places(model, model_dir))
    return next((place for place in places if all((place / name).is_file() for name in NEEDED)), None)


def _places(model: str, model_dir: Path) -> Iterator[Path]:
    yield model_dir / f"faster-whisper-{model}"
    yield model_dir / model
    if model in REPOSITORIES:  # the layout of the hub's own cache, for those who copied it here
        repository = REPOSITORIES[model][0].replace("/", "--")
        yield from sorted((model_dir / f"models--{repository}" / "snapshots").glob("*"), reverse=True)


def checkpoint_of(model: str, model_dir: Path) -> Path | None:
    """The `.pt` file of this model, as openai-whisper wants it."""
    path = Path(model).expanduser() if is_path(model) else model_dir / f"{model}.pt"
    return path if path.suffix == ".pt" and path.is_file() else None


def how_to_get(model: str, model_dir: Path, *, source: str) -> str:
    """What to do by hand where there is no network."""
    if is_path(model):
        return f"Put a Whisper checkpoint at {Path(model).expanduser()}, or choose a model by its size."
    if model not in REPOSITORIES:
        return f"Choose one of {', '.join(REPOSITORIES)}, or give the path of a checkpoint."
    repository, megabytes = REPOSITORIES[model]
    return (
        f"Run `.venv/bin/python manage.py download_model {model}` ({megabytes} MB). Without a network here, fetch "
        f"{', '.join(NEEDED)} and the vocabulary from {source}/{repository} elsewhere and put them into "
        f"{model_dir / f'faster-whisper-{model}'}."
    )


# --- fetching -----------------------------------------------------------------------------------------------------


def fetch_folder(model: str, model_dir: Path, *, source: str, progress: Progress) -> Path:
    """Fetch the CTranslate2 weights of this size, each file checked against its published digest.

    Raises WeightsMissingError (no network, no such model) and WeightsDamagedError (another digest).
    """
    remedy = how_to_get(model, model_dir, source=source)
    if is_path(model) or model not in REPOSITORIES:
        raise WeightsMissingError(f"The weights of “{model}” cannot be fetched.", remedy=remedy)
    target = model_dir / f"faster-whisper-{model}"
    with _one_at_a_time(model_dir, remedy):
        found = folder_of(model, model_dir)
        if found is not None:  # another worker was quicker
            return found
        remotes = _listing(source, REPOSITORIES[model][0], remedy)
        _fetch_all(remotes, target, label=f"Fetching Whisper {model}", progress=progress, remedy=remedy)
    return target


def fetch_checkpoint(remote: Remote, model_dir: Path, *, progress: Progress) -> Path:
    """Fetch one `.pt` file, checked against its published digest."""
    remedy = f"Without a network here, fetch {remote.url} elsewhere and put it at {model_dir / remote.name}."
    with _one_at_a_time(model_dir, remedy):
        if not (model_dir / remote.name).is_file():
            _fetch_all([remote], model_dir, label=f"Fetching {remote.name}", progress=progress, remedy=remedy)
    return model_dir / remote.name


def _listing(source: str, repository: str, remedy: str) -> list[Remote]:
    with _answer(f"{source}/api/models/{repository}/tree/main", remedy) as answer:
        rows: list[dict[str, Any]] = json.load(answer)
    known = {str(row.get("path")): row for row in rows}
    missing = [name for name in NEEDED if name not in known]
    if missing:
        raise WeightsMissingError(f"{source}/{repository} has no {', '.join(missing)}.", remedy=remedy)
    return [_remote(f"{source}/{repository}/resolve/main/{quote(n)}", n, known[n]) for n in WANTED if n in known]


def _remote(url: str, name: str, row: dict[str, Any]) -> Remote:
    large = row.get("lfs") or {}
    return Remote(url, name, int(large.get("size", row.get("size", 0))), str(large.get("oid", row.get("oid", ""))))


def _fetch_all(remotes: list[Remote], target: Path, *, label: str, progress: Progress, remedy: str) -> None:
    total = sum(remote.size_bytes for remote in remotes) or 1
    done = 0
    for remote in remotes:

        def report(count: int, before: int = done) -> None:
            text = f"{label}: {(before + count) // 10**6} of {total // 10**6} MB"
            progress.update(min(1.0, (before + count) / total), text)

        _fetch(remote, target / remote.name, report, remedy)
        done += remote.size_bytes


def _fetch(remote: Remote, target: Path, report: Callable[[int], None], remedy: str) -> None:
    disk.require_space(target, remote.size_bytes)
    temp = disk.temporary(target)
    try:
        sha256 = hashlib.sha256()
        sha1 = hashlib.sha1(b"blob %d\0" % remote.size_bytes, usedforsecurity=False)
        with _answer(remote.url, remedy) as answer, disk.open_new(temp) as out:
            count = 0
            while chunk := answer.read(CHUNK_BYTES):
                out.write(chunk)
                sha256.update(chunk)
                sha1.update(chunk)
                count += len(chunk)
                report(count)
        if remote.digest not in (sha256.hexdigest(), sha1.hexdigest()):
            raise WeightsDamagedError(
                f"{remote.name} arrived damaged: its checksum is not {remote.digest[:12]}….",
                remedy="Try again; if it stays so, fetch the file by another way.",
                retryable=True,
            )
        disk.replace(temp, target)
    finally:
        disk.remove(temp)


@contextmanager
def _answer(url: str, remedy: str) -> Iterator[Any]:
    if not url.startswith(("https://", "http://")):
        raise WeightsMissingError(f"Weights are fetched by https, not from {url}.", remedy=remedy)
    try:
        with urlopen(Request(url, headers={"User-Agent": "novaproject"}), timeout=TIMEOUT_S) as answer:  # noqa: S310
            yield answer
    except HTTPError as error:
        raise WeightsMissingError(f"{url} answered {error.code}.", remedy=remedy) from error
    except (URLError, TimeoutError, ConnectionError, json.JSONDecodeError) as error:
        cause = getattr(error, "reason", error)
        raise WeightsMissingError(f"The weights could not be fetched from {url}: {cause}.", remedy=remedy) from error


@contextmanager
def _one_at_a_time(model_dir: Path, remedy: str) -> Iterator[None]:
    """Two workers that miss the same weights fetch them once."""
    try:
        lock = disk.writable(disk.make_dir(model_dir) / ".lock")
    except OutsideOurFoldersError as error:
        raise WeightsMissingError(f"{model_dir} is not ours to write to.", remedy=remedy) from error
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
