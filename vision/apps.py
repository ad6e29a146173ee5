"""App configuration of `vision`."""

from django.apps import AppConfig


class VisionConfig(AppConfig):
    name = "vision"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files.selection import facets
        from files.selection.filters import register_filter
        from files.signals import file_gone, media_ready
        from jobs.registry import LONG, Kind, register
        from jobs.signals import job_ended
        from vision import facet, receivers, tasks

        register(
            Kind(
                name=tasks.CHOOSE_FRAMES,
                label="Choose frames",
                queue=LONG,
                run=tasks.run_choose_frames,
                subject_kind="file",
                permission=facet.PERMISSION,
                needs_free_disk=True,
                is_told_later=True,
            )
        )
        register(
            Kind(
                name=tasks.READ,
                label="Read text on screen",
                queue=LONG,
                run=tasks.run_read,
                subject_kind="file",
                permission="vision.add_screentext",
            )
        )
        register(
            Kind(
                name=tasks.FIND_DUPLICATES,
                label="Find duplicates",
                queue=LONG,
                run=tasks.run_find_duplicates,
                permission="vision.add_duplicategroup",
                limit=1,
            )
        )
        facets.register(facet.HAS_FRAMES)
        facets.register(facet.IS_READ)
        register_filter("duplicate_of", facet.DuplicateFilter)
        media_ready.connect(receivers.on_media_ready, dispatch_uid="vision.media_ready")
        file_gone.connect(receivers.on_file_gone, dispatch_uid="vision.file_gone")
        job_ended.connect(receivers.on_job_ended, dispatch_uid="vision.job_ended")
