"""Whether proxies, Whisper and picture vectors really run on a GPU here: tried, with their speed against the CPU.

Where there is no GPU, each says so in a line.
"""

from collections.abc import Iterator
from pathlib import Path

from embeddings.conf import conf as embeddings_conf
from embeddings.errors import ProviderError
from embeddings.providers import onnx_sessions, picture_models
from files.errors import FilesError
from files.media import ffmpeg
from novaproject.setup.doctor import Check, Level
from transcription import conf as transcription_conf
from transcription.providers import device_trial
from transcription.providers.engines import ENGINES

GROUP = "On a GPU"
CPU = "CPU"


def trials(*, picture_model: Path | None = None) -> list[Check]:
    """One finding for each of the three. `picture_model`: an ONNX file to try in place of the one that is set up."""
    return [_proxies(), *_whisper(), _pictures(picture_model)]


def _proxies() -> Check:
    name = "Proxies"
    try:
        encoder = ffmpeg.proven_encoder(ffmpeg.program())
        on_cpu = ffmpeg.encoding_fps(ffmpeg.CPU_ENCODER)
        if encoder == ffmpeg.CPU_ENCODER:
            text = f"No encoder of a GPU works with this ffmpeg: {on_cpu:,.0f} frames of 720p a second on the CPU."
            return Check(name, Level.OFF, text, group=GROUP)
        on_gpu = ffmpeg.encoding_fps(encoder)
    except FilesError as error:
        return Check(name, Level.WARN, str(error), error.remedy, GROUP)
    text = f"{encoder}: {on_gpu:,.0f} frames of 720p a second, {_times(on_gpu, on_cpu)} the CPU’s {on_cpu:,.0f}."
    return Check(name, Level.READY, text, group=GROUP)


def _whisper() -> Iterator[Check]:
    installed = [engine for engine in ENGINES if engine.is_installed()]
    if not installed:
        yield Check("Whisper", Level.OFF, "No engine of Whisper is installed: nothing to try.", group=GROUP)
    for engine in installed:
        name = f"Whisper ({engine.name})"
        device = engine.best_device()
        path = engine.find(transcription_conf.whisper_model(), transcription_conf.whisper_model_dir())
        if path is None:
            text = f"It would run on {_named(device)}; its weights are not here, so nothing was tried."
            yield Check(name, Level.OFF, text, group=GROUP)
            continue
        threads = embeddings_conf().threads
        on_cpu = device_trial.seconds_a_second(engine, path, device="cpu", threads=threads)
        if device == "cpu":
            text = f"No GPU that it can use: {on_cpu:,.1f} times as fast as sound on the CPU."
            yield Check(name, Level.OFF, text, group=GROUP)
            continue
        try:
            on_gpu = device_trial.seconds_a_second(engine, path, device=device, threads=threads)
        except Exception as error:  # noqa: BLE001  (torch and CTranslate2 have errors of their own kinds)
            remedy = "Install the CUDA libraries that it names, or set WHISPER_DEVICE=cpu."
            yield Check(name, Level.WARN, f"The GPU is there and fails: {str(error)[:300]}", remedy, GROUP)
            continue
        than_cpu = f"{_times(on_gpu, on_cpu)} the CPU’s {on_cpu:,.1f}"
        text = f"{on_gpu:,.0f} times as fast as sound on {_named(device)}, {than_cpu}."
        yield Check(name, Level.READY, text, group=GROUP)


def _pictures(model: Path | None) -> Check:
    name = "Picture vectors"
    settings = embeddings_conf()
    if model is None:
        folder = picture_models.folder_of(settings.picture_model, settings.picture_model_dir)
        model = None if folder is None else folder / picture_models.VISUAL
    wanted = [provider.removesuffix("ExecutionProvider") for provider in onnx_sessions.available()]
    if model is None:
        text = f"It would run on {_named(wanted[0])}; the picture model is not here, so nothing was tried."
        return Check(name, Level.OFF, text, group=GROUP)
    try:
        _, on_cpu = onnx_sessions.pictures_a_second(model, threads=settings.threads, is_cpu_only=True)
        if wanted == [CPU]:
            text = f"This onnxruntime knows no GPU here: {on_cpu:,.1f} frames a second on the CPU."
            return Check(name, Level.OFF, text, group=GROUP)
        runs_on, on_gpu = onnx_sessions.pictures_a_second(model, threads=settings.threads)
    except ProviderError as error:
        return Check(name, Level.WARN, str(error), error.remedy, GROUP)
    if runs_on == CPU:
        text = f"{wanted[0]} is offered and does not run: {on_cpu:,.1f} frames a second on the CPU."
        remedy = "Its libraries are missing or of another version; the log names them."
        return Check(name, Level.WARN, text, remedy, GROUP)
    text = f"{on_gpu:,.0f} frames a second on {runs_on}, {_times(on_gpu, on_cpu)} the CPU’s {on_cpu:,.1f}."
    return Check(name, Level.READY, text, group=GROUP)


def _times(gpu: float, cpu: float) -> str:
    return f"{gpu / cpu:,.1f} times" if cpu else "beside"


def _named(device: str) -> str:
    return "the CPU" if device.upper() == CPU else device.upper()
