"""Vectors from a provider, free or paid. Paid ones go through the ledger, text by text, and are kept for good."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from bedrock import catalogue
from bedrock.ledger.booking import ReservationRequest
from bedrock.ledger.paying import PaidReply, paid
from bedrock.patience import wait_for_begun, within
from bedrock.pricing import Price, Usage, text_tokens
from embeddings.errors import MayNotSpendError
from embeddings.indexing.chunks import text_hash
from embeddings.models import PaidVector, Space
from embeddings.vectors import (
    EmbeddingProvider,
    Floats,
    MediaEmbeddingProvider,
    PaidEmbeddingProvider,
    Purpose,
    checked,
)
from jobs.bulk import sliced

#: So long a search waits for AWS; then it answers by words.
QUERY_S = 5.0


def embed(
    space: Space, provider: EmbeddingProvider, texts: Sequence[str], *, purpose: Purpose, file_id: int | None = None
) -> Floats:
    """Vectors of these texts, in order: float32 (len(texts), dimension), unit rows. Raises ProviderError, BedrockError.

    In a paid space a text that was paid for before costs nothing, and what one call answered is kept before the next.
    """
    if not isinstance(provider, PaidEmbeddingProvider):
        return checked(provider.embed(texts, purpose=purpose), count=len(texts), dimension=space.dimension)
    vectors = [_one(space, provider, text, purpose=purpose, file_id=file_id) for text in texts]
    return np.stack(vectors) if vectors else np.empty((0, space.dimension), dtype=np.float32)


def query_vector(space: Space, provider: EmbeddingProvider, text: str, *, may_pay: bool = True) -> Floats:
    """The vector of a question: float32 (dimension,). Raises MayNotSpendError where it costs money and nobody may."""
    if not may_pay and not is_free(space, provider, text):
        raise MayNotSpendError("Searching by meaning costs money here, and you don't have permission to spend.")
    vector: Floats = embed(space, provider, [text], purpose="query")[0]
    return vector


def is_free(space: Space, provider: EmbeddingProvider, text: str) -> bool:
    """Whether asking this question costs nothing: in a free space, or because it was paid for before."""
    if not isinstance(provider, PaidEmbeddingProvider):
        return True
    return _paid_for(space, PaidVector.Purpose.QUERY, text_hash(text)).exists()


def _paid_for(space: Space, purpose: str, key: str) -> QuerySet[PaidVector]:
    return PaidVector.objects.filter(space=space, purpose=purpose, text_hash=key)


@dataclass(frozen=True, kw_only=True)
class PictureToEmbed:
    """A picture to be paid for: a hash that tells it from others in its space, as a JPEG, and what it is called."""

    key: str
    jpeg: bytes
    label: str
    file_id: int | None = None


def embed_picture(
    space: Space,
    provider: MediaEmbeddingProvider,
    picture: PictureToEmbed,
    *,
    purpose: Purpose | None = None,
    may_pay: bool = True,
) -> Floats:
    """The vector of a picture: float32 (dimension,). What was paid for before costs nothing. Raises BedrockError, and
    MayNotSpendError where it costs money and nobody may.

    Without a purpose it is a frame of the library.
    """
    if not may_pay and not _paid_for(space, purpose or PaidVector.Purpose.FRAME, picture.key).exists():
        raise MayNotSpendError("Looking at a picture costs money here, and you don't have permission to spend.")

    def call() -> PaidReply[Floats]:
        vector, usage = provider.embed_picture(picture.jpeg)
        return PaidReply(checked(vector[None, :], count=1, dimension=space.dimension)[0], usage)

    return _kept_or_paid(
        space,
        call,
        purpose=purpose or PaidVector.Purpose.FRAME,
        text_hash=picture.key,
        text=picture.label,
        most=Usage(images=1),
        file_id=picture.file_id,
    )


def known_pictures(space: Space, keys: Collection[str]) -> dict[str, Floats]:
    """The vectors of frames that were paid for in this space, by key."""
    rows = PaidVector.objects.filter(space=space, purpose=PaidVector.Purpose.FRAME)
    found: dict[str, Floats] = {}
    for some in sliced(list(keys)):
        kept = rows.filter(text_hash__in=some).values_list("text_hash", "vector")
        found.update({key: np.frombuffer(bytes(vector), dtype="<f4") for key, vector in kept})
    return found


def _one(space: Space, provider: PaidEmbeddingProvider, text: str, *, purpose: Purpose, file_id: int | None) -> Floats:
    # Somebody waits for the vector of a question; texts to be found are the workers' business.
    is_waited_for, key = purpose == "query", (space.pk, text_hash(text))
    if is_waited_for:
        wait_for_begun(QUERY_S, key)

    def ask() -> tuple[Floats, Usage]:
        return provider.embed_one(text, purpose=purpose)

    def call() -> PaidReply[Floats]:
        vector, usage = within(QUERY_S, key, ask) if is_waited_for else ask()
        return PaidReply(checked(vector[None, :], count=1, dimension=space.dimension)[0], usage)

    most = Usage(input_tokens=text_tokens(text).high)
    return _kept_or_paid(space, call, purpose=purpose, text_hash=text_hash(text), text=text, most=most, file_id=file_id)


def _kept_or_paid(  # noqa: PLR0913  (what is kept of a vector, and what it may use at most)
    space: Space,
    call: Callable[[], PaidReply[Floats]],
    *,
    purpose: str,
    text_hash: str,
    text: str,
    most: Usage,
    file_id: int | None,
) -> Floats:
    known = _paid_for(space, purpose, text_hash).first()
    if known is not None:
        return np.frombuffer(bytes(known.vector), dtype="<f4")

    def keep(entry: object, vector: Floats) -> None:
        PaidVector.objects.create(
            space=space, purpose=purpose, text_hash=text_hash, text=text, vector=vector.astype("<f4").tobytes()
        )

    model = catalogue.by_model_id(space.model)
    price: Price | None = catalogue.price(model, "realtime") if model is not None else None
    question = f"embed:{space.pk}:{purpose}:{text_hash}"
    request = ReservationRequest(
        question=question,
        purpose="embedding",
        model_key=model.key if model is not None else space.model,
        mode="realtime",
        usd=price.cost(most) if price is not None else None,
        price=price,
        file_id=file_id,
        holder=question,
    )
    return paid(request, call, keep=keep)
