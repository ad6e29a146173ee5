"""The tokens of `jobs.kept_answers`: no model, for nothing but that module reads or writes them."""

from django.conf import settings
from django.db import migrations, models


def make_table(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("CREATE TABLE table_tokens (name TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID")


def drop_table(apps, schema_editor):
    schema_editor.execute("DROP TABLE IF EXISTS table_tokens")


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0005_a_row_for_each_queue"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(make_table, drop_table),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["created_at"], name="jobs_by_request_time"),
        ),
    ]
