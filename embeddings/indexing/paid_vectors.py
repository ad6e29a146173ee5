"""Vectors from a provider, free or paid. Paid ones go through the ledger, text by text, and are kept for good."""

from collections.abc import Sequence

import numpy as np

from bedrock import catalogue
from bedrock.ledger.booking import ReservationRequest
from bedrock.ledger.paying import PaidReply, paid
from bedrock.pricing import Price, Usage, text_tokens
from embeddings.indexing.chunks import text_hash
from embeddings.models import PaidVector, Space
from embeddings.vectors import EmbeddingProvider, Floats, PaidEmbeddingProvider, Purpose, checked


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


def query_vector(space: Space, provider: EmbeddingProvider, text: str) -> Floats:
    """The vector of a question: float32 (dimension,)."""
    vector: Floats = embed(space, provider, [text], purpose="query")[0]
    return vector


def is_free(space: Space, provider: EmbeddingProvider, text: str) -> bool:
    """Whether asking this question costs nothing: in a free space, or because it was paid for before."""
    if not isinstance(provider, PaidEmbeddingProvider):
        return True
    return PaidVector.objects.filter(space=space, purpose="query", text_hash=text_hash(text)).exists()


def _one(space: Space, provider: PaidEmbeddingProvider, text: str, *, purpose: Purpose, file_id: int | None) -> Floats:
    known = PaidVector.objects.filter(space=space, purpose=purpose, text_hash=text_hash(text)).first()
    if known is not None:
        return np.frombuffer(bytes(known.vector), dtype="<f4")

    def call() -> PaidReply[Floats]:
        vector, usage = provider.embed_one(text, purpose=purpose)
        return PaidReply(checked(vector[None, :], count=1, dimension=space.dimension)[0], usage)

    def keep(entry: object, vector: Floats) -> None:
        PaidVector.objects.create(
            space=space, purpose=purpose, text_hash=text_hash(text), text=text, vector=vector.astype("<f4").tobytes()
        )

    return paid(_ask(space, text, purpose=purpose, file_id=file_id), call, keep=keep)


def _ask(space: Space, text: str, *, purpose: Purpose, file_id: int | None) -> ReservationRequest:
    model = catalogue.by_model_id(space.model)
    price: Price | None = catalogue.price(model, "realtime") if model is not None else None
    question = f"embed:{space.pk}:{purpose}:{text_hash(text)}"
    return ReservationRequest(
        question=question,
        purpose="embedding",
        model_key=model.key if model is not None else space.model,
        mode="realtime",
        usd=price.cost(Usage(input_tokens=text_tokens(text).high)) if price is not None else None,
        price=price,
        file_id=file_id,
        holder=question,
    )
