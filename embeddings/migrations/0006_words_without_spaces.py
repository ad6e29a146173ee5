"""Full text reads `chunks.words`: the text, or what is kept of it where its script has no spaces.

What is kept is worked out by 0007, which makes the index again.
"""

from django.db import migrations, models
from django.db.models.functions import Coalesce

from embeddings.migrations._engines import SqliteSQL
from embeddings.models import WordsColumn

TABLE = (
    "CREATE VIRTUAL TABLE chunks_fts USING fts5("
    "{column}, content='chunks', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
)
DROP, FILL = "DROP TABLE chunks_fts", "INSERT INTO chunks_fts (chunks_fts) VALUES ('rebuild')"


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0005_parts_of_viewings")]

    operations = [
        migrations.AddField("chunk", "spaced", models.TextField(editable=False, null=True)),
        migrations.AddField(
            "chunk",
            "words",
            WordsColumn(
                db_persist=False, expression=Coalesce("spaced", "text"), output_field=models.TextField()
            ),
        ),
        SqliteSQL([DROP, TABLE.format(column="words")], [DROP, TABLE.format(column="text"), FILL]),
    ]
