"""Two spaces side by side on the saved queries, before a switch."""

from dataclasses import dataclass
from decimal import Decimal

from bedrock.pricing import Usage, text_tokens
from embeddings import registry
from embeddings.indexing import spaces
from embeddings.indexing.chunks import text_hash
from embeddings.indexing.costs import price_of
from embeddings.models import PICTURE, TEXT, PaidVector, PictureFloor, SavedQuery, Space
from embeddings.searching import seen
from embeddings.searching.captions import UNRELATED
from embeddings.searching.moments import passages
from embeddings.searching.search import search
from embeddings.searching.semantic import SearchScope
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


def cost_of_comparing(*of_spaces: Space, content: str = TEXT) -> ComparisonCost:
    """What `compare` would pay: each saved query once for each paid space that was not asked it before."""
    questions, usd = 0, Decimal(0)
    is_priced = True
    for space in of_spaces:
        if not registry.provider_for(space.key).is_paid or not space.embeddings.exists():
            continue
        known = set(
            PaidVector.objects.filter(space=space, purpose=PaidVector.Purpose.QUERY).values_list("text_hash", flat=True)
        )
        texts = [parse(text).subject for text in SavedQuery.objects.values_list("text", flat=True)]
        if content == PICTURE and not PictureFloor.objects.filter(space=space).exists():
            texts += UNRELATED
        due = [text for text in texts if text_hash(text) not in known]
        price = price_of(space)
        questions += len(due)
        is_priced = is_priced and (price is not None or not due)
        if price is not None:
            usd += sum((price.cost(Usage(input_tokens=text_tokens(text).high)) for text in due), Decimal(0))
    return ComparisonCost(questions, usd if is_priced else None)


def compare(one: Space, other: Space, *, content: str = TEXT) -> list[SpaceComparison]:
    """By meaning alone, because words find the same in both; or by what is seen. Asks a paid space's model once for
    each question. Raises SpaceError for a space that does not hold such content.
    """
    for space in (one, other):
        spaces.require_content(space, content)
    moments_of = _moments if content == TEXT else _frames
    return [
        SpaceComparison(saved.text, moments_of(saved.text, one), moments_of(saved.text, other))
        for saved in SavedQuery.objects.all()
    ]


def _moments(question: str, space: Space) -> list[str]:
    found = search(question, mode="semantic", limit=FIRST, space=space).results
    return [_named(hit.file_name, hit.start_s) for hit in found]


def _frames(question: str, space: Space) -> list[str]:
    subject = parse(question).subject
    if not subject or not space.embeddings.exists():
        return []
    found = seen.find(subject, SearchScope(), limit=FIRST, space=space)
    chunks = passages(found.scores)
    return [_named(chunks[pk].file_name, chunks[pk].start_s) for pk in found.scores if pk in chunks]


def _named(file_name: str, start_s: float | None) -> str:
    return file_name if start_s is None else f"{file_name} at {start_s:g} s"
