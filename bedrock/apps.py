"""App configuration of `bedrock`."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def sync_catalogue(**_: Any) -> None:
    """Bring the catalogue of models up to this program's data."""
    # After each migrate, not in a data migration: new prices come with a new version of the program, and a flushed
    # test database gets its rows back.
    from bedrock import catalogue

    catalogue.sync()


class BedrockConfig(AppConfig):
    name = "bedrock"
    verbose_name = "Bedrock"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bedrock.tasks import REFRESH_KIND
        from jobs import registry

        registry.register(REFRESH_KIND)
        post_migrate.connect(sync_catalogue, sender=self, dispatch_uid="bedrock.catalogue")
