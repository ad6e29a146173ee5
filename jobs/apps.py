"""App configuration of `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the floor's own kinds of job and its periodic task, and notice what is written."""
        from jobs import control, kept_answers, notifications, registry, retention
        from jobs.workers import ticks

        kept_answers.notice_writes()
        registry.register(
            registry.Kind(
                name=notifications.TELL_CANCELLED,
                label="Go on after a cancel",
                queue=registry.FAST,
                run=notifications.run_tell_cancelled,
                permission="jobs.change_job",
            )
        )
        registry.register(
            registry.Kind(
                name=control.CANCEL_BATCH,
                label="Cancel a batch",
                queue=registry.FAST,
                run=control.run_cancel_batch,
                permission="jobs.change_job",
            )
        )
        ticks.register_tick("old jobs", lambda: retention.EVERY_S, retention.forget_old)
