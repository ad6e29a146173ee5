"""Two spaces side by side on the saved queries, before a switch."""

from dataclasses import dataclass
from decimal import Decimal

from bedrock.pricing import Usage, text_tokens
from embeddings import registry
from embeddings.indexing.chunks import text_hash
from embeddings.indexing.costs import price_of
from embeddings.models import PaidVector, SavedQuery, Space
from embeddings.searching.search import search
from embeddings.words.query import parse

FIRST = 5


@dataclass(frozen=True)
class SpaceComparison:
    """What each space finds first for one question: moments as `name at second`."""

    question: str
    first: list[str]
    second: list[str]

    @property
    def shared(self) -> int:
        return len(set(self.first) & set(self.second))

    @property
    def most(self) -> int:
        return max(len(self.first), len(self.second))


@dataclass(frozen=True)
class ComparisonCost:
    """How many questions would be paid, and what they cost at most; None = the model is unpriced."""

    questions: int
    usd: Decimal | None


def cost_of_comparing(*spaces: Space) -> ComparisonCost:
    """What `compare` would pay: each saved query once for each paid space that was not asked it before."""
    questions, usd = 0, Decimal(0)
    is_priced = True
    for space in spaces:
        if not registry.provider_for(space.key).is_paid or not space.embeddings.exists():
            continue
        known = set(
            PaidVector.objects.filter(space=space, purpose=PaidVector.Purpose.QUERY).values_list("text_hash", flat=True)
        )
        texts = [parse(text).subject for text in SavedQuery.objects.values_list("text", flat=True)]
        due = [text for text in texts if text_hash(text) not in known]
        price = price_of(space)
        questions += len(due)
        is_priced = is_priced and (price is not None or not due)
        if price is not None:
            usd += sum((price.cost(Usage(input_tokens=text_tokens(text).high)) for text in due), Decimal(0))
    return ComparisonCost(questions, usd if is_priced else None)


def compare(one: Space, other: Space) -> list[SpaceComparison]:
    """By meaning alone, because words find the same in both. Asks a paid space's model once for each question."""
    return [
        SpaceComparison(saved.text, _moments(saved.text, one), _moments(saved.text, other))
        for saved in SavedQuery.objects.all()
    ]


def _moments(question: str, space: Space) -> list[str]:
    found = search(question, mode="semantic", limit=FIRST, space=space).results
    return [hit.file_name if hit.start_s is None else f"{hit.file_name} at {hit.start_s:g} s" for hit in found]
