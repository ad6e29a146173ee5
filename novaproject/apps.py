"""App configuration of the top floor: settings, pages and what spans the others."""

from django.apps import AppConfig


class NovaprojectConfig(AppConfig):
    name = "novaproject"
    label = "novaproject"

    def ready(self) -> None:
        from novaproject.database_guard import refuse_strangers

        refuse_strangers()
