"""A library in rows, and a quick provider."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

from embeddings import registry
from embeddings.stores import bit_matrix
from embeddings.words.registry import word_index
from files.media import derived
from files.models import File, Root
from tests.embeddings.fakes import WordsProvider
from tests.embeddings.tiny_clip import write_tiny_clip
from transcription.models import Segment, Transcript

Lines = Sequence[tuple[float, float, str]]
MakeFile = Callable[..., File]


@pytest.fixture(autouse=True)
def words_provider(settings: LazySettings) -> Iterator[type[WordsProvider]]:
    """The library's space is that of the quick provider, unless a test asks for another."""
    settings.EMBEDDING_PROVIDERS = {
        "words": "tests.embeddings.fakes.WordsProvider",
        "paid": "tests.embeddings.fakes.PaidWordsProvider",
    }
    settings.EMBEDDING_PROVIDER = "words"
    WordsProvider.reset()
    bit_matrix.forget()
    yield WordsProvider
    WordsProvider.reset()
    bit_matrix.forget()
    registry._providers.clear()


@pytest.fixture(autouse=True)
def full_text_of_this_test_only(request: pytest.FixtureRequest) -> None:
    """The flush after a transactional test of any app empties the tables, but not the full text beside them."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        word_index().rebuild()


@pytest.fixture
def picture_model(settings: LazySettings, tmp_path: Path) -> Path:
    """The tiny picture model where the settings look for it."""
    settings.PICTURE_MODEL_DIR, settings.PICTURE_MODEL, settings.PICTURE_PROVIDER = tmp_path, "tiny", "local"
    return write_tiny_clip(tmp_path / "tiny")


@pytest.fixture
def make_file(db: None) -> MakeFile:
    """Files of one root, by name."""
    return add_file


def add_file(name: str = "clip.mp4", *, folder: str = "", **fields: object) -> File:
    root, _ = Root.objects.get_or_create(path="/library", defaults={"name": "library"})
    values = {"media_type": "video", "size_bytes": 1, "duration_s": 600.0, **fields}
    return File.objects.create(root=root, name=name, path=f"{folder}/{name}".strip("/"), **values)


def say(file: File, lines: Lines, *, provider: str = "sidecar") -> Transcript:
    """A current transcript of the file with these segments."""
    Transcript.objects.filter(file=file, is_current=True).update(is_current=False)
    transcript = Transcript.objects.create(
        file=file, provider=provider, is_current=True, text=" ".join(text for _, _, text in lines)
    )
    Segment.objects.bulk_create(
        Segment(transcript=transcript, index=place, start_s=start, end_s=end, text=text)
        for place, (start, end, text) in enumerate(lines)
    )
    return transcript


def make_poster(file: File, content: bytes) -> None:
    """The small picture that is made with a proxy."""
    place = derived.folder(file.pk)
    place.mkdir(parents=True)
    (place / derived.POSTER).write_bytes(content)
    derived.write_made(file.pk, derived.DerivedManifest(source_hash=file.sampled_hash, names=(derived.POSTER,)))


def vector_count(space_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM vec_space_{space_id}")
        return int(cursor.fetchone()[0])
