"""Full text over the chunks. The vec0 tables are made with their spaces: a migration must not need the extension."""

from django.db import migrations

from embeddings.migrations._engines import SqliteSQL


CREATE = [
    "CREATE VIRTUAL TABLE chunks_fts USING fts5("
    "text, content='chunks', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
]
DROP = ["DROP TABLE chunks_fts"]


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0001_spaces_chunks_embeddings")]

    operations = [SqliteSQL(CREATE, DROP)]
