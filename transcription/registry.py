"""Which providers there are, by name."""

from importlib import import_module
from typing import cast

from transcription import conf
from transcription.errors import BadOptionError
from transcription.providers.base import TranscriptionProvider

DEFAULT = "whisper"


def names() -> list[str]:
    return list(conf.PROVIDERS)


def get(name: str) -> TranscriptionProvider:
    """The provider of this name, built with the settings of this moment. Raises BadOptionError."""
    if name not in conf.PROVIDERS:
        raise BadOptionError(f"There is no provider “{name}”.", remedy=f"Known are: {', '.join(names())}.")
    module, _, class_name = conf.PROVIDERS[name].rpartition(".")
    provider = cast(type[TranscriptionProvider], getattr(import_module(module), class_name))
    return provider(**conf.provider_options(name))


def all_providers() -> list[TranscriptionProvider]:
    return [get(name) for name in names()]
