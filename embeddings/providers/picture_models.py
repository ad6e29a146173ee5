"""Picture models on the disk: which are known, where their files go, and how they are fetched."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from embeddings.errors import ProviderUnavailableError
from files.errors import DownloadError, OutsideOurFoldersError
from files.storage import disk, downloads
from jobs.progress import Progress

VISUAL, TEXTUAL = "visual/model.onnx", "textual/model.onnx"
PREPROCESSING, CONFIG = "visual/preprocess_cfg.json", "config.json"
TOKENIZER, TOKENIZER_CONFIG = "textual/tokenizer.json", "textual/tokenizer_config.json"
#: What a model must and may have. The large ones go last: where they are, all is.
NEEDED = (CONFIG, PREPROCESSING, TOKENIZER, TEXTUAL, VISUAL)
WANTED = (TOKENIZER_CONFIG, *NEEDED)
#: Who publishes the exports in this layout.
PUBLISHER = "immich-app"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,99}")


@dataclass(frozen=True, kw_only=True)
class PictureModel:
    """A model that is offered: about how large it is, and what it is good for."""

    name: str
    dimension: int
    megabytes: int
    text: str


#: Sizes are about four bytes a parameter, of both halves.
KNOWN = (
    PictureModel(name="ViT-B-32__openai", dimension=512, megabytes=605, text="quick, English"),
    PictureModel(name="ViT-B-16__openai", dimension=512, megabytes=600, text="sees smaller things, 4 times the work"),
    PictureModel(name="ViT-L-14__openai", dimension=768, megabytes=1710, text="better, some eighteen times the work"),
    PictureModel(
        name="XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k", dimension=512, megabytes=1470,
        text="quick, questions in a hundred languages",
    ),
    PictureModel(
        name="ViT-B-16-SigLIP2__webli", dimension=768, megabytes=1500, text="good, questions in many languages"
    ),
)  # fmt: skip


def name_of(model: str) -> str:
    """What a model is called, where it is named by its folder too."""
    return Path(model).name if "/" in model else model


def is_offered(model: str) -> bool:
    """Whether this is one of the known models."""
    return any(known.name == model for known in KNOWN)


def usual_dimension(model: str) -> int:
    """How many numbers its vectors have, as far as that is known before it is here."""
    return next((known.dimension for known in KNOWN if known.name == model), KNOWN[0].dimension)


def folder_of(model: str, model_dir: Path) -> Path | None:
    """The folder of a model that is whole; None where it is not here, or its name is none."""
    if "/" not in model and not _NAME.fullmatch(model):
        return None
    folder = _place(model, model_dir)
    return folder if not missing_from(folder) else None


def missing_from(folder: Path) -> list[str]:
    return [name for name in NEEDED if not (folder / name).is_file()]


def require(model: str, model_dir: Path, source: str) -> Path:
    """The same, or ProviderUnavailableError with what to do."""
    folder = _place(model, model_dir)
    missing = missing_from(folder)
    if not missing:
        return folder
    said = "is not here yet" if len(missing) == len(NEEDED) else f"has no {', '.join(missing)}"
    raise ProviderUnavailableError(
        f"The picture model “{name_of(model)}” {said}.", remedy=how_to_get(model, model_dir, source)
    )


def how_to_get(model: str, model_dir: Path, source: str) -> str:
    """What to do, also where there is no network."""
    if "/" in model:
        return f"Put {', '.join(NEEDED)} into {Path(model).expanduser()}, or name a known model in PICTURE_MODEL."
    known = next((f" (about {one.megabytes:,} MB)" for one in KNOWN if one.name == model), "")
    return (
        f"Run `.venv/bin/python manage.py download_model {model} --kind picture`{known}. Without a network here, fetch "
        f"{', '.join(WANTED)} from {source}/{PUBLISHER}/{model} elsewhere and put them into {model_dir / model}/."
    )


def dimension_of(folder: Path) -> int:
    """How many numbers its vectors have, by `config.json`. Raises ProviderUnavailableError."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        return int(config.get("embed_dim") or config["projection_dim"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unfit(folder, f"{CONFIG} does not say embed_dim: {type(error).__name__}") from error


def unfit(folder: Path, reason: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"The picture model in {folder} cannot be used: {reason}.",
        remedy="It must be an ONNX export of a CLIP-like model with its two halves. Fetch it again, or name another "
        "one in PICTURE_MODEL.",
    )


def fetch(model: str, model_dir: Path, *, source: str, progress: Progress) -> Path:
    """Fetch a model by its name; what is here already is left.

    Raises ProviderUnavailableError, NoSpaceError, Cancelled.
    """
    remedy = how_to_get(model, model_dir, source)
    if not _NAME.fullmatch(model):
        raise ProviderUnavailableError(f"“{model}” is not the name of a model that can be fetched.", remedy=remedy)
    if folder_of(model, model_dir) is not None:
        return model_dir / model
    try:
        with disk.locked(disk.make_dir(model_dir) / ".download.lock"):
            found = downloads.listing(source, f"{PUBLISHER}/{model}")
            lacking = [name for name in NEEDED if name not in found]
            if lacking:
                raise ProviderUnavailableError(
                    f"{source}/{PUBLISHER}/{model} has no {', '.join(lacking)}.", remedy=remedy
                )
            beside = [name for name in found if name.endswith(".onnx.data")]  # what is too large for one file
            wanted = [found[name] for name in (*beside, *WANTED) if name in found]
            downloads.fetch_all(wanted, model_dir / model, label=f"Fetching {model}", progress=progress)
    except OutsideOurFoldersError as error:
        raise ProviderUnavailableError(f"{model_dir} is not ours to write to.", remedy=remedy) from error
    except DownloadError as error:
        raise ProviderUnavailableError(str(error), remedy=remedy, retryable=error.retryable) from error
    return model_dir / model


def _place(model: str, model_dir: Path) -> Path:
    return Path(model).expanduser() if "/" in model else model_dir / model
