"""The one place of this app that reads the settings."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

PROVIDERS: Mapping[str, str] = {
    "local": "embeddings.providers.local.LocalProvider",
    "nova": "embeddings.providers.nova.NovaProvider",
    "pictures": "embeddings.providers.onnx_pictures.OnnxPictureProvider",
}


@dataclass(frozen=True, kw_only=True)
class Conf:
    """What the environment says about embeddings."""

    provider: str
    providers: Mapping[str, str]
    local_model_path: Path | None
    text_model: str
    text_model_dir: Path
    nova_model_id: str
    nova_dimension: int
    nova_request_format: str
    sqlite_vec_path: str
    is_step_on: bool
    import_steps: Sequence[str]
    poll_s: float
    picture_provider: str
    picture_model: str
    picture_model_dir: Path
    weights_source: str
    threads: int


def conf() -> Conf:
    text_model = str(settings.EMBEDDING_MODEL).strip()
    local_path = settings.LOCAL_EMBED_MODEL_PATH or (text_model if "/" in text_model else "")
    return Conf(
        provider=settings.EMBEDDING_PROVIDER,
        providers={**PROVIDERS, **getattr(settings, "EMBEDDING_PROVIDERS", {})},
        local_model_path=Path(local_path).expanduser() if local_path else None,
        text_model=text_model,
        text_model_dir=Path(settings.HOST_DIR) / "models" / "text",
        nova_model_id=settings.NOVA_EMBED_MODEL_ID,
        nova_dimension=settings.NOVA_EMBED_DIMENSION,
        nova_request_format=settings.NOVA_EMBED_REQUEST_FORMAT,
        sqlite_vec_path=settings.SQLITE_VEC_PATH,
        is_step_on="embed" in settings.IMPORT_STEPS,
        import_steps=list(settings.IMPORT_STEPS),
        poll_s=settings.NOVA_POLL_SECONDS,
        picture_provider=str(settings.PICTURE_PROVIDER).strip().lower(),
        picture_model=str(settings.PICTURE_MODEL),
        picture_model_dir=Path(settings.PICTURE_MODEL_DIR),
        weights_source=str(settings.WHISPER_WEIGHTS_URL).rstrip("/"),
        threads=max(1, (os.cpu_count() or 2) // max(1, settings.LONG_WORKERS)),
    )
