"""App configuration of `nova`."""

from django.apps import AppConfig


class NovaConfig(AppConfig):
    name = "nova"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files.selection import facets
        from jobs.registry import FAST, LONG, Kind, register, register_subject
        from jobs.signals import job_ended
        from jobs.workers.ticks import register_tick
        from nova import batch_tasks, conf, facet, kinds, receivers, retention, tasks
        from nova.batch import lifecycle, pool
        from transcription.signals import transcript_settled

        register(
            Kind(
                name=kinds.ANALYZE,
                label="Analyse",
                queue=LONG,
                run=tasks.run_analyze,
                subject_kind="nova_job",
                permission=facet.PERMISSION,
            )
        )
        register(
            Kind(
                name=kinds.ASK_NOVA,
                label="Ask Nova",
                queue=LONG,
                run=tasks.run_ask,
                subject_kind="nova_job",
                permission=facet.PERMISSION,
                max_attempts=8,
                cost_of=tasks.cost_of,
            )
        )
        register(
            Kind(
                name=kinds.BATCH_RECORD,
                label="Ask Nova in a batch",
                queue=FAST,
                run=tasks.run_batch_record,
                subject_kind="nova_job",
                permission=facet.PERMISSION,
                cost_of=tasks.cost_of,
                on_cancel=pool.cancel_question,
            )
        )
        for name, label, run in (
            (kinds.SEND_BATCH, "Send a batch to Bedrock", batch_tasks.run_send),
            (kinds.COLLECT_BATCH, "Take in results of a batch", batch_tasks.run_collect),
        ):
            register(
                Kind(
                    name=name,
                    label=label,
                    queue=LONG,
                    run=run,
                    subject_kind="bedrock_batch",
                    permission=facet.PERMISSION,
                    max_attempts=6,
                )
            )
        register_tick("nova.batches", conf.poll_s, lifecycle.tick)
        register_tick("nova: old replies", lambda: retention.EVERY_S, retention.forget_replies)
        register_subject("bedrock_batch", labels=lifecycle.labels)
        register_subject("nova_job", labels=tasks.names_of, of_file=tasks.of_file, files=tasks.files_of)
        facets.register(facet.HAS_ANALYSIS)
        facets.register(facet.HAS_NOVA_ANALYSIS)
        transcript_settled.connect(receivers.on_transcript_settled, dispatch_uid="nova.transcript_settled")
        job_ended.connect(receivers.on_job_ended, dispatch_uid="nova.job_ended")
