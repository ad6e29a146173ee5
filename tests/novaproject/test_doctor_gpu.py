"""What `doctor --gpu` says: tried, with its speed against the CPU; where there is no GPU, in a line."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from bench.vision_model import write_vit
from embeddings.providers import onnx_sessions
from files.media import ffmpeg
from novaproject.setup import gpu
from novaproject.setup.doctor import Level
from tests.embeddings.tiny_clip import write_tiny_clip
from transcription.providers import device_trial, engines

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bare(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without weights, models and a GPU."""
    settings.WHISPER_MODEL_DIR, settings.PICTURE_MODEL_DIR = tmp_path / "whisper", tmp_path
    monkeypatch.setattr(onnx_sessions, "available", lambda: [onnx_sessions.CPU])
    monkeypatch.setattr(ffmpeg, "proven_encoder", lambda path: ffmpeg.CPU_ENCODER)
    monkeypatch.setattr(ffmpeg, "encoding_fps", lambda encoder: {"libx264": 100.0, "h264_nvenc": 800.0}[encoder])
    monkeypatch.setattr(engines.FasterWhisper, "best_device", lambda self: "cpu")


def test_without_a_gpu_each_says_so_in_a_line() -> None:
    out = StringIO()

    call_command("doctor", "--gpu", stdout=out)

    said = out.getvalue().partition("On a GPU")[2].strip().splitlines()
    assert "No encoder of a GPU works with this ffmpeg: 100 frames of 720p a second on the CPU." in said[0]
    assert "weights are not here, so nothing was tried" in said[1]
    assert "the picture model is not here, so nothing was tried" in said[-1]


def test_an_encoder_that_works_is_told_with_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "proven_encoder", lambda path: "h264_nvenc")

    check = gpu.trials()[0]

    assert check.level is Level.READY
    assert check.text == "h264_nvenc: 800 frames of 720p a second, 8.0 times the CPU’s 100."


def test_a_picture_model_is_really_run(settings: Any, tmp_path: Path) -> None:
    settings.PICTURE_MODEL = "tiny"
    write_tiny_clip(tmp_path / "tiny")

    check = gpu.trials()[-1]

    assert check.level is Level.OFF
    assert "frames a second on the CPU" in check.text


def test_a_gpu_that_is_offered_and_does_not_run_is_told(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PICTURE_MODEL = "tiny"
    write_tiny_clip(tmp_path / "tiny")
    monkeypatch.setattr(onnx_sessions, "available", lambda: ["CUDAExecutionProvider", onnx_sessions.CPU])

    check = gpu.trials()[-1]

    assert check.level is Level.WARN
    assert check.text.startswith("CUDA is offered and does not run")


@pytest.mark.parametrize("fails", [False, True])
def test_whisper_is_tried_on_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    def speed(engine: engines.Engine, path: Path, *, device: str, threads: int) -> float:
        if device == "cuda" and fails:
            raise RuntimeError("libcudnn_ops.so.9 is missing")
        return {"cpu": 5.0, "cuda": 100.0}[device]

    monkeypatch.setattr(gpu, "ENGINES", [engines.FasterWhisper()])
    monkeypatch.setattr(engines.FasterWhisper, "best_device", lambda self: "cuda")
    monkeypatch.setattr(engines.FasterWhisper, "find", lambda self, model, folder: tmp_path)
    monkeypatch.setattr(device_trial, "seconds_a_second", speed)

    check = gpu.trials()[1]

    if fails:
        assert (check.level, "libcudnn_ops" in check.text) == (Level.WARN, True)
    else:
        assert check.text == "100 times as fast as sound on CUDA, 20.0 times the CPU’s 5.0."


@pytest.mark.slow
def test_a_real_encoder_and_a_model_of_real_size_have_a_speed(tmp_path: Path) -> None:
    model = write_vit(tmp_path / "b32" / "model.onnx", patch=32)

    runs_on, speed = onnx_sessions.pictures_a_second(model, threads=1, is_cpu_only=True)

    assert (runs_on, speed > 0) == ("CPU", True)
