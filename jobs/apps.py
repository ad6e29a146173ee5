"""App configuration of `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs import notifications, retention
        from jobs.workers import ticks

        notifications.register_telling()
        ticks.register_tick("old jobs", lambda: retention.EVERY_S, _forget_old)


def _forget_old() -> None:
    from jobs import retention

    retention.forget_old()
