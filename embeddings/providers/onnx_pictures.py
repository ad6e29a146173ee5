"""Pictures and words in one space, offline: CLIP, SigLIP and multilingual models as ONNX, run by onnxruntime."""

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from embeddings.conf import conf
from embeddings.errors import NoSuchSpaceError, ProviderUnavailableError
from embeddings.providers import picture_models
from embeddings.providers.onnx_sessions import INTEGERS, OnnxModel
from embeddings.providers.picture_preprocessing import PicturePreprocessing, TextPreprocessing
from embeddings.vectors import Floats, Purpose, SpaceKey, checked

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: Pictures to a run, where the model takes more than one.
BATCH_PICTURES = 16
#: Of a file so much is hashed at either end, to tell two versions of a model apart without reading half a gigabyte.
SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class _Texts:
    """The half that reads words."""

    model: OnnxModel
    tokenizer: "Tokenizer"
    preprocessing: TextPreprocessing

    def vectors(self, texts: Sequence[str]) -> Floats:
        encodings = self.tokenizer.encode_batch([self.preprocessing.apply(text) for text in texts])
        ids = np.array([encoding.ids for encoding in encodings])
        mask = np.array([encoding.attention_mask for encoding in encodings])
        inputs = self.model.inputs
        feed = {name: (mask if "mask" in name else ids).astype(INTEGERS[kind]) for name, (kind, _) in inputs.items()}
        if all(isinstance(shape[0], str) for _, shape in inputs.values()):
            return self.model.run(feed)
        rows = [self.model.run({name: value[i : i + 1] for name, value in feed.items()}) for i in range(len(texts))]
        return np.concatenate(rows)


@dataclass(frozen=True)
class _Pictures:
    """The half that looks."""

    model: OnnxModel
    preprocessing: PicturePreprocessing

    def vectors(self, pictures: Iterable[Image.Image]) -> Floats:
        tensors = np.stack([self.preprocessing.apply(picture) for picture in pictures])
        ((name, (_, shape)),) = self.model.inputs.items()
        if isinstance(shape[0], str):
            return self.model.run({name: tensors})
        return np.concatenate([self.model.run({name: tensor[None]}) for tensor in tensors])


class OnnxPictureProvider:
    """Free and offline. Each half is loaded once a process: a search never loads the one that looks."""

    is_paid: ClassVar[bool] = False
    #: What has nothing to do with a question lies anywhere in such a model: it is judged for each question instead.
    floor: ClassVar[float] = -1.0
    name_floor: ClassVar[float] = -1.0

    def __init__(self, key: SpaceKey) -> None:
        self.key = key
        self._lock = threading.Lock()
        self._texts: _Texts | None = None
        self._pictures: _Pictures | None = None

    @classmethod
    def default_key(cls) -> SpaceKey:
        model = conf().picture_model
        folder = picture_models.folder_of(model, conf().picture_model_dir)
        dimension = picture_models.dimension_of(folder) if folder is not None else picture_models.usual_dimension(model)
        return SpaceKey(provider="pictures", model=picture_models.name_of(model), dimension=dimension)

    @classmethod
    def key_for(cls, model: str, dimension: int | None) -> SpaceKey:
        """Of the known models, and of those that lie beside them."""
        settings = conf()
        wanted = model or settings.picture_model
        is_usual = model in ("", picture_models.name_of(settings.picture_model))
        folder = picture_models.folder_of(settings.picture_model if is_usual else wanted, settings.picture_model_dir)
        if not is_usual and not picture_models.is_offered(wanted) and folder is None:
            raise NoSuchSpaceError(
                f"There is no picture model “{wanted}”.",
                remedy=f"Use one of: {', '.join(known.name for known in picture_models.KNOWN)}; or put another one "
                f"into {settings.picture_model_dir}.",
                field="model",
            )
        size = picture_models.dimension_of(folder) if folder is not None else picture_models.usual_dimension(wanted)
        key = SpaceKey(provider="pictures", model=picture_models.name_of(wanted), dimension=size)
        return key.of_dimension(dimension)

    def side(self) -> int:
        """Pixels of the shorter side that the model looks at."""
        return min(PicturePreprocessing.of(_json(self._folder() / picture_models.PREPROCESSING)).size)

    def fingerprint(self) -> str:
        """A hash over samples of the two halves. Raises ProviderUnavailableError where they are not there."""
        folder = self._folder()
        halves = [folder / name for name in (picture_models.VISUAL, picture_models.TEXTUAL)]
        return hashlib.sha256("".join(_sample(half, *_state(half)) for half in halves).encode()).hexdigest()

    def problem(self) -> str:
        try:
            self._folder()
        except ProviderUnavailableError as error:
            return f"{error} {error.remedy}"
        return ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed questions, in order. Returns float32 (len(texts), dimension), rows L2-normalised."""
        if not texts:
            return np.empty((0, self.key.dimension), dtype=np.float32)
        return checked(self._text_half().vectors(texts), count=len(texts), dimension=self.key.dimension)

    def embed_pictures(self, pictures: Sequence[Image.Image]) -> Floats:
        """Embed pictures in RGB, in order. Returns float32 (len(pictures), dimension), rows L2-normalised."""
        if not pictures:
            return np.empty((0, self.key.dimension), dtype=np.float32)
        half = self._picture_half()
        parts = [half.vectors(pictures[i : i + BATCH_PICTURES]) for i in range(0, len(pictures), BATCH_PICTURES)]
        return checked(np.concatenate(parts), count=len(pictures), dimension=self.key.dimension)

    def runs_on(self) -> str:
        """Where pictures are looked at: `CUDA`, `CPU` …"""
        return self._picture_half().model.runs_on

    def _folder(self) -> Path:
        """Where the model of this key is, whole. Raises ProviderUnavailableError."""
        settings = conf()
        wanted = settings.picture_model if picture_models.name_of(settings.picture_model) == self.key.model else ""
        return picture_models.require(wanted or self.key.model, settings.picture_model_dir, settings.weights_source)

    def _text_half(self) -> _Texts:
        with self._lock:
            if self._texts is None:
                self._texts = _load(self._folder(), _read_texts, self.key.dimension)
            return self._texts

    def _picture_half(self) -> _Pictures:
        with self._lock:
            if self._pictures is None:
                self._pictures = _load(self._folder(), _read_pictures, self.key.dimension)
            return self._pictures


def _load(folder: Path, read: Any, dimension: int) -> Any:
    """Load one half and try it. Raises ProviderUnavailableError for what is damaged, or another kind of model."""
    try:
        half = read(folder)
        probe = [Image.new("RGB", (64, 64), "gray")] if isinstance(half, _Pictures) else ["a picture"]
        shape = half.vectors(probe).shape
    except ProviderUnavailableError:
        raise
    except Exception as error:  # tokenizers has errors of its own kinds, and a stranger's file may say anything
        raise picture_models.unfit(folder, f"{type(error).__name__}: {error}") from error
    if shape != (1, dimension):
        raise picture_models.unfit(folder, f"it answers {shape} where (1, {dimension}) is due")
    return half


def _read_pictures(folder: Path) -> _Pictures:
    model = OnnxModel(folder / picture_models.VISUAL, threads=conf().threads)
    shapes = [shape for kind, shape in model.inputs.values() if kind == "tensor(float)"]
    if len(model.inputs) != 1 or not shapes or len(shapes[0]) != 4:
        raise picture_models.unfit(folder, f"{picture_models.VISUAL} does not take one picture")
    return _Pictures(model, PicturePreprocessing.of(_json(folder / picture_models.PREPROCESSING)))


def _read_texts(folder: Path) -> _Texts:
    from tokenizers import Tokenizer

    model = OnnxModel(folder / picture_models.TEXTUAL, threads=conf().threads)
    if not model.inputs or any(kind not in INTEGERS for kind, _ in model.inputs.values()):
        raise picture_models.unfit(folder, f"{picture_models.TEXTUAL} does not take tokens")
    tokenizer_config = folder / picture_models.TOKENIZER_CONFIG
    preprocessing = TextPreprocessing.of(
        _json(folder / picture_models.CONFIG), _json(tokenizer_config) if tokenizer_config.is_file() else {}
    )
    tokenizer = Tokenizer.from_file(str(folder / picture_models.TOKENIZER))
    length, pad = preprocessing.context_length, preprocessing.pad_token
    tokenizer.enable_truncation(max_length=length)
    tokenizer.enable_padding(length=length, pad_token=pad or "[PAD]", pad_id=tokenizer.token_to_id(pad) or 0)
    return _Texts(model, tokenizer, preprocessing)


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _state(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=16)
def _sample(path: Path, mtime_ns: int, size_bytes: int) -> str:
    """A hash of both ends and the size, worked out once for each state of a file: each question asks for it."""
    with path.open("rb") as model:
        head = model.read(SAMPLE_BYTES)
        model.seek(max(0, size_bytes - SAMPLE_BYTES))
        return hashlib.sha256(head + model.read(SAMPLE_BYTES) + str(size_bytes).encode()).hexdigest()
