"""A picture model that knows twenty things, in the form of the real exports: two ONNX graphs, a tokenizer, configs.

Pictures: what colour is in the middle, and what colour is around it. Words: a thing for each colour in the middle, a
scene for each colour around. So "an apple in the snow" is a red shape on white, and nothing else is as near.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

#: Colour by the word that means it: in the middle, and around.
THINGS = {
    "apple": (220, 30, 30), "lemon": (240, 230, 40), "plum": (110, 30, 140), "frog": (40, 160, 50),
    "orange": (245, 140, 20), "whale": (30, 70, 190), "rose": (245, 130, 180), "bear": (110, 70, 30),
    "pearl": (245, 245, 245), "raven": (15, 15, 15),
    "glacier": (90, 220, 220),
}  # fmt: skip
SCENES = {
    "sunset": "apple", "desert": "lemon", "lavender": "plum", "meadow": "frog", "lava": "orange", "sea": "whale",
    "blossom": "rose", "soil": "bear", "snow": "pearl", "night": "raven", "lagoon": "glacier",
}  # fmt: skip
#: Words without a meaning of their own.
SILENT_WORDS = ("a", "an", "the", "in", "on", "of", "and", "with")
SIDE, CONTEXT = 32, 12
COUNT = len(THINGS)
#: One number a thing, one a scene, one that all pictures and texts share, and some that only words have.
DIMENSION = 2 * COUNT + 1 + 11
SHARED, SILENT = 2 * COUNT, 2 * COUNT + 1
MEAN = STD = (0.5, 0.5, 0.5)


def view(thing: str, scene: str, size: tuple[int, int] = (320, 180)) -> Image.Image:
    """A shape of the thing's colour in the middle of the scene's."""
    picture = Image.new("RGB", size, THINGS[SCENES[scene]])
    width, height = size
    picture.paste(THINGS[thing], (width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    return picture


def write_tiny_clip(folder: Path, *, fixed_batch: bool = False, clean: str = "") -> Path:
    """The model's folder. `fixed_batch`: it takes one picture at a time, as some exports do."""
    for half in ("visual", "textual"):
        (folder / half).mkdir(parents=True, exist_ok=True)
    batch = 1 if fixed_batch else "batch"
    onnx.save(_visual(batch), folder / "visual" / "model.onnx")
    onnx.save(_textual(batch), folder / "textual" / "model.onnx")
    text: dict[str, object] = {"context_length": CONTEXT}
    if clean:
        text["tokenizer_kwargs"] = {"clean": clean}
    _write(folder / "config.json", {"embed_dim": DIMENSION, "text_cfg": text})
    picture = {"size": SIDE, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"}
    _write(folder / "visual" / "preprocess_cfg.json", picture)
    _write(folder / "textual" / "tokenizer_config.json", {"pad_token": "[PAD]"})
    _write(folder / "textual" / "tokenizer.json", _tokenizer())
    return folder


def words() -> list[str]:
    return ["[PAD]", "[UNK]", *THINGS, *SCENES, *SILENT_WORDS]


def _visual(batch: int | str) -> onnx.ModelProto:
    """Nearness of each pixel to each colour, averaged over the middle and over the rest."""
    colours = np.array(list(THINGS.values()), np.float32) / 255 * 2 - 1
    middle = np.zeros((SIDE, SIDE), np.float32)
    middle[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = 1
    edge = np.zeros((SIDE, SIDE), np.float32)
    edge[[0, 1, -2, -1], :] = edge[:, [0, 1, -2, -1]] = 1
    places = np.stack([(mask / mask.sum()).ravel() for mask in (middle, edge)], axis=1)
    spread = np.zeros((2 * COUNT, DIMENSION), np.float32)
    for place in range(COUNT):  # after the product: (colour, middle or edge)
        spread[2 * place, place] = spread[2 * place + 1, COUNT + place] = 1
    shared = np.zeros(DIMENSION, np.float32)
    shared[SHARED] = 0.4
    numbers = {
        "colours": (-2 * colours)[:, :, None, None], "squares": (colours**2).sum(axis=1), "places": places,
        "steep": np.float32(-6), "spread": spread, "shared": shared, "axis": np.array([1]),
        "flat": np.array([0, COUNT, SIDE * SIDE]), "row": np.array([0, 2 * COUNT]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Mul", ["image", "image"], ["own"]),
        helper.make_node("ReduceSum", ["own", "axis"], ["length"]),
        helper.make_node("Conv", ["image", "colours", "squares"], ["cross"]),
        helper.make_node("Add", ["cross", "length"], ["distance"]),
        helper.make_node("Mul", ["distance", "steep"], ["scaled"]),
        helper.make_node("Exp", ["scaled"], ["near"]),
        helper.make_node("Reshape", ["near", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "places"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "row"], ["rows"]),
        helper.make_node("Gemm", ["rows", "spread", "shared"], ["vector"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])
    return _model(nodes, image, numbers, batch)


def _textual(batch: int | str) -> onnx.ModelProto:
    """The sum of what its words mean; what it does not know points where no picture does."""
    table = np.zeros((len(words()), DIMENSION), np.float32)
    table[1, SILENT:] = 0.5
    for place in range(COUNT):
        table[2 + place, place] = table[2 + COUNT + place, COUNT + place] = 1
    bias = np.zeros(DIMENSION, np.float32)
    bias[SHARED] = 0.1
    numbers = {"table": table, "axis": np.array([1]), "bias": bias}
    nodes = [
        helper.make_node("Gather", ["table", "text"], ["meanings"]),
        helper.make_node("ReduceSum", ["meanings", "axis"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "bias"], ["vector"]),
    ]
    return _model(nodes, helper.make_tensor_value_info("text", TensorProto.INT32, [batch, CONTEXT]), numbers, batch)


def _model(
    nodes: list[onnx.NodeProto], given: onnx.ValueInfoProto, numbers: dict[str, np.ndarray], batch: int | str
) -> onnx.ModelProto:
    answer = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, DIMENSION])
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", [given], [answer], kept), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def _tokenizer() -> dict[str, object]:
    """Whole words of any case, as `tokenizers` reads them."""
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [], "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words())}, "unk_token": "[UNK]"},
    }  # fmt: skip


def _write(path: Path, facts: dict[str, object]) -> None:
    path.write_text(json.dumps(facts))
