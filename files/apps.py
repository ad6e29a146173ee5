"""App configuration of `files`."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "files"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files import receivers  # noqa: F401
        from files.tasks_media import MAKE_PROXY_KIND
        from jobs import registry

        registry.register(MAKE_PROXY_KIND)
