"""What the colours of a video mean: its tags (ITU-T H.273), completed where they are missing or cannot be. Pure."""

from dataclasses import dataclass, replace

UNSPECIFIED = 2
BT709, BT2020, PQ, HLG, LINEAR, YCGCO = 1, 9, 16, 18, 8, 8
#: ffmpeg's names for the codes that its filters take; what is not here is guessed.
PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 11: "smpte431",
    12: "smpte432",
}  # fmt: skip
TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "iec61966-2-4",
    13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}
#: What is converted by the library zimg only; where its filter is missing or fails they are taken for what is usual.
ZIMG_MATRICES = {8: "ycgco", 10: "2020_cl", 14: "ictcp"}
#: What zimg calls the others.
ZIMG_NAMES = {1: "709", 4: "fcc", 5: "470bg", 6: "170m", 7: "240m", 9: "2020_ncl"}
#: Below this height a picture without tags is of standard definition.
HD_HEIGHT, HD_WIDTH = 720, 1280


@dataclass(frozen=True, kw_only=True)
class Colours:
    """Codes of H.273; `range` is 1 for television's, 2 for the full one, 0 unspecified."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: int = 0

    @property
    def is_hdr(self) -> bool:
        """Whether an ordinary screen cannot show it as it is."""
        return self.transfer in (PQ, HLG)


def completed(colours: Colours, width: int, height: int) -> Colours:
    """All that is missing, or that no filter takes, as it most likely is: of HDR BT.2020, else what this size uses."""
    if colours.is_hdr:
        return Colours(
            primaries=colours.primaries if colours.primaries in PRIMARIES else BT2020,
            transfer=colours.transfer,
            matrix=colours.matrix if colours.matrix in MATRICES else BT2020,
            range=colours.range,
        )
    usual = BT709 if height >= HD_HEIGHT or width >= HD_WIDTH else 5 if height in (288, 576) else 6
    if colours.primaries == BT2020:
        usual = BT2020
    return Colours(
        primaries=colours.primaries if colours.primaries in PRIMARIES else BT709,
        transfer=colours.transfer if colours.transfer in TRANSFERS else BT709,
        matrix=colours.matrix if colours.matrix in MATRICES else usual,
        range=colours.range,
    )


def needs_zimg(colours: Colours, pixel_format: str) -> bool:
    """Whether only zimg reads this matrix. YCgCo is believed of full chroma alone: else it is a mistake."""
    return colours.matrix in ZIMG_MATRICES and (colours.matrix != YCGCO or "444" in pixel_format)


def is_wide(colours: Colours) -> bool:
    """Whether `completed` colours of ordinary range lie beyond what a screen of BT.709 shows, or in another curve."""
    return colours.primaries not in (1, 5, 6) or colours.transfer == LINEAR


def shown_as(colours: Colours) -> Colours:
    """What a picture of these `completed` colours is turned into for an ordinary screen: in television's range."""
    if colours.is_hdr:
        return Colours(primaries=BT709, transfer=BT709, matrix=BT709, range=1)
    matrix = colours.matrix if colours.matrix in (1, 5, 6) else BT709
    if is_wide(colours):
        return Colours(primaries=BT709, transfer=BT709, matrix=matrix, range=1)
    return replace(colours, matrix=matrix, range=1)


def parameters(colours: Colours) -> dict[str, str]:
    """The options of ffmpeg's filter `setparams` that say so. Raises KeyError for what is not `completed`."""
    return {
        "color_primaries": PRIMARIES[colours.primaries],
        "color_trc": TRANSFERS[colours.transfer],
        "colorspace": MATRICES[colours.matrix],
        "range": {1: "tv", 2: "pc"}.get(colours.range, "auto"),
    }
