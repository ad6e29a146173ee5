"""Both engines find the same chunks for a question, with the same BM25."""

import random
import sqlite3
from collections.abc import Iterator
from importlib import import_module

import pytest

from embeddings.indexing.chunks import text_hash
from embeddings.models import Chunk
from embeddings.words import fts5, tsvector
from embeddings.words.normalise import indexed
from embeddings.words.query import WordFilter, WordQuery, parse
from tests.embeddings.conftest import MakeFile

pytestmark = [pytest.mark.django_db, pytest.mark.postgres("compares its full text with FTS5")]

QUESTIONS = [
    "pump", "pumps", "liner seam", "e-mail", "rabbit320", "wat*", "the pump", '"liner seam"', "pump -leak", "液压泵",
    "die Hunde", "u.s.a.", "pump leak liner", "l*", "nowhere",
]  # fmt: skip
WORDS = """the the the the pump pumps leak leaks liner seam water watering wattage e-mail email rabbit320 rabbit 320
hund hunde die auch nicht 液压泵 压力 u.s.a. seams battery batteries dog's of of of a a""".split()  # noqa: SIM905


@pytest.fixture
def both(make_file: MakeFile) -> Iterator[sqlite3.Connection]:
    """The same 300 texts in this database, and in an FTS5 table as the migrations make it."""
    own, file = random.Random(5), make_file("clip.mp4")
    texts = [" ".join(own.choices(WORDS, k=own.randint(0, 40))) for _ in range(300)]
    chunks = Chunk.objects.bulk_create(
        Chunk(file=file, source_kind="transcript", source_id=1, ordinal=n, text=text, content_hash=text_hash(text))
        for n, text in enumerate(texts)
    )
    tsvector.add((chunk.pk, chunk.text) for chunk in chunks)
    migration = import_module("embeddings.migrations.0007_one_normaliser")
    lite = sqlite3.connect(":memory:")
    lite.execute(migration.TABLE.replace("content='chunks', content_rowid='id', ", ""))
    lite.execute(migration.RANK)
    columns = [(chunk.pk, (of_text := indexed(chunk.text)).words, of_text.variants) for chunk in chunks]
    lite.executemany("INSERT INTO chunks_fts (rowid, words, variants) VALUES (?, ?, ?)", columns)
    yield lite
    lite.close()


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("is_any", "is_strict"), [(False, False), (False, True), (True, False)])
def test_the_same_chunks_with_the_same_rank(
    both: sqlite3.Connection, question: str, is_any: bool, is_strict: bool
) -> None:
    asked = parse(question)
    query = WordQuery(asked.wanted, is_any, is_strict, required=asked.quoted, excluded=asked.excluded)

    here = tsvector.best(query, WordFilter(), limit=1000)

    sql = "SELECT rowid, -rank FROM chunks_fts WHERE chunks_fts MATCH ? ORDER BY rank, rowid"
    there = dict(both.execute(sql, [fts5._expression(query)]).fetchall())
    assert here == pytest.approx(there, rel=1e-9)
    assert list(here) == sorted(here, key=lambda pk: (-here[pk], pk))


def test_a_word_of_thousands_of_letters_is_kept_and_found(make_file: MakeFile) -> None:
    word = "å" * 3000
    (chunk,) = Chunk.objects.bulk_create(
        [Chunk(file=make_file("clip.mp4"), source_kind="name", source_id=1, ordinal=0, text=word, content_hash="1")]
    )

    tsvector.add([(chunk.pk, chunk.text)])

    assert list(tsvector.best(WordQuery(parse(word[:2000]).wanted), WordFilter(), limit=5)) == [chunk.pk]
    assert tsvector.is_sound()


def test_an_index_that_lacks_a_text_is_not_sound_until_it_is_made_again(both: sqlite3.Connection) -> None:
    chunk = Chunk.objects.filter(text__contains="liner").first()
    assert chunk is not None
    Chunk.objects.filter(pk=chunk.pk).update(text="zeppelin")
    assert not tsvector.is_sound()

    tsvector.rebuild()

    assert tsvector.is_sound()
    assert list(tsvector.best(WordQuery(parse("zeppelin").wanted), WordFilter(), limit=5)) == [chunk.pk]
