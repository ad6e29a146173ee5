"""The one module that knows onnxruntime: models loaded where they run fastest, with threads that leave others room."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.errors import ProviderError, ProviderUnavailableError
from embeddings.vectors import Floats

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

logger = logging.getLogger(__name__)
#: Where a model may run, best first. What this build of onnxruntime lacks is left out.
ACCELERATORS = (
    "CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "OpenVINOExecutionProvider",
    "CoreMLExecutionProvider",
)  # fmt: skip
CPU = "CPUExecutionProvider"
#: Pictures at once, and how often, when a model's speed is tried.
TRIED_AT_ONCE, ROUNDS = 8, 3
#: One type of number for each that a model may ask its tokens in.
INTEGERS = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}


class OnnxModel:
    """A model in memory: named inputs in, one matrix out."""

    def __init__(self, path: Path, *, threads: int, is_cpu_only: bool = False) -> None:
        self.path = path
        self._threads = threads
        self._session = _open(path, threads, [CPU] if is_cpu_only else available())

    @property
    def inputs(self) -> "dict[str, tuple[str, list[int | str]]]":
        """Type and shape of each input, by its name; a size that is not fixed has a name instead of a number."""
        return {tensor.name: (tensor.type, list(tensor.shape)) for tensor in self._session.get_inputs()}

    @property
    def runs_on(self) -> str:
        """`CUDA`, `CPU` …"""
        return str(self._session.get_providers()[0]).removesuffix("ExecutionProvider")

    def run(self, feed: Mapping[str, Any]) -> Floats:
        """The first output as float32. On a graphics card that fails (memory, mostly) it goes on on the CPU.

        Raises ProviderError.
        """
        try:
            return self._run(feed)
        except Exception as error:  # onnxruntime has errors of its own kinds, without a common base
            if self.runs_on == "CPU":
                raise ProviderError(
                    f"The model {self.path.name} failed: {_first_line(error)}", remedy="Fetch the model again."
                ) from error
            logger.warning("%s failed on %s, going on on the CPU: %s", self.path, self.runs_on, _first_line(error))
        self._session = _open(self.path, self._threads, [CPU])
        return self.run(feed)

    def _run(self, feed: Mapping[str, Any]) -> Floats:
        first: Any = self._session.run(None, dict(feed))[0]
        return np.asarray(first, dtype=np.float32)


def available() -> list[str]:
    """The execution providers of this machine's onnxruntime, best first; the CPU is always the last."""
    import onnxruntime

    there = set(onnxruntime.get_available_providers())
    return [*(name for name in ACCELERATORS if name in there), CPU]


def pictures_a_second(path: Path, *, threads: int, is_cpu_only: bool = False) -> tuple[str, float]:
    """Where a picture model runs, and how many pictures it takes there in a second. Raises ProviderError."""
    model = OnnxModel(path, threads=threads, is_cpu_only=is_cpu_only)
    ((name, (_, shape)),) = model.inputs.items()
    batch = TRIED_AT_ONCE if isinstance(shape[0], str) else int(shape[0])
    feed = {name: np.zeros((batch, *(int(side) for side in shape[1:])), np.float32)}
    model.run(feed)  # what a device does once is not its speed
    began = time.perf_counter()
    for _ in range(ROUNDS):
        model.run(feed)
    return model.runs_on, ROUNDS * batch / (time.perf_counter() - began)


def _open(path: Path, threads: int, providers: list[str]) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that spins while it waits keeps a core from whoever watches a video meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        if len(providers) > 1:
            logger.warning("%s does not load on %s: %s", path, providers[0], _first_line(error))
            return _open(path, threads, providers[1:])
        raise ProviderUnavailableError(
            f"{path} cannot be loaded: {_first_line(error)}",
            remedy="It is damaged or no ONNX model: delete it, and fetch the model again.",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
