"""The settings of `transcription`, read here and nowhere else in this app."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings

from bedrock.speech import sonic
from bedrock.speech.transcriber import SonicTranscriber
from transcription.languages import language_tag

#: Dotted path of the provider's class, by name. A third provider is one file and one line here.
PROVIDERS: dict[str, str] = {
    "whisper": "transcription.providers.whisper.WhisperProvider",
    "nova_sonic": "transcription.providers.nova_sonic.NovaSonicProvider",
}


def provider_options(name: str) -> dict[str, Any]:
    """What the provider of this name is built with: providers read no settings themselves."""
    if name == "whisper":
        return {
            "model": whisper_model(),
            "model_dir": whisper_model_dir(),
            "device": str(settings.WHISPER_DEVICE) or "auto",
            "compute_type": str(settings.WHISPER_COMPUTE_TYPE) or "auto",
            "threads": max(1, (os.cpu_count() or 2) // max(1, settings.LONG_WORKERS)),
            "source": weights_source(),
        }
    if name == "nova_sonic":
        return {"sonic": sonic_transcriber()}
    return {}


def sonic_transcriber() -> SonicTranscriber:
    """Who is asked at AWS for speech to text."""
    return SonicTranscriber(
        model_id=str(settings.NOVA_SONIC_MODEL_ID),
        runtime_id=str(settings.NOVA_SONIC_RUNTIME_ID) or str(settings.NOVA_SONIC_MODEL_ID),
        max_tokens=int(settings.NOVA_SONIC_MAX_TOKENS),
        tokens_per_s=int(settings.NOVA_SONIC_TOKENS_PER_SECOND),
        settings=sonic.StreamSettings(max_tokens=int(settings.NOVA_SONIC_MAX_TOKENS)),
    )


def whisper_model() -> str:
    return str(settings.WHISPER_MODEL) or "base"


def whisper_model_dir() -> Path:
    return Path(settings.WHISPER_MODEL_DIR)


def transcribes_on_import() -> bool:
    return "transcribe" in settings.IMPORT_STEPS


def languages() -> tuple[str, ...]:
    """The languages that are spoken in this library, as codes; none: any."""
    tags = (language_tag(language) for language in settings.WHISPER_LANGUAGES)
    return tuple(tag for tag in tags if tag)


def vocabulary() -> tuple[str, ...]:
    """Names and terms that engines are told to expect."""
    return tuple(term.strip() for term in settings.WHISPER_VOCABULARY if term.strip())


def fetches_weights() -> bool:
    """Whether Whisper's weights are fetched by themselves."""
    return "speech" in settings.FETCH_WEIGHTS


def weights_source() -> str:
    """Where weights are fetched from; a mirror can be named."""
    return str(settings.WHISPER_WEIGHTS_URL).rstrip("/")
