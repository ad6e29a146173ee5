"""App configuration of `transcription`."""

from django.apps import AppConfig


class TranscriptionConfig(AppConfig):
    name = "transcription"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files.selection import facets
        from files.selection.filters import register_filter
        from files.signals import media_ready, root_scanned
        from files.storage import downloads
        from jobs.registry import FAST, LONG, Kind, register
        from jobs.signals import job_ended
        from jobs.workers.ticks import register_tick
        from transcription import facet, receivers, tasks

        register(
            Kind(
                name=tasks.TRANSCRIBE,
                label="Transcribe",
                queue=LONG,
                run=tasks.run_transcribe,
                subject_kind="file",
                permission=facet.PERMISSION,
                cost_of=tasks.cost_of,
                needs_free_disk=True,
                is_told_later=True,
            )
        )
        register(
            Kind(
                name=tasks.DOWNLOAD,
                label="Fetch Whisper's weights",
                queue=LONG,
                run=tasks.run_download,
                permission=facet.PERMISSION,
                limit=1,
                needs_free_disk=True,
            )
        )
        register(
            Kind(
                name=tasks.READ_SIDECARS,
                label="Read subtitle files",
                queue=FAST,
                run=tasks.run_read_sidecars,
                subject_kind="root",
                permission="files.change_root",
            )
        )
        register(
            Kind(
                name=tasks.READ_TEXT_TRACK,
                label="Read subtitles inside",
                queue=LONG,
                run=tasks.run_read_text_track,
                subject_kind="file",
                permission=facet.PERMISSION,
            )
        )
        facets.register(facet.FACET)
        downloads.register(tasks.SPEECH, tasks.fetch_weights)
        facets.register(facet.UNCERTAIN_FACET)
        register_filter("language", facet.LanguageFilter)
        media_ready.connect(receivers.on_media_ready, dispatch_uid="transcription.media_ready")
        root_scanned.connect(receivers.on_root_scanned, dispatch_uid="transcription.root_scanned")
        job_ended.connect(receivers.on_job_ended, dispatch_uid="transcription.job_ended")
        register_tick("whisper-weights", lambda: 20.0, _make_what_waited)


def _make_what_waited() -> None:
    from transcription import tasks, weights_wait

    tasks.fetch_by_itself()
    weights_wait.transcribe_what_waited()
