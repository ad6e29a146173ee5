"""App configuration of the top floor: settings, pages and what spans the others."""

from django.apps import AppConfig


class NovaprojectConfig(AppConfig):
    name = "novaproject"
    label = "novaproject"

    def ready(self) -> None:
        from jobs.workers.ticks import register_tick
        from novaproject import past_logins, table_statistics
        from novaproject.backups.export_tasks import register_export
        from novaproject.database_guard import refuse_unfit
        from novaproject.logs import retention as log_retention

        refuse_unfit()
        register_export()
        register_tick("old log files", lambda: log_retention.EVERY_S, log_retention.forget_old, on_each_host=True)
        register_tick("past logins", lambda: past_logins.EVERY_S, past_logins.forget_old)
        register_tick("statistics of tables", lambda: table_statistics.EVERY_S, table_statistics.refresh)
