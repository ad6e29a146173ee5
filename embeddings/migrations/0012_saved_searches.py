"""Saved queries have a name, a mode and filters, and know when they were opened."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.db.models.functions import Substr


def name_by_question(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Questions were unique, so their beginnings nearly are; what is left of two alike gets its number."""
    queries = apps.get_model("embeddings", "SavedQuery").objects
    queries.update(name=Substr(F("text"), 1, 190))
    taken: set[str] = set()
    for query in queries.order_by("id"):
        if query.name in taken:
            query.name = f"{query.name} {query.pk}"
            query.save(update_fields=["name"])
        taken.add(query.name)


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0011_calibrations")]

    operations = [
        migrations.AddField(
            "savedquery",
            "name",
            models.CharField(blank=True, default="", help_text="Empty: the question itself.", max_length=200),
            preserve_default=False,
        ),
        migrations.RunPython(name_by_question, migrations.RunPython.noop),
        migrations.AddConstraint(
            "savedquery",
            models.UniqueConstraint(
                condition=~models.Q(name=""), fields=("name",), name="saved_queries_one_per_name"
            ),
        ),
        migrations.AlterField("savedquery", "text", models.CharField(max_length=500, verbose_name="question")),
        migrations.AddField(
            "savedquery",
            "mode",
            models.CharField(
                choices=[("hybrid", "Words and meaning"), ("keyword", "Exact words"), ("semantic", "Meaning")],
                default="hybrid",
                max_length=8,
            ),
        ),
        migrations.AddField(
            "savedquery",
            "filter",
            models.JSONField(blank=True, default=dict, help_text="Filters of the file list, by name."),
        ),
        migrations.AddField("savedquery", "opened_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AlterModelOptions(
            "savedquery", options={"ordering": ["name", "id"], "verbose_name_plural": "saved queries"}
        ),
    ]
