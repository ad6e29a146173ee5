"""Scripts that put no spaces between words: a word in the middle of a sentence is found all the same."""

import importlib
import unicodedata

import pytest
from django.apps import apps
from django.db import connection

from embeddings.indexing import index
from embeddings.models import Chunk
from embeddings.searching.search import search
from embeddings.words.registry import word_index
from files.models import File
from tests.embeddings.conftest import MakeFile, say

migration = importlib.import_module("embeddings.migrations.0007_one_normaliser")

PUMP = "我们今天更换了液压泵的密封圈。"
SEEN = [
    (0.0, 5.0, PUMP),
    (100.0, 105.0, "港の朝、船が帰ってくる。"),
    (200.0, 205.0, "เราเปลี่ยนปั๊มน้ำวันนี้"),
    (300.0, 305.0, "한국어는 띄어쓰기가 있습니다."),
    (400.0, 405.0, "换 iPhone14手机壳 only in English"),
]


@pytest.fixture
def clips(make_file: MakeFile) -> File:
    file = make_file("clip.mp4")
    say(file, SEEN)
    index.index_file(file)
    return file


def seconds(asked: str) -> list[float | None]:
    return [hit.start_s for hit in search(asked, mode="keyword").results]


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ("液压泵", 0), ("泵", 0), ("密封圈 液压", 0), ('"更换了液压泵"', 0), ("船", 100), ("帰ってくる", 100),
        ("ปั๊มน้ำ", 200), ("띄어쓰기*", 300), ("手机", 400), ("iphone14", 400), ("iPhone14手机", 400),
    ],
)  # fmt: skip
def test_a_word_within_a_sentence_is_found(clips: File, asked: str, at: float) -> None:
    assert seconds(asked) == [at]


@pytest.mark.parametrize("asked", ["泵压液", '"液压圈"', "機械", "液压 -密封圈"])
def test_characters_in_another_order_are_another_word(clips: File, asked: str) -> None:
    assert seconds(asked) == []


def test_a_question_finds_what_has_a_part_of_it(clips: File) -> None:
    [hit] = search("怎么修理液压泵", mode="keyword").results

    assert hit.start_s == 0
    assert hit.snippet == "我们今天更换了<mark>液压泵</mark>的密封圈。"
    assert hit.why == "2 of 6 pairs of characters"


def test_a_name_that_macos_took_apart_is_found(make_file: MakeFile) -> None:
    file = make_file(unicodedata.normalize("NFD", "が한국.mp4"))  # decomposed, as HFS+ gives names

    index.index_file(file)

    assert [hit.file_id for hit in search("が", mode="keyword").results] == [file.pk]
    assert [hit.file_id for hit in search("한국", mode="keyword").results] == [file.pk]


@pytest.mark.sqlite("the columns that FTS5 reads")
def test_only_what_differs_is_kept_twice_and_the_index_is_checked_by_it(clips: File) -> None:
    chunk = Chunk.objects.get(text__contains="泵")
    name = Chunk.objects.get(source_kind=Chunk.Kind.NAME)

    assert chunk.spaced is not None
    assert "液 压 泵" in chunk.spaced
    assert (name.spaced, name.words) == (None, name.text)
    assert word_index().is_sound()
    word_index().remove([(chunk.pk, chunk.text)])
    assert not word_index().is_sound()
    word_index().rebuild()
    assert seconds("液压泵") == [0]


@pytest.mark.sqlite("databases of before")
def test_chunks_of_before_are_spaced_by_the_migration(clips: File, monkeypatch: pytest.MonkeyPatch) -> None:
    Chunk.objects.update(spaced=None, variants=None)
    word_index().rebuild()
    assert seconds("液压泵") == []

    monkeypatch.setattr(migration, "AT_ONCE", 2)
    migration.normalise(apps, connection.SchemaEditorClass(connection))
    word_index().rebuild()

    assert seconds("液压泵") == [0]
    assert Chunk.objects.get(source_kind=Chunk.Kind.NAME).spaced is None


def test_pairs_that_are_everywhere_are_not_ranked(clips: File, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr("embeddings.searching.keyword.COMMON_SHARE", 0.0)
    monkeypatch.setattr("embeddings.searching.keyword.COMMON_AT_LEAST", 0)
    monkeypatch.setattr(word_index(), "best", lambda expression, *_args, **_options: looked.append(expression))

    assert seconds("液压泵") == [0]
    assert looked == []
