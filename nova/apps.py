"""App configuration of `nova`."""

from django.apps import AppConfig


class NovaConfig(AppConfig):
    name = "nova"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files.selection import facets
        from jobs.registry import register, register_subject
        from jobs.signals import job_ended
        from jobs.workers.ticks import register_tick
        from nova import conf, facet, receivers, retention, tasks, work_kinds
        from nova.batch import lifecycle
        from transcription.signals import transcript_settled

        for kind in work_kinds.KINDS:
            register(kind)
        register_tick("nova.batches", conf.poll_s, lifecycle.tick)
        register_tick("nova: old replies", lambda: retention.EVERY_S, retention.forget_replies)
        register_subject("bedrock_batch", labels=lifecycle.labels)
        register_subject("nova_job", labels=tasks.names_of, of_file=tasks.of_file, files=tasks.files_of)
        facets.register(facet.HAS_ANALYSIS)
        facets.register(facet.HAS_NOVA_ANALYSIS)
        transcript_settled.connect(receivers.on_transcript_settled, dispatch_uid="nova.transcript_settled")
        job_ended.connect(receivers.on_job_ended, dispatch_uid="nova.job_ended")
