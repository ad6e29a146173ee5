"""What every store of vectors gives and takes, row by row."""

from collections.abc import Iterable

import numpy as np

from embeddings.errors import SpaceMismatchError
from embeddings.vectors import Floats

#: Signs, embedding, chunk, file, code of the kind.
SignRow = tuple[bytes, int, int, int, int]


def fitting(rows: Iterable[tuple[int, Floats]], dimension: int) -> list[tuple[int, Floats]]:
    """These vectors by id. Raises SpaceMismatchError when one has another width, or a number that is none."""
    checked = list(rows)
    for _, vector in checked:
        if vector.shape != (dimension,) or not np.isfinite(vector).all():
            raise SpaceMismatchError(f"A vector of shape {vector.shape} does not fit a space of {dimension} numbers.")
    return checked
