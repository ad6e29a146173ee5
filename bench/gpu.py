"""What `make check-gpu` runs: `doctor --gpu`, with a picture model of real size and random weights."""

import sys
import tempfile
from pathlib import Path

from bench.vision import _set_up
from bench.vision_model import write_vit


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="check-gpu-") as folder:
        _set_up(Path(folder))
        from novaproject.setup import gpu
        from novaproject.setup.doctor import Level

        found = gpu.trials(picture_model=write_vit(Path(folder) / "b32" / "model.onnx", patch=32))
    for check in found:
        print(f"{check.name}: {check.text} {check.remedy}".rstrip())
    if not any(check.level is Level.READY for check in found):
        print("Nothing runs on a GPU here.")
    return int(any(check.level is Level.WARN for check in found))


if __name__ == "__main__":
    sys.exit(main())
