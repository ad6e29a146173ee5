"""App configuration of `embeddings`."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class EmbeddingsConfig(AppConfig):
    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from embeddings import (
            checks,  # noqa: F401  (registers itself)
            conf,
            facet,
            found_by,
            picture_facet,
            picture_tasks,
            receivers,  # noqa: F401  (listens from its import on)
            tasks,
        )
        from embeddings.stores import vec0
        from files.selection import facets, fields, filters
        from files.storage import downloads
        from jobs import registry
        from jobs.workers import ticks

        connection_created.connect(vec0.load_into, dispatch_uid="embeddings.stores.vec0")
        facets.register(facet.FACET)
        facets.register(picture_facet.IS_SEEN)
        fields.register(found_by.FIELD)
        filters.register_filter("found_by", found_by.FoundByFilter)
        downloads.register("picture", picture_tasks.fetch_model)
        downloads.register("text", tasks.fetch_text_model)
        registry.register(
            registry.Kind(
                name=picture_tasks.SEE,
                label="Look at frames",
                queue=registry.LONG,
                run=picture_tasks.run_see,
                subject_kind="file",
                permission="embeddings.add_embedding",
                needs_free_disk=True,
            )
        )
        registry.register(
            registry.Kind(
                name=tasks.EMBED,
                label="Embed",
                queue=registry.LONG,
                run=tasks.run_embed,
                subject_kind="file",
                permission="embeddings.add_embedding",
            )
        )
        registry.register(
            registry.Kind(
                name=tasks.EMBED_MEDIA,
                label="Embed what is seen",
                queue=registry.LONG,
                run=tasks.run_media,
                subject_kind="file",
                permission="embeddings.add_embedding",
            )
        )
        ticks.register_tick("embeddings: what was seen", lambda: conf.conf().poll_s, tasks.poll)
        ticks.register_tick("embeddings: what waits", lambda: tasks.SWEEP_SECONDS, tasks.sweep)
        ticks.register_tick("embeddings: frames that wait", lambda: tasks.SWEEP_SECONDS, picture_tasks.sweep)
