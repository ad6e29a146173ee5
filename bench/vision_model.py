"""A vision transformer of a real model's size with random weights, as ONNX: its speed does not depend on them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Width, layers, heads and vector of ViT-B, whose two kinds differ in the size of their patches.
WIDTH, LAYERS, HEADS, DIMENSION, SIDE = 768, 12, 12, 512, 224


def write_vit(path: Path, *, patch: int) -> Path:
    """ViT-B/32 or B/16: patches, twelve layers of attention and a wide step each, one projection."""
    random = np.random.default_rng(1)
    tokens, head = (SIDE // patch) ** 2, WIDTH // HEADS
    numbers: dict[str, np.ndarray] = {
        "patches": random.standard_normal((WIDTH, 3, patch, patch)) * 0.02,
        "places": random.standard_normal((1, tokens, WIDTH)) * 0.02,
        "flat": np.array([0, WIDTH, tokens]),
        "heads": np.array([0, tokens, HEADS, head]),
        "joined": np.array([0, tokens, WIDTH]),
        "scale": np.array(head**-0.5, np.float32),
        "one": np.array(1.702, np.float32),
        "projection": random.standard_normal((WIDTH, DIMENSION)) * 0.02,
    }
    nodes = [
        helper.make_node("Conv", ["image", "patches"], ["grid"], strides=[patch, patch]),
        helper.make_node("Reshape", ["grid", "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["sequence"], perm=[0, 2, 1]),
        helper.make_node("Add", ["sequence", "places"], ["h0"]),
    ]
    for layer in range(LAYERS):
        nodes += _layer(layer, numbers, random)
    nodes += [
        helper.make_node("ReduceMean", [f"h{LAYERS}"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["vector"]),
    ]
    kept = [
        numpy_helper.from_array(np.asarray(v, np.int64 if np.asarray(v).dtype.kind == "i" else np.float32), k)
        for k, v in numbers.items()
    ]
    graph = helper.make_graph(
        nodes,
        "vit",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", DIMENSION])],
        kept,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def _layer(layer: int, numbers: dict[str, np.ndarray], random: np.random.Generator) -> list[onnx.NodeProto]:
    def name(what: str) -> str:
        return f"{what}_{layer}"

    for what, shape in (
        ("q", (WIDTH, WIDTH)), ("k", (WIDTH, WIDTH)), ("v", (WIDTH, WIDTH)), ("o", (WIDTH, WIDTH)),
        ("up", (WIDTH, 4 * WIDTH)), ("down", (4 * WIDTH, WIDTH)),
    ):  # fmt: skip
        numbers[name(what)] = random.standard_normal(shape) * 0.02
    numbers[name("g")], numbers[name("b")] = np.ones(WIDTH), np.zeros(WIDTH)
    node = helper.make_node
    nodes = [node("LayerNormalization", [f"h{layer}", name("g"), name("b")], [name("n")])]
    for what, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += [
            node("MatMul", [name("n"), name(what)], [name(f"{what}_m")]),
            node("Reshape", [name(f"{what}_m"), "heads"], [name(f"{what}_h")]),
            node("Transpose", [name(f"{what}_h")], [name(f"{what}_t")], perm=order),
        ]
    return [
        *nodes,
        node("MatMul", [name("q_t"), name("k_t")], [name("s")]),
        node("Mul", [name("s"), "scale"], [name("ss")]),
        node("Softmax", [name("ss")], [name("p")], axis=-1),
        node("MatMul", [name("p"), name("v_t")], [name("c")]),
        node("Transpose", [name("c")], [name("ct")], perm=[0, 2, 1, 3]),
        node("Reshape", [name("ct"), "joined"], [name("cr")]),
        node("MatMul", [name("cr"), name("o")], [name("a")]),
        node("Add", [f"h{layer}", name("a")], [name("r")]),
        node("LayerNormalization", [name("r"), name("g"), name("b")], [name("n2")]),
        node("MatMul", [name("n2"), name("up")], [name("u")]),
        node("Mul", [name("u"), "one"], [name("u1")]),
        node("Sigmoid", [name("u1")], [name("u2")]),
        node("Mul", [name("u"), name("u2")], [name("ug")]),
        node("MatMul", [name("ug"), name("down")], [name("d")]),
        node("Add", [name("r"), name("d")], [f"h{layer + 1}"]),
    ]
