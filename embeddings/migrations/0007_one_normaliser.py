"""Full text reads words as one normaliser makes them, and their variants beside them. Makes the index again."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from embeddings.migrations._engines import SqliteSQL
from embeddings.words.normalise import indexed, is_plain

TABLE = (
    "CREATE VIRTUAL TABLE chunks_fts USING fts5(words, variants, content='chunks', content_rowid='id', "
    "tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* Co'\", prefix='2 3')"
)
BEFORE = (
    "CREATE VIRTUAL TABLE chunks_fts USING fts5("
    "words, content='chunks', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
)
DROP, FILL = "DROP TABLE chunks_fts", "INSERT INTO chunks_fts (chunks_fts) VALUES ('rebuild')"
#: A variant counts half of a word that is typed the same.
RANK = "INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('rank', 'bm25(1.0, 0.5)')"
AT_ONCE = 1000


def normalise(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Work out the columns of all chunks, some at once: a large library is not held in memory."""
    chunks, last = apps.get_model("embeddings", "Chunk").objects, 0
    while some := list(chunks.filter(id__gt=last).order_by("id").only("id", "text")[:AT_ONCE]):
        for chunk in some:
            of_text = indexed(chunk.text)
            chunk.spaced = None if is_plain(chunk.text) else of_text.words
            chunk.variants = of_text.variants or None
        chunks.bulk_update(some, ["spaced", "variants"])
        last = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0006_words_without_spaces")]

    operations = [
        migrations.AddField("chunk", "variants", models.TextField(editable=False, null=True)),
        migrations.RunPython(normalise, migrations.RunPython.noop),
        SqliteSQL([DROP, TABLE, RANK, FILL], [DROP, BEFORE, FILL]),
    ]
