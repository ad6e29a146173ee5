"""App configuration of `files`."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "files"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from files import checks, import_tasks, receivers, removal_tasks, watching  # noqa: F401
        from files.problem_facet import FIELDS, HAS_PROBLEMS
        from files.proxy_facet import HAS_PROXY, HAS_STALE_PROXY
        from files.removal_action import REMOVE
        from files.selection import facets, fields, pieces
        from files.tasks_media import MAKE_PROXY_KIND
        from files.upkeep import reconciling
        from files.upkeep_tasks import RECONCILE_KIND
        from jobs import registry
        from jobs.workers import ticks
        from jobs.workers.ticks import register_tick

        registry.register(MAKE_PROXY_KIND)
        registry.register(RECONCILE_KIND)
        import_tasks.register_library()
        removal_tasks.register_removal()
        pieces.register_pieces()
        facets.register(HAS_PROXY)
        facets.register(HAS_STALE_PROXY)
        facets.register(HAS_PROBLEMS)
        fields.register(*FIELDS)
        facets.register_action(REMOVE)
        ticks.register_tick("library folders", lambda: watching.ANEW_S, watching.watch_folders)
        register_tick("left uploads", lambda: 600.0, reconciling.forget_left_uploads)
