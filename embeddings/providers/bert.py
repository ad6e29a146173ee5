"""A BERT encoder on numpy: enough to run a small sentence model on the CPU without torch.

Architecture: Devlin et al. 2018 (post-norm encoder, learned positions). Agrees with sentence-transformers to 1e-6.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.vectors import Floats

Ints = NDArray[np.int64]
LAYER_NORM_EPS = np.float32(1e-12)
MASKED = np.float32(-1e9)


@dataclass(frozen=True, kw_only=True)
class Bert:
    """Weights by their published names, and the two numbers that shapes do not tell."""

    weights: Mapping[str, Floats]
    layers: int
    heads: int

    def encode(self, ids: Ints, mask: Ints) -> Floats:
        """Last hidden states, float32 (batch, length, width). `mask` is 1 for a token and 0 for padding."""
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        bias = ((1 - mask)[:, None, None, :] * MASKED).astype(np.float32)
        for layer in range(self.layers):
            name = f"encoder.layer.{layer}"
            x = self._norm(x + self._attention(x, bias, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            inner = _gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x

    def _attention(self, x: Floats, bias: Floats, name: str) -> Floats:
        batch, length, width = x.shape

        def heads(part: str) -> Floats:
            projected = self._linear(x, f"{name}.self.{part}")
            return projected.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // self.heads)) + bias
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        return self._linear(mixed, f"{name}.output.dense")

    def _linear(self, x: Floats, name: str) -> Floats:
        projected: Floats = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return projected

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        normed = centred / np.sqrt(variance + LAYER_NORM_EPS)
        scaled: Floats = normed * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return scaled


def mean_pool(hidden: Floats, mask: Ints) -> Floats:
    """The mean of the tokens' states, padding left out: float32 (batch, width)."""
    weight = mask[:, :, None].astype(np.float32)
    pooled: Floats = (hidden * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
    return pooled


def _gelu(x: Floats) -> Floats:
    """x * P(X <= x) with erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7: numpy has no erf)."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = poly * np.exp(-z * z)
    result: Floats = x * np.where(x >= 0, 1 - tail / 2, tail / 2)
    return result.astype(np.float32, copy=False)
