"""The one module that knows RapidOCR: lines of text in a picture. Optional: its models are in its wheel."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from vision import conf
from vision.errors import ReaderMissingError

NAME = "rapidocr"
#: Pixels of the longer side in which text is looked for first. Most frames have none, and that costs a sixth of a whole
#: look (0.05 s against 0.29 s of a processor, measured); letters of eight pixels there are still noticed.
FIRST_LOOK_SIDE = 640
#: Below this the reader guesses: textures and leaves become letters.
LEAST_CONFIDENCE = 0.6


@dataclass(frozen=True, kw_only=True)
class ScreenLine:
    """A line of text in a picture. `confidence` is from 0 to 1."""

    text: str
    confidence: float


def problem() -> str:
    """Why nothing can be read, in plain words; empty when it can. Loads nothing."""
    return "" if importlib.util.find_spec(NAME) else "The reader of text on screen (RapidOCR) is not installed."


REMEDY = "Run `make run OCR=1`, or `.venv/bin/python -m pip install -r requirements-ocr.txt`."


def lines_in(picture: Image.Image) -> list[ScreenLine]:
    """The lines of text in a picture in RGB, from top to bottom. Raises ReaderMissingError."""
    noticing, reading = _engines()
    pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
    if noticing(pixels, use_det=True, use_cls=False, use_rec=False).boxes is None:
        return []
    found = reading(pixels, use_cls=False)
    if found.txts is None:
        return []
    lines = (
        ScreenLine(text=" ".join(text.split()), confidence=float(score))
        for text, score in zip(found.txts, found.scores, strict=True)
    )
    return [line for line in lines if line.confidence >= LEAST_CONFIDENCE and _says_something(line.text)]


def _says_something(text: str) -> bool:
    """Two letters or digits at least, or one that is a word by itself."""
    letters = [character for character in text if character.isalnum()]
    return len(letters) >= 2 or any(ord(letter) > 0x2E80 for letter in letters)


@cache
def _engines() -> tuple[Any, Any]:
    """(one that only notices text, on a small copy; one that reads it)."""
    if problem():
        raise ReaderMissingError(problem(), remedy=REMEDY)
    from rapidocr import RapidOCR

    common = {
        "Global.log_level": "error",
        "EngineConfig.onnxruntime.intra_op_num_threads": conf.threads(),
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    small = {"Det.limit_type": "max", "Det.limit_side_len": FIRST_LOOK_SIDE}
    return RapidOCR(params=common | small), RapidOCR(params=common)
