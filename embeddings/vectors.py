"""What an embedding space is, what its vectors look like, and what a provider of them must do. Knows no Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bedrock.pricing import Usage
from embeddings.errors import NoSuchSpaceError, ProviderError, SpaceMismatchError

if TYPE_CHECKING:
    from PIL.Image import Image

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]
Purpose = Literal["index", "query"]


@dataclass(frozen=True, kw_only=True)
class SpaceKey:
    """The identity of a space. Vectors of different keys are never compared."""

    provider: str
    model: str
    dimension: int
    request_format: str = ""
    is_normalised: bool = True

    def of_dimension(self, dimension: int | None) -> Self:
        """The same, where the model gives vectors of this dimension (None: of any). Raises NoSuchSpaceError."""
        if dimension not in (None, self.dimension):
            raise NoSuchSpaceError(
                f"{self.model} gives vectors of {self.dimension} numbers, not of {dimension}.",
                remedy="Leave the dimension out.",
                field="dimension",
            )
        return self

    def __str__(self) -> str:
        form = f", {self.request_format}" if self.request_format else ""
        return f"{self.provider}: {self.model}, {self.dimension}-d{form}"


class EmbeddingProvider(Protocol):
    """Makes vectors of one space."""

    key: SpaceKey
    is_paid: ClassVar[bool]
    #: Cosine similarity below which a text has nothing to do with a query, in this model.
    floor: ClassVar[float]
    #: The same for the name of a file: a few letters or words are a little like everything.
    name_floor: ClassVar[float]

    def __init__(self, key: SpaceKey) -> None: ...

    @classmethod
    def default_key(cls) -> SpaceKey:
        """The space that the settings describe."""

    @classmethod
    def key_for(cls, model: str, dimension: int | None) -> SpaceKey:
        """The space of another model of this provider, or of another dimension (None: the model's own).

        Raises NoSuchSpaceError for what it does not offer.
        """

    def fingerprint(self) -> str:
        """What tells two versions of the model apart: a hash of the weights, or the remote model's id."""

    def problem(self) -> str:
        """Why it cannot work now, in plain words; empty when it can. Cheap: loads nothing, calls nothing."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed texts, in order. Returns float32 (len(texts), dimension), rows L2-normalised.

        Raises ProviderError (retryable on 429 and 5xx).
        """


@runtime_checkable
class PaidEmbeddingProvider(Protocol):
    """A provider whose every call costs money: one text at a time, with what it used."""

    def embed_one(self, text: str, *, purpose: Purpose) -> tuple[Floats, Usage]:
        """Embed one text. Returns float32 (dimension,) and the usage. Raises BedrockError."""


@runtime_checkable
class MediaEmbeddingProvider(PaidEmbeddingProvider, Protocol):
    """A paid provider that may also embed media: pictures at once, videos elsewhere and later, both found by words."""

    def why_text_only(self) -> str:
        """Why this space holds text only, in plain words; empty when it holds media too."""

    def embed_picture(self, jpeg: bytes) -> tuple[Floats, Usage]:
        """Embed one picture. Returns float32 (dimension,) and the usage. Raises BedrockError."""

    def start_video(self, *, video_uri: str, output_uri: str, duration_s: float, client_token: str) -> str:
        """Start embedding a staged video. Returns the ARN of the call; the same token starts nothing twice."""


@runtime_checkable
class PictureProvider(Protocol):
    """A free provider whose space holds pictures: they are found by words, which it embeds too, and by each other."""

    def side(self) -> int:
        """Pixels of the shorter side that it looks at: a smaller picture gives a poorer vector."""

    def embed_pictures(self, pictures: "Sequence[Image]") -> Floats:
        """Embed pictures in RGB, in order. Returns float32 (len(pictures), dimension), rows L2-normalised.

        Raises ProviderError.
        """


def checked(vectors: Floats, *, count: int, dimension: int) -> Floats:
    """The vectors as contiguous float32 with unit rows. Raises for a wrong shape, NaN, infinity or a zero row."""
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.ndim != 2 or array.shape[0] != count:
        raise ProviderError(
            f"The model answered {len(array)} vectors for {count} texts.", remedy="Try again.", retryable=True
        )
    if array.shape[1] != dimension:
        raise SpaceMismatchError(f"The model answers {array.shape[1]} numbers a text, the space has {dimension}.")
    norms = np.linalg.norm(array.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms == 0).any():
        raise ProviderError(
            "The model answered a vector that is not a number or has no length.",
            remedy="Check the model's weights with `.venv/bin/python manage.py doctor`.",
        )
    return np.ascontiguousarray(array / norms, dtype=np.float32)


def to_bits(vectors: Floats) -> Bits:
    """The sign of each number, packed eight to a byte: uint8 (n, ceil(dim / 8))."""
    return np.packbits(vectors > 0, axis=1)
