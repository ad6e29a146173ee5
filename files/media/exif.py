"""What cameras write beside a picture (EXIF 2.32): which way up, when, where, with what. Broken tables say nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from files.media.info import parse_moment

_NAMED = {Base.Make: "Make", Base.Model: "Model", Base.Software: "Software", Base.Artist: "Artist"}
#: When it was taken, when a film was scanned, when the file was changed: each with the tag of its time zone.
_DATES = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized),
    (Base.DateTime, Base.OffsetTime),
)


@dataclass(frozen=True, kw_only=True)
class ExifFacts:
    """`orientation` is 1 to 8, 1 being upright; `place` is latitude and longitude, south and west negative."""

    orientation: int = 1
    created_at: datetime | None = None
    place: tuple[float, float] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def read_exif(exif: Image.Exif) -> ExifFacts:
    """What can be read of it. Never raises: what is wrong with a table is no reason to refuse a picture."""
    main, details, gps = _table(exif), _table(exif, IFD.Exif), _table(exif, IFD.GPSInfo)
    tags = {name: text for tag, name in _NAMED.items() if (text := _text(main.get(tag)))}
    created_at = None
    for date_tag, zone_tag in _DATES:
        # Each stands in the second table, but for the last; programs that copy tags put them into either.
        date = _text(details.get(date_tag)) or _text(main.get(date_tag))
        zone = _text(details.get(zone_tag)) or _text(main.get(zone_tag))
        moment = parse_moment(date + zone) or parse_moment(date)
        if created_at is None and moment is not None:
            created_at = moment
            tags["DateTimeOriginal"] = f"{date}{zone}"
    latitude, longitude = _degrees(gps, GPS.GPSLatitude, 90), _degrees(gps, GPS.GPSLongitude, 180)
    place = (latitude, longitude) if latitude is not None and longitude is not None else None
    orientation = main.get(Base.Orientation)
    return ExifFacts(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        created_at=created_at,
        # 0, 0 lies in the sea, and is what a camera writes that does not know its place.
        place=place if any(place or ()) else None,
        tags=tags,
    )


def _table(exif: Image.Exif, ifd: int | None = None) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(ifd) if ifd is not None else exif)
    except Exception:  # noqa: BLE001  (Pillow's reader raises whatever comes of the bytes)
        return {}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return str(value).split("\0")[0].strip() if value is not None else ""


def _degrees(gps: Mapping[int, Any], tag: int, most: int) -> float | None:
    """Degrees, minutes and seconds as one number; its sign stands in the tag before. None where it says nothing."""
    try:
        parts = [float(part) for part in gps[tag]]
        degrees = float(sum(part / 60**power for power, part in enumerate(parts[:3])))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not parts or not math.isfinite(degrees) or not 0 <= degrees <= most:
        return None
    is_negative = _text(gps.get(tag - 1)).upper()[:1] in ("S", "W")
    return round(-degrees if is_negative else degrees, 7)
