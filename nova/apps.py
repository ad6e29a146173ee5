"""App configuration of `nova`."""

from django.apps import AppConfig


class NovaConfig(AppConfig):
    name = "nova"
    default_auto_field = "django.db.models.BigAutoField"
