"""App configuration of `curation`."""

from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from curation import facet, searchable, tasks
        from embeddings.indexing import sources
        from embeddings.models import Chunk
        from files.selection import facets, fields, filters
        from jobs.registry import FAST, Kind, register

        for name, label, run, permission in (
            (tasks.TAG, "Tag", tasks.run_tag, facet.PERMISSION),
            (tasks.COLLECT, "Collect", tasks.run_collect, "curation.change_collection"),
            (tasks.INDEX_SPEAKERS, "Name speakers", tasks.run_index_speakers, facet.PERMISSION),
        ):
            register(Kind(name=name, label=label, queue=FAST, run=run, subject_kind="file", permission=permission))
        facets.register(facet.FAVOURITE)
        facets.register(facet.HAS_NOTE)
        facets.register_action(facet.TAG_ACTION)
        facets.register_action(facet.COLLECT_ACTION)
        fields.register(*facet.FIELDS)
        filters.register_filter("tag", facet.TagFilter)
        filters.register_filter("collection", facet.CollectionFilter)
        filters.register_filter("min_rating", facet.min_rating)
        filters.register_filter("speaker", facet.SpeakerFilter)
        sources.register([Chunk.Kind.MOMENT], searchable.moments_of)
        sources.register([Chunk.Kind.NOTE], searchable.note_of)
