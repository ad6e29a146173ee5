"""What a proxy is made like. Pure: from a name such as `720p15` to sizes and rates."""

import re
from dataclasses import dataclass

from files.errors import FilesError

#: Measured on 4 cores at 1080p: `720p15` runs at 8 times real time and is what the browser plays; `720p5` at 10.6, for
#: analysis only: Nova looks at one frame a second, 672 x 672.
DEFAULT = "720p15"
KNOWN = ("720p15", "720p5")
WIDEST = 16 / 9


class UnknownProfileError(FilesError):
    code = "unknown_profile"
    remedy = "Use <height>p<frames per second>, such as 720p15 (for watching) or 720p5 (for analysis only)."


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`name` is the contract's `proxy_spec`."""

    name: str
    short_side: int
    frame_rate: int

    @property
    def max_rate_kbps(self) -> int:
        """A ceiling for the picture: 1 Mb/s at 720p, by area."""
        return max(200, round(1000 * (self.short_side / 720) ** 2))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Even width and height for a picture shown at `width` x `height`: never larger, upright ones upright."""
        long_side = self.short_side * WIDEST
        factor = min(1.0, self.short_side / min(width, height), long_side / max(width, height))
        return _even(width * factor), _even(height * factor)

    def expected_bytes(self, duration_s: float | None) -> int:
        """An upper guess of what a run writes, sound and sprite included; an hour is meant where nothing is known."""
        sound_kbps = 64 + 256
        return round((self.max_rate_kbps + sound_kbps) * 125 * (duration_s or 3600)) + 2_000_000


def parse(name: str) -> Profile:
    """The profile of that name. Raises UnknownProfileError."""
    found = re.fullmatch(r"([1-9]\d{2,3})p([1-9]\d?)", name)
    if not found or not 120 <= int(found[1]) <= 2160 or int(found[2]) > 60:
        raise UnknownProfileError(f"There is no proxy profile {name!r}.")
    return Profile(name=name, short_side=int(found[1]), frame_rate=int(found[2]))


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
