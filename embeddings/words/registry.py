"""Where the words of chunks are kept: one module for each database engine, behind one interface."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from django.db import connection

from embeddings.words import fts5, tsvector
from embeddings.words.query import Term, WordFilter, WordQuery


class WordIndex(Protocol):
    """Full text over chunks. Every engine finds the same chunks for a query and ranks them by the same BM25."""

    def add(self, rows: Iterable[tuple[int, str]]) -> None:
        """Index texts by chunk id."""

    def remove(self, rows: Iterable[tuple[int, str]]) -> None:
        """Take texts out again: exactly those that were added."""

    def best(self, query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
        """The chunks that match, best first, each with its BM25."""

    def latest(self, query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
        """Chunks that match, newest first. For words so common that they say nothing, and ranking would be slow."""

    def frequency_is_above(self, term: Term, threshold: int) -> bool:
        """Whether more than `threshold` chunks match. Looks no further than that many."""

    def rebuild(self) -> None:
        """Make the index again from the chunks."""

    def optimize(self) -> None:
        """Make it smaller and quicker to read, where the engine does not see to that by itself."""

    def is_sound(self) -> bool:
        """Whether the index says what the chunks say."""


_INDEXES: Mapping[str, WordIndex] = {"sqlite": fts5, "postgresql": tsvector}


def word_index() -> WordIndex:
    """The index of words of the database in use."""
    return _INDEXES[connection.vendor]
