"""What a space has of the library, what it still lacks, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from embeddings import registry
from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import spaces
from embeddings.indexing.costs import cost_of_frames, cost_of_texts, price_of
from embeddings.models import TEXT, Chunk, Space


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many texts or frames have their vector in a space, how many wait, and what these cost at most.

    `usd` is 0 in a free space, and None where nobody knows the model's price.
    """

    made: int
    waiting: int
    usd: Decimal | None = Decimal(0)


def is_paid(space: Space) -> bool:
    """Whether embedding in this space costs money. One of a provider that the settings do not name any more does not:
    nobody embeds in it.
    """
    try:
        return registry.provider_for(space.key).is_paid
    except ProviderUnavailableError:
        return False


def coverage_of(space: Space) -> Mapping[str, Coverage]:
    """The same for each content that the space holds."""
    found: dict[str, Coverage] = {}
    for content in space.contents:
        made = space.embeddings.filter(file__removed_at=None, kind_code__in=spaces.CODES_OF[content]).count()
        is_text = content == TEXT
        waiting = spaces.waiting_count(space) if is_text else spaces.waiting_frame_count(space)
        usd: Decimal | None = Decimal(0)
        if waiting > 0 and is_paid(space):
            of_texts = cost_of_texts(space, Chunk.objects.awaiting(space)).usd_high if is_text else Decimal(0)
            usd = None if price_of(space) is None else of_texts if is_text else cost_of_frames(space, waiting)
        found[content] = Coverage(made=made, waiting=max(0, waiting), usd=usd)
    return found
