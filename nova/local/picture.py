"""What the free local model is told of a picture: what the file itself says. Pure, offline, deterministic."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """Facts of a picture file; what it does not say is None or empty. Degrees, south and west negative."""

    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    folder: str = ""

    def labelled(self) -> list[tuple[str, str]]:
        """What is known, as labels and texts."""
        facts = [
            ("Taken on", f"{self.taken_at:%d %B %Y, %H:%M}".lstrip("0") if self.taken_at else ""),
            ("Camera", self.camera),
            ("Place", place_in_words(self.latitude, self.longitude)),
        ]
        return [(label, text) for label, text in facts if text]


def place_in_words(latitude: float | None, longitude: float | None) -> str:
    """`48.1374° N, 11.5755° E`; empty where it is not known."""
    if latitude is None or longitude is None:
        return ""
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"
