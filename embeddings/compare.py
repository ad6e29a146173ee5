"""Two spaces side by side on the saved queries, before a switch."""

from dataclasses import dataclass

from embeddings.models import SavedQuery, Space
from embeddings.search import search

FIRST = 5


@dataclass(frozen=True)
class Comparison:
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


def compare(one: Space, other: Space) -> list[Comparison]:
    """By meaning alone, because words find the same in both. Asks a paid space's model once for each question."""
    return [
        Comparison(saved.text, _moments(saved.text, one), _moments(saved.text, other))
        for saved in SavedQuery.objects.all()
    ]


def _moments(question: str, space: Space) -> list[str]:
    found = search(question, mode="semantic", limit=FIRST, space=space).results
    return [hit.file_name if hit.start_s is None else f"{hit.file_name} at {hit.start_s:g} s" for hit in found]
