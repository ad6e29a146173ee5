"""HTTP ranges (RFC 9110, 14): which bytes of a file were asked for. Pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class UnsatisfiableRangeError(ValueError):
    """A range that begins behind the end."""


def parse_range(header: str, size: int) -> ByteRange | None:
    """The one range of a `Range` header; None where the whole is to be sent: no range, several, or no sense in it.

    Raises UnsatisfiableRangeError (to be answered with 416).
    """
    found = re.fullmatch(r"bytes=(\d{0,19})-(\d{0,19})", header.strip().replace(" ", ""))
    if not found or found[0] == "bytes=-":
        return None
    first_text, last_text = found.groups()
    if not first_text:
        length = min(int(last_text), size)
        if length == 0:
            raise UnsatisfiableRangeError(header)
        return ByteRange(size - length, size - 1)
    first = int(first_text)
    last = min(int(last_text), size - 1) if last_text else size - 1
    if last_text and int(last_text) < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError(header)
    return ByteRange(first, last)
