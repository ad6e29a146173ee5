"""App configuration of `embeddings`."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class EmbeddingsConfig(AppConfig):
    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from embeddings import vec

        connection_created.connect(vec.load_into, dispatch_uid="embeddings.vec")
