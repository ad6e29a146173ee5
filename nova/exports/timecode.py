"""Timecode: seconds to hours, minutes, seconds and frames. Pure.

At 29.97 and 59.94 frames a second it is drop-frame: the numbers 0 and 1 (0 to 3 at 59.94) are left out in every minute
but each tenth, so that the clock keeps up with the time (SMPTE ST 12-1). At 23.976 there is no drop-frame.
"""

from dataclasses import dataclass
from fractions import Fraction

DROPPED = {30: 2, 60: 4}


@dataclass(frozen=True)
class Rate:
    """Frames a second, exactly, with the whole number that timecode counts by."""

    exact: Fraction

    @classmethod
    def of(cls, frames_per_s: float) -> "Rate":
        """The rate meant by a measured one: a whole number, or 1000/1001 of it. Raises ValueError.

        Any other (of a variable frame rate) has no timecode; the nearest whole number keeps to the clock.
        """
        if not 1 <= frames_per_s <= 1000:
            raise ValueError(f"No frame rate: {frames_per_s}")
        whole = round(frames_per_s)
        ntsc = Fraction(whole * 1000, 1001)
        is_ntsc = abs(frames_per_s - ntsc) < min(0.01, abs(frames_per_s - whole))
        return cls(ntsc if is_ntsc else Fraction(whole))

    @property
    def nominal(self) -> int:
        return round(self.exact)

    @property
    def dropped(self) -> int:
        """Frame numbers that are left out in a minute; 0 for non-drop."""
        return DROPPED.get(self.nominal, 0) if self.exact.denominator > 1 else 0

    def frames(self, seconds: float) -> int:
        """The frame that is shown at this moment, the nearest one."""
        return round(Fraction(seconds) * self.exact)

    def timecode(self, frame: int) -> str:
        """hh:mm:ss:ff, with a semicolon before the frames where numbers are dropped."""
        if self.dropped:  # the numbers that were left out before this frame
            per_minute = self.nominal * 60 - self.dropped
            tens, rest = divmod(frame, self.nominal * 600 - 9 * self.dropped)
            minutes = 0 if rest < self.nominal * 60 else 1 + (rest - self.nominal * 60) // per_minute
            frame += self.dropped * (9 * tens + minutes)
        seconds, frames = divmod(frame, self.nominal)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        mark = ";" if self.dropped else ":"
        return f"{hours % 24:02}:{minutes:02}:{seconds:02}{mark}{frames:02}"
