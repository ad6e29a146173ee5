"""Full text reads `chunks.words`: the text, with spaces in it where its script has none. Makes the index again."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Coalesce

from embeddings.words.query import spaced

TABLE = (
    "CREATE VIRTUAL TABLE chunks_fts USING fts5("
    "{column}, content='chunks', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
)
DROP, FILL = "DROP TABLE chunks_fts", "INSERT INTO chunks_fts (chunks_fts) VALUES ('rebuild')"
AT_ONCE = 1000


def space(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    chunks, last = apps.get_model("embeddings", "Chunk").objects, 0
    while some := list(chunks.filter(id__gt=last).order_by("id").only("id", "text")[:AT_ONCE]):
        for chunk in some:
            chunk.spaced = spaced(chunk.text)
        chunks.bulk_update([chunk for chunk in some if chunk.spaced != chunk.text], ["spaced"])
        last = some[-1].pk



class Migration(migrations.Migration):
    dependencies = [("embeddings", "0005_parts_of_viewings")]

    operations = [
        migrations.AddField("chunk", "spaced", models.TextField(editable=False, null=True)),
        migrations.AddField(
            "chunk",
            "words",
            models.GeneratedField(
                db_persist=False, expression=Coalesce("spaced", "text"), output_field=models.TextField()
            ),
        ),
        migrations.RunPython(space, migrations.RunPython.noop),
        migrations.RunSQL([DROP, TABLE.format(column="words"), FILL], [DROP, TABLE.format(column="text"), FILL]),
    ]
