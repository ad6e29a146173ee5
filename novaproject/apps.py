"""App configuration of the top floor: settings, pages and what spans the others."""

from django.apps import AppConfig


class NovaprojectConfig(AppConfig):
    name = "novaproject"
    label = "novaproject"

    def ready(self) -> None:
        from jobs.ticks import register_tick
        from novaproject import log_files
        from novaproject.database_guard import refuse_strangers

        refuse_strangers()
        register_tick("old log files", lambda: log_files.EVERY_S, _forget_logs)


def _forget_logs() -> None:
    from novaproject import log_files

    log_files.forget_old()
