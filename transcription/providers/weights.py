"""Whisper's weights: where they lie, what they weigh, and how they are fetched and checked."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.errors import DownloadDamagedError, DownloadError, OutsideOurFoldersError
from files.storage import disk, downloads
from files.storage.downloads import RemoteFile
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

    What broke off goes on where it was. Raises WeightsMissingError (no network, no such model; retryable where that may
    help) and WeightsDamagedError (another digest).
    """
    remedy = how_to_get(model, model_dir, source=source)
    if is_path(model) or model not in REPOSITORIES:
        raise WeightsMissingError(f"The weights of “{model}” cannot be fetched.", remedy=remedy)
    target = model_dir / f"faster-whisper-{model}"
    repository = REPOSITORIES[model][0]
    with _fetching(model_dir, remedy):
        found = folder_of(model, model_dir)
        if found is not None:  # another worker was quicker
            return found
        files = downloads.listing(source, repository)
        missing = [name for name in NEEDED if name not in files]
        if missing:
            raise WeightsMissingError(f"{source}/{repository} has no {', '.join(missing)}.", remedy=remedy)
        wanted = [files[name] for name in WANTED if name in files]
        downloads.fetch_all(wanted, target, label=f"Fetching Whisper {model}", progress=progress)
    return target


def fetch_checkpoint(url: str, name: str, digest: str, model_dir: Path, *, progress: Progress) -> Path:
    """Fetch one `.pt` file under this name, checked against its published SHA-256."""
    remedy = f"Without a network here, fetch {url} elsewhere and put it at {model_dir / name}."
    with _fetching(model_dir, remedy):
        if not (model_dir / name).is_file():
            remote = RemoteFile(url=url, name=name, size_bytes=downloads.remote_size(url), digest=digest)
            downloads.fetch_all([remote], model_dir, label=f"Fetching {name}", progress=progress)
    return model_dir / name


@contextmanager
def _fetching(model_dir: Path, remedy: str) -> Iterator[None]:
    """One worker at a time fetches weights; what goes wrong is told in this floor's words."""
    try:
        lock = disk.writable(disk.make_dir(model_dir) / ".lock")
    except OutsideOurFoldersError as error:
        raise WeightsMissingError(f"{model_dir} is not ours to write to.", remedy=remedy) from error
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        except DownloadDamagedError as error:
            raise WeightsDamagedError(str(error), remedy=error.remedy, retryable=True) from error
        except DownloadError as error:
            raise WeightsMissingError(
                f"The weights could not be fetched: {error}", remedy=remedy, retryable=error.retryable
            ) from error
