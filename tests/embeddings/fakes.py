"""An embedding provider for tests: a bag of words in 64 numbers, quick, exact, and with switches to misbehave."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from bedrock.pricing import Usage
from embeddings.errors import ProviderError
from embeddings.vectors import Floats, Purpose, SpaceKey
from embeddings.words.normalise import words_of


class WordsProvider:
    """Texts with the same words are close. Mirrors `embeddings.vectors.Provider`."""

    is_paid: ClassVar[bool] = False
    floor: ClassVar[float] = 0.3
    name_floor: ClassVar[float] = 0.3
    #: What was asked of every instance, for tests that count.
    asked: ClassVar[list[tuple[str, str]]] = []
    failing: ClassVar[ProviderError | None] = None
    answer: ClassVar[Floats | None] = None
    print_: ClassVar[str] = "words-1"
    missing: ClassVar[str] = ""

    def __init__(self, key: SpaceKey) -> None:
        self.key = key

    @classmethod
    def reset(cls) -> None:
        cls.asked.clear()
        cls.failing, cls.answer, cls.print_, cls.missing = None, None, "words-1", ""

    @classmethod
    def default_key(cls) -> SpaceKey:
        return SpaceKey(provider="words", model="bag", dimension=64)

    @classmethod
    def key_for(cls, model: str, dimension: int | None) -> SpaceKey:
        return replace(cls.default_key(), model=model or "bag", dimension=dimension or 64)

    def fingerprint(self) -> str:
        return self.print_

    def problem(self) -> str:
        return self.missing

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        if self.failing is not None:
            raise self.failing
        self.asked.extend((purpose, text) for text in texts)
        if self.answer is not None:
            return self.answer
        return np.stack([self._one(text) for text in texts]) if texts else np.empty((0, self.key.dimension), np.float32)

    def _one(self, text: str) -> Floats:
        vector = np.full(self.key.dimension, 1e-4, dtype=np.float32)
        for word in words_of(text):
            generator = np.random.default_rng(zlib.crc32(word.encode("utf-8", "replace")))
            vector += generator.standard_normal(self.key.dimension).astype(np.float32)
        return vector / np.linalg.norm(vector)


class PaidWordsProvider(WordsProvider):
    """The same, for money."""

    is_paid: ClassVar[bool] = True

    @classmethod
    def default_key(cls) -> SpaceKey:
        return SpaceKey(provider="paid", model="bag", dimension=64)

    def embed_one(self, text: str, *, purpose: Purpose) -> tuple[Floats, Usage]:
        return self.embed([text], purpose=purpose)[0], Usage(input_tokens=len(text))
