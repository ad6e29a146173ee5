"""A made library of 60 clips and 40 pictures, each with one thing to see, through the real line from import to hit."""

from pathlib import Path

import pytest
from django.core.management import call_command

from embeddings.searching import seen
from embeddings.searching.search import search
from files.models import File, Root
from jobs.execution.running import run_until_idle
from tests.embeddings.fakes import WordsProvider
from tests.embeddings.tiny_clip import SCENES, THINGS, view
from tests.vision.videos import scene, write_video

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(900)]

CLIPS, PICTURES = 60, 40
#: Seconds before what is to be seen, and of it: there is always something else first.
BEFORE_S, SHOWN_S = 3.0, 2.0


def pairs() -> list[tuple[str, str]]:
    """A hundred things in scenes, no two alike and none of one colour only."""
    every = [(thing, there) for thing in THINGS for there in SCENES if SCENES[there] != thing]
    return every[: CLIPS + PICTURES]


def question(thing: str, there: str) -> str:
    return f"{'an' if thing[0] in 'ao' else 'a'} {thing} in the {there}"


@pytest.fixture
def library(folders: Path, picture_model: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Imported by the command, proxies and all. In a clip it comes after three seconds of a grey hall."""
    wanted = pairs()
    hall = scene("gray", ("bar", "dimgray", 100), ("bar", "silver", 400), size=(320, 180))
    media = folders / "library"
    for number, pair in enumerate(wanted[:CLIPS]):
        write_video(media / f"clip-{number:02}.mp4", [(BEFORE_S, hall), (SHOWN_S, view(*pair))])
    for still in media.glob("*.png"):
        still.unlink()
    for number, pair in enumerate(wanted[CLIPS:], start=CLIPS):
        view(*pair).save(media / f"photo-{number:02}.png")
    seen.forget()
    monkeypatch.setattr(WordsProvider, "name_floor", 0.9)  # the names mean nothing, and its likeness is chance
    call_command("import_directory", str(media), "--json")
    run_until_idle()
    return wanted


def test_words_find_the_second_and_nonsense_finds_nothing(library: list[tuple[str, str]]) -> None:
    assert File.objects.count() == len(library)
    right = []
    for number, pair in enumerate(library):
        hits = search(question(*pair)).results
        name = f"clip-{number:02}.mp4" if number < CLIPS else f"photo-{number:02}.png"
        begins = BEFORE_S if number < CLIPS else None
        is_right = bool(hits) and hits[0].file_name == name and hits[0].kind == "seen"
        if is_right and begins is not None:
            is_right = begins <= (hits[0].start_s or 0) < begins + SHOWN_S
        right.append(is_right)
    nonsense = [search(text).results for text in ("flibbertigibbet", "zorp the quux", "seventeen invoices", "hmm hmm")]

    assert sum(right) >= 0.95 * len(library)
    assert nonsense == [[], [], [], []]
    assert Root.objects.count() == 1
