"""What is wrong with the settings of embeddings, said at start-up. No queries: workers fork afterwards."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from bedrock import embed_api
from embeddings import conf
from jobs.conf import SETTINGS


@register(SETTINGS)
def check_provider(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A provider or request format that nothing knows would make a space that cannot be used."""
    chosen, messages = conf.conf(), []
    if chosen.provider not in chosen.providers:
        known = " or ".join(chosen.providers)
        messages.append(
            Error(f"EMBEDDING_PROVIDER is {chosen.provider!r}.", hint=f"Set it to {known}.", id="embeddings.E001")
        )
    if chosen.nova_request_format not in embed_api.FORMATS:
        messages.append(
            Error(
                f"NOVA_EMBED_REQUEST_FORMAT is {chosen.nova_request_format!r}.",
                hint=f"Set it to one of: {', '.join(embed_api.FORMATS)}.",
                id="embeddings.E002",
            )
        )
    return messages
