"""Embedding providers, chosen by name and loaded by dotted path; one instance per identity and process."""

import threading

from django.utils.module_loading import import_string

from embeddings.conf import conf
from embeddings.errors import ProviderUnavailableError
from embeddings.vectors import EmbeddingProvider, SpaceKey

#: What PICTURE_PROVIDER may say, and the embedding provider that it means.
PICTURE_PROVIDERS = {"local": "pictures", "nova": "nova"}
_providers: dict[SpaceKey, EmbeddingProvider] = {}
_lock = threading.Lock()


def default_key(name: str | None = None) -> SpaceKey:
    """What the settings ask for: the identity of the space that a fresh library gets."""
    return _provider_class(name or conf().provider).default_key()


def key_for(name: str, model: str = "", dimension: int | None = None) -> SpaceKey:
    """The identity of the space of this provider, model and dimension; what is left out is as the settings say.

    Raises ProviderUnavailableError for an unknown provider, NoSuchSpaceError for a model or dimension that it has not.
    """
    provider = _provider_class(name)
    return provider.default_key() if not model and dimension is None else provider.key_for(model, dimension)


def picture_key() -> SpaceKey | None:
    """What the settings ask to see with; None where that is nobody, or its model is not here yet."""
    if conf().picture_provider == "off":
        return None
    key = wanted_picture_key()
    return None if provider_for(key).problem() else key


def wanted_picture_key() -> SpaceKey:
    """The same, whether its model is here or not. Raises ProviderUnavailableError for a name that is none."""
    wanted = conf().picture_provider
    if wanted not in PICTURE_PROVIDERS:
        raise ProviderUnavailableError(
            f"There is no picture provider named “{wanted}”.",
            remedy=f"Set PICTURE_PROVIDER to one of: {', '.join(PICTURE_PROVIDERS)}, off.",
        )
    return _provider_class(PICTURE_PROVIDERS[wanted]).default_key()


def provider_for(key: SpaceKey) -> EmbeddingProvider:
    """The provider that makes vectors of this space. Raises ProviderUnavailableError for an unknown name."""
    with _lock:
        if key not in _providers:
            _providers[key] = _provider_class(key.provider)(key)
        return _providers[key]


def _provider_class(name: str) -> type[EmbeddingProvider]:
    path = conf().providers.get(name)
    if path is None:
        raise ProviderUnavailableError(
            f"There is no embedding provider named “{name}”.",
            remedy=f"Set EMBEDDING_PROVIDER to one of: {', '.join(sorted(conf().providers))}.",
        )
    loaded: type[EmbeddingProvider] = import_string(path)
    return loaded
