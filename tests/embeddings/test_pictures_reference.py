"""Our vectors against the reference's own preprocessing and torch, with random weights.

Runs with FULL=1 where torch, torchvision and open_clip are installed (they are no requirement of the project):
`FULL=1 python -m pytest tests/embeddings/test_pictures_reference.py`.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embeddings.providers.picture_preprocessing import PicturePreprocessing

pytestmark = pytest.mark.skipif(not os.environ.get("FULL"), reason="runs with FULL=1")
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def photographs() -> list[Image.Image]:
    """Noise over gradients in many shapes: wide, high, small, large, odd."""
    made = []
    for width, height in ((640, 360), (360, 640), (224, 224), (101, 77), (1999, 333), (455, 256), (33, 900)):
        rows = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        rows[:, :, 0] = np.linspace(0, 255, width).astype(np.uint8)
        made.append(Image.fromarray(rows))
    return made


@pytest.mark.parametrize("size", [224, 256, 384])
@pytest.mark.parametrize("mode", ["shortest", "squash"])
def test_preprocessing_is_that_of_the_reference(size: int, mode: str) -> None:
    open_clip = pytest.importorskip("open_clip")
    ours = PicturePreprocessing.of({"size": size, "mean": MEAN, "std": STD, "resize_mode": mode})
    theirs = open_clip.image_transform(size, is_train=False, mean=MEAN, std=STD, resize_mode=mode)

    for picture in photographs():
        assert np.abs(ours.apply(picture) - theirs(picture).numpy()).max() < 1e-5


@pytest.mark.parametrize("name", ["ViT-B-32-quickgelu", "ViT-B-16-SigLIP"])
def test_vectors_are_those_of_torch(name: str, tmp_path: Path) -> None:
    """Random weights, both halves exported as the published models are."""
    open_clip, torch = pytest.importorskip("open_clip"), pytest.importorskip("torch")
    from embeddings.providers.onnx_sessions import OnnxModel

    torch.manual_seed(1)
    config: dict[str, Any] = open_clip.get_model_config(name)
    config["vision_cfg"]["layers"], config["text_cfg"]["layers"] = 2, 2
    (tmp_path / "small.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "small.json")
    model = open_clip.create_model("small", pretrained=None, pretrained_hf=False).eval()
    size = config["vision_cfg"]["image_size"]
    preprocessing = PicturePreprocessing.of({"size": size, "mean": MEAN, "std": STD})
    reference = open_clip.image_transform(size, is_train=False, mean=MEAN, std=STD)
    tokens = torch.randint(0, 1000, (4, config["text_cfg"].get("context_length", 77)), dtype=torch.int32)
    halves = {"image": model.encode_image, "text": model.encode_text}

    def export(half: str, example: Any) -> OnnxModel:
        model.forward = halves[half]
        path = tmp_path / f"{half}.onnx"
        torch.onnx.export(
            model, (example,), str(path), input_names=[half], dynamic_axes={half: {0: "batch"}}, dynamo=False
        )
        return OnnxModel(path, threads=1)

    pictures = photographs()
    with torch.no_grad():
        wanted = model.encode_image(torch.stack([reference(one) for one in pictures]), normalize=True).numpy()
        wanted_text = model.encode_text(tokens, normalize=True).numpy()
    seen = export("image", torch.stack([reference(one) for one in pictures])).run(
        {"image": np.stack([preprocessing.apply(one) for one in pictures])}
    )
    read = export("text", tokens).run({"text": tokens.numpy()})

    for ours, theirs in ((seen, wanted), (read, wanted_text)):
        ours = ours / np.linalg.norm(ours, axis=1, keepdims=True)
        assert np.abs(ours - theirs).max() < 1e-4
