"""What a picture model is fed with, as its own files say. Pure.

The layout is that of the exports which self-hosted photo libraries use: `visual/preprocess_cfg.json` for pictures,
`config.json` and `textual/tokenizer_config.json` for texts. The arithmetic follows torchvision's transforms, which the
models were trained with.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
RESIZE_MODES = ("shortest", "squash")
USUAL_TOKENS = 77
_SPACES = re.compile(r"\s+")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, kw_only=True)
class PicturePreprocessing:
    """How a picture becomes numbers: float32 (3, height, width)."""

    size: tuple[int, int]  # height, width
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "PicturePreprocessing":
        """From `preprocess_cfg.json`. Raises KeyError, ValueError, TypeError for what it should not say."""
        size = facts["size"]
        height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))
        made = cls(
            size=(height, width),
            mean=tuple(float(value) for value in facts["mean"]),
            std=tuple(float(value) for value in facts["std"]),
            interpolation=str(facts.get("interpolation", "bicubic")).lower(),
            resize_mode=str(facts.get("resize_mode", "shortest")).lower(),
        )
        if made.interpolation not in FILTERS or made.resize_mode not in RESIZE_MODES:
            raise ValueError(f"{made.interpolation} and {made.resize_mode} are not known")
        if not (1 <= height <= MOST_SIDE and 1 <= width <= MOST_SIDE) or len(made.mean) != 3 or len(made.std) != 3:
            raise ValueError(f"a size of {size} with {len(made.mean)} means makes no sense")
        return made

    def apply(self, picture: Image.Image) -> NDArray[np.float32]:
        """The picture, in RGB, as the model wants it."""
        height, width = self.size
        resample = FILTERS[self.interpolation]
        if self.resize_mode == "squash":
            small = picture.resize((width, height), resample)
        else:
            small = _centre(_shrink(picture, min(height, width), resample), height, width)
        numbers: NDArray[np.float32] = np.asarray(small, dtype=np.float32) / np.float32(255)
        numbers -= np.array(self.mean, np.float32)
        numbers /= np.array(self.std, np.float32)
        return np.ascontiguousarray(numbers.transpose(2, 0, 1))


#: No picture model looks at more, and a mistaken file must not fill the memory.
MOST_SIDE = 2048


def _shrink(picture: Image.Image, side: int, resample: Image.Resampling) -> Image.Image:
    """The shorter side becomes `side`, the longer one is cut to whole pixels, as torchvision does."""
    shorter, longer = sorted(picture.size)
    long_side = int(side * longer / shorter)
    size = (side, long_side) if picture.width <= picture.height else (long_side, side)
    return picture if picture.size == size else picture.resize(size, resample)


def _centre(picture: Image.Image, height: int, width: int) -> Image.Image:
    top, left = round((picture.height - height) / 2), round((picture.width - width) / 2)
    return picture.crop((left, top, left + width, top + height))


@dataclass(frozen=True, kw_only=True)
class TextPreprocessing:
    """How a text becomes tokens."""

    context_length: int = USUAL_TOKENS
    is_canonical: bool = False
    pad_token: str = ""
    language_code: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]) -> "TextPreprocessing":
        """From `config.json` and `tokenizer_config.json`. Raises ValueError, TypeError, AttributeError."""
        text = config.get("text_cfg") or {}
        pad = tokenizer_config.get("pad_token", "")
        named = pad.get("content", "") if isinstance(pad, Mapping) else pad
        is_nllb = str(text.get("hf_model_name", "")).startswith("nllb") or "nllb" in str(text.get("hf_tokenizer_name"))
        return cls(
            context_length=int(text.get("context_length", USUAL_TOKENS)),
            is_canonical=(text.get("tokenizer_kwargs") or {}).get("clean") == "canonicalize",
            pad_token=str(named or ""),
            # Such a model wants to be told the language; a question does not tell, and English serves them all.
            language_code="eng_Latn" if is_nllb else "",
        )

    def apply(self, text: str) -> str:
        """The text as the tokenizer wants it: white space folded, and plain where the model was trained so."""
        folded = _SPACES.sub(" ", text).strip()
        if self.is_canonical:
            folded = _SPACES.sub(" ", folded.translate(_NO_PUNCTUATION).lower()).strip()
        return self.language_code + folded
