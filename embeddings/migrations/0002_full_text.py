"""Full text over the chunks. The vec0 tables are made with their spaces: a migration must not need the extension."""

from django.db import migrations


CREATE = [
    "CREATE VIRTUAL TABLE chunks_fts USING fts5("
    "text, content='chunks', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
]
DROP = ["DROP TABLE chunks_fts"]


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0001_spaces_chunks_embeddings")]

    operations = [migrations.RunSQL(CREATE, DROP)]
