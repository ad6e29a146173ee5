"""Two spaces side by side before a switch: on the saved queries, and on a sample of one's own transcripts."""

from dataclasses import dataclass
from decimal import Decimal

from bedrock.pricing import Usage, text_tokens
from embeddings import registry
from embeddings.indexing import spaces
from embeddings.indexing.chunks import text_hash
from embeddings.indexing.costs import price_of
from embeddings.models import KIND_CODES, PICTURE, TEXT, Chunk, Embedding, PaidVector, PictureFloor, SavedQuery, Space
from embeddings.searching import seen
from embeddings.searching.calibration import neighbour_worth, spread_evenly
from embeddings.searching.captions import UNRELATED
from embeddings.searching.moments import passages
from embeddings.searching.search import search
from embeddings.searching.semantic import SearchScope
from embeddings.words.query import parse

FIRST = 5
#: Texts of one's own transcripts: some seconds for two spaces.
SAMPLE = 150


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


@dataclass(frozen=True, kw_only=True)
class NeighbourComparison:
    """How near each of two spaces puts what is said just before and after: the mean reciprocal rank over `count` texts
    of one's own transcripts, 1 where it always comes first."""

    count: int
    first: float
    second: float


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


def compare_on_transcripts(one: Space, other: Space) -> NeighbourComparison | None:
    """How well each space knows what is said here, on a sample of texts that both hold. Costs nothing.

    None where they share no text with a neighbour.
    """
    of_speech = {"kind_code": KIND_CODES[Chunk.Kind.TRANSCRIPT]}
    in_other = Embedding.objects.filter(space=other, **of_speech).values("chunk_id")
    shared = Embedding.objects.filter(space=one, chunk_id__in=in_other, **of_speech).order_by("file_id", "id")
    chunk_ids = spread_evenly(list(shared.values_list("chunk_id", flat=True)), SAMPLE)
    worth = []
    for space in (one, other):
        embeddings = Embedding.objects.filter(space=space, chunk_id__in=chunk_ids)
        _, found = neighbour_worth(space, list(embeddings.values_list("pk", flat=True)))
        worth.append(found)
    if not len(worth[0]) or not len(worth[1]):
        return None
    first, second = (round(float(found.mean()), 3) for found in worth)
    return NeighbourComparison(count=len(worth[0]), first=first, second=second)


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
