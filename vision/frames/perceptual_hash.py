"""A small hash that is alike for pictures that look alike. Pure.

The signs of the lowest frequencies of the brightness (a discrete cosine transform): they outlast scaling, other
codecs, and small changes of colour. Source: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions,
2010.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Frequencies across and down; with 8 by 8 the hash has 64 bits.
SIDE = 8
BYTES = SIDE * SIDE // 8
#: So strong are frequencies that are not there, by rounding and encoding alone: their signs would be chance.
NOISE = 40.0


def hash_of(brightness: "NDArray[np.uint8]") -> bytes:
    """Eight bytes for a small picture in grey, uint8 (height, width), at least 8 each way."""
    height, width = brightness.shape
    spectrum = _cosines(height) @ brightness.astype(np.float32) @ _cosines(width).T
    flat = spectrum.ravel()
    # The first is the mean brightness: against the median of the others it would be set in nearly every picture.
    is_set = flat > np.median(flat[1:]) + NOISE
    is_set[0] = False
    return np.packbits(is_set).tobytes()


def distance(one: bytes, other: bytes) -> int:
    """In how many of the 64 bits two hashes differ: 0 where they look the same, about 32 where nothing is alike."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@cache
def _cosines(length: int) -> "NDArray[np.float32]":
    """The first eight rows of the cosine transform of so many samples: float32 (8, length)."""
    places = (2 * np.arange(length) + 1) * np.pi / (2 * length)
    return np.cos(np.arange(SIDE)[:, None] * places[None, :]).astype(np.float32)
