"""Amazon's embedding models on Bedrock: Nova Multimodal Embeddings, and two older request formats."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from bedrock import embed_api
from bedrock.pricing import Usage
from embeddings.conf import conf
from embeddings.errors import NoSuchSpaceError, ProviderUnavailableError
from embeddings.vectors import Floats, Purpose, SpaceKey

_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]{0,127}")
PURPOSES: dict[Purpose, str] = {"index": embed_api.INDEX, "query": embed_api.QUERY}


class NovaProvider:
    """Paid, by text. Nova tells texts to be found from questions, and embeds media; the other formats do neither."""

    is_paid: ClassVar[bool] = True
    #: Not measured with the real model: low, so that nothing good is hidden. Set it from saved queries.
    floor: ClassVar[float] = 0.1
    name_floor: ClassVar[float] = 0.1

    def __init__(self, key: SpaceKey) -> None:
        self.key = key

    @classmethod
    def default_key(cls) -> SpaceKey:
        settings = conf()
        if settings.nova_request_format not in embed_api.FORMATS:
            raise ProviderUnavailableError(
                f"There is no request format “{settings.nova_request_format}”.",
                remedy=f"Set NOVA_EMBED_REQUEST_FORMAT to one of: {', '.join(embed_api.FORMATS)}.",
            )
        is_nova = settings.nova_request_format == embed_api.NOVA_FORMAT
        if is_nova and settings.nova_dimension not in embed_api.NOVA_DIMENSIONS:
            known = ", ".join(map(str, embed_api.NOVA_DIMENSIONS))
            raise ProviderUnavailableError(
                f"Nova has no vectors of {settings.nova_dimension} numbers.",
                remedy=f"Set NOVA_EMBED_DIMENSION to one of: {known}.",
            )
        return SpaceKey(
            provider="nova",
            model=settings.nova_model_id,
            dimension=settings.nova_dimension,
            request_format=settings.nova_request_format,
        )

    @classmethod
    def key_for(cls, model: str, dimension: int | None) -> SpaceKey:
        """Another model is asked in the form of the settings, and gives vectors of any length in the other forms."""
        usual = cls.default_key()
        if not _MODEL_ID.fullmatch(model or usual.model):
            raise NoSuchSpaceError(
                f"“{model}” is no id of a model.", remedy="Use one such as amazon.nova-2-multimodal-embeddings-v1:0.",
                field="model",
            )  # fmt: skip
        if usual.request_format == embed_api.NOVA_FORMAT and dimension not in (None, *embed_api.NOVA_DIMENSIONS):
            raise NoSuchSpaceError(
                f"Nova has no vectors of {dimension} numbers.",
                remedy=f"Use one of: {', '.join(map(str, embed_api.NOVA_DIMENSIONS))}.",
                field="dimension",
            )
        return replace(usual, model=model or usual.model, dimension=dimension or usual.dimension)

    def fingerprint(self) -> str:
        return self.key.model

    def problem(self) -> str:
        return ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Floats:
        """Embed texts one call each. The verbs use `embed_one` through the ledger instead."""
        return np.stack([self.embed_one(text, purpose=purpose)[0] for text in texts])

    def embed_one(self, text: str, *, purpose: Purpose) -> tuple[Floats, Usage]:
        vector = embed_api.embed_text(
            embed_api.TextRequest(
                runtime_id=self.key.model,
                text=text,
                dimension=self.key.dimension,
                request_format=self.key.request_format,
                purpose=PURPOSES[purpose],
            )
        )
        return np.array(vector.values, dtype=np.float32), vector.usage

    def why_text_only(self) -> str:
        if self.key.request_format == embed_api.NOVA_FORMAT:
            return ""
        return f"{self.key.model} reads text only: it cannot look at pictures and videos."

    def embed_picture(self, jpeg: bytes) -> tuple[Floats, Usage]:
        vector = embed_api.embed_jpeg(runtime_id=self.key.model, jpeg=jpeg, dimension=self.key.dimension)
        return np.array(vector.values, dtype=np.float32), vector.usage

    def start_video(self, *, video_uri: str, output_uri: str, duration_s: float, client_token: str) -> str:
        return embed_api.start_video(
            runtime_id=self.key.model,
            video_uri=video_uri,
            output_uri=output_uri,
            dimension=self.key.dimension,
            duration_s=duration_s,
            client_token=client_token,
        )
