"""App configuration of `transcription`."""

from django.apps import AppConfig


class TranscriptionConfig(AppConfig):
    name = "transcription"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files.selection import facets, fields
        from files.selection.filters import register_filter
        from files.signals import media_ready, root_scanned
        from files.storage import downloads
        from jobs.registry import register
        from jobs.signals import job_ended
        from jobs.workers.ticks import register_tick
        from transcription import facet, kinds, receivers, tasks

        for kind in kinds.KINDS:
            register(kind)
        downloads.register(tasks.SPEECH, tasks.fetch_weights)
        facets.register(facet.FACET)
        facets.register(facet.UNCERTAIN_FACET)
        fields.register(facet.SUBTITLE_SOURCES)
        register_filter("language", facet.LanguageFilter)
        media_ready.connect(receivers.on_media_ready, dispatch_uid="transcription.media_ready")
        root_scanned.connect(receivers.on_root_scanned, dispatch_uid="transcription.root_scanned")
        job_ended.connect(receivers.on_job_ended, dispatch_uid="transcription.job_ended")
        register_tick("whisper-weights", lambda: 20.0, tasks.tend_weights, on_each_host=True)
