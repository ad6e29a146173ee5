"""On PostgreSQL: the extension of vectors, and the index of words (`embeddings.words.tsvector`).

Like FTS5's table it has no foreign key: the verbs write it, and `doctor` compares.
"""

from django.db import migrations

from embeddings.migrations._engines import PostgresSQL

CREATE = [
    "CREATE EXTENSION IF NOT EXISTS vector",
    "CREATE TABLE chunk_words (chunk_id bigint PRIMARY KEY, words tsvector NOT NULL, length integer NOT NULL, "
    "digest uuid NOT NULL)",
    # New words are found at once in the index itself, and not in a list beside it that each search would read.
    "CREATE INDEX chunk_words_by_word ON chunk_words USING gin (words) WITH (fastupdate = off)",
]


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0012_saved_searches")]

    operations = [PostgresSQL(CREATE, ["DROP TABLE chunk_words"])]
