"""Text on screen: read by the real reader, put together in time, and found by word."""

import unicodedata
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from embeddings.searching.search import search
from files.models import File
from files.selection import actions, facets
from files.signals import media_ready
from files.upkeep.removing import remove_file
from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests.vision.videos import add_picture, add_video, scene
from vision.errors import ReaderMissingError
from vision.models import ScreenText
from vision.reading import engine, read
from vision.reading.engine import ScreenLine
from vision.reading.lasting import lasting_lines

TITLES = {
    "en": "Leak hunt in the pool", "de": "Rohrbruch im Keller", "fr": "La fuite de la piscine",
    "es": "Fuga en la piscina", "it": "Perdita nella piscina",
}  # fmt: skip


def slide(*lines: str, size: int = 40, ink: str = "white", ground: str = "midnightblue", left: int = 60) -> Image.Image:
    """A slide of 1280 by 720 with lines of text."""
    picture = Image.new("RGB", (1280, 720), ground)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((left, 100 + number * size * 2), line, font=ImageFont.load_default(size), fill=ink)
    return picture


def alike(one: str, other: str) -> float:
    plain = [unicodedata.normalize("NFKD", text.casefold()) for text in (one, other)]
    return SequenceMatcher(None, plain[0], plain[1]).ratio()


def lines(*texts: str, confidence: float = 0.9) -> list[ScreenLine]:
    return [ScreenLine(text=text, confidence=confidence) for text in texts]


class TestLasting:
    def test_the_same_line_over_frames_is_one_moment_until_it_is_gone(self) -> None:
        found = lasting_lines(
            [(0, lines("Welcome")), (4, lines("Welcome", "Part one")), (8, lines("Part one")), (12, []), (16, [])],
            end_s=20,
        )

        assert [(line.text, line.start_s, line.end_s) for line in found] == [("Welcome", 0, 8), ("Part one", 4, 12)]

    def test_readings_that_differ_a_little_are_one_line_as_the_reader_was_surest(self) -> None:
        found = lasting_lines(
            [(0, lines("Rohrbruch im Kel1er", confidence=0.7)), (4, lines("Rohrbruch im Keller", confidence=0.9))],
            end_s=9,
        )

        assert len(found) <= 2
        assert found[-1].text == "Rohrbruch im Keller"

    def test_other_numbers_are_other_lines(self) -> None:
        found = lasting_lines([(0, lines("Order 4711")), (4, lines("Order 4712"))], end_s=8)

        assert [line.text for line in found] == ["Order 4711", "Order 4712"]

    def test_one_frame_without_it_does_not_end_a_line(self) -> None:
        found = lasting_lines([(0, lines("Exit")), (4, []), (8, lines("Exit")), (12, []), (16, [])], end_s=20)

        assert [(line.start_s, line.end_s) for line in found] == [(0, 12)]
        seen_again = lasting_lines([(0, lines("Exit")), (4, []), (8, lines("Exit"))], end_s=20)
        assert [(line.start_s, line.end_s) for line in seen_again] == [(0, 20)]

    def test_what_stands_until_the_end_lasts_until_the_end(self) -> None:
        assert lasting_lines([(0, lines("The end"))], end_s=7.5)[0].end_s == 7.5
        assert lasting_lines([], end_s=7.5) == []


class TestTheReader:
    @pytest.mark.parametrize("language", TITLES)
    def test_reads_titles_in_five_languages(self, language: str) -> None:
        (line,) = engine.lines_in(slide(TITLES[language]))

        assert alike(line.text, TITLES[language]) >= 0.95

    @pytest.mark.parametrize(
        "picture",
        [
            slide(TITLES["en"], size=16),
            slide(TITLES["en"], ink="#4a4a90"),
            slide(TITLES["en"], left=700),
            slide(TITLES["en"], ink="black", ground="white"),
        ],
        ids=["small", "low contrast", "at the edge", "dark on light"],
    )
    def test_reads_what_is_hard(self, picture: Image.Image) -> None:
        (line,) = engine.lines_in(picture)

        assert alike(line.text, TITLES["en"]) >= 0.9

    def test_reads_nothing_where_nothing_is_written(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        without = [Image.fromarray(noise), scene("green", ("circle", "red", 200)), scene("gray", ("bar", "black", 90))]

        assert [engine.lines_in(picture) for picture in without] == [[], [], []]


@pytest.mark.django_db(transaction=True)
class TestFiles:
    @pytest.fixture
    def talk(self, folders: Path) -> File:
        """A hall, then a slide, then the slide with one line more, then the hall again: three seconds each."""
        hall = scene("gray", ("bar", "black", 90), size=(1280, 720))
        first, second = "Job number 4711", "Second line of the slide"
        shots = [(3.0, hall), (3.0, slide(first)), (3.0, slide(first, second)), (3.0, hall)]
        return add_video(folders / "media", shots)

    def test_lines_are_kept_with_their_times(self, talk: File) -> None:
        done = read.read_file(talk)

        rows = list(ScreenText.objects.filter(file=talk))
        assert (done.frame_count, done.line_count) == (4, 2)
        assert [row.text for row in rows] == ["Job number 4711", "Second line of the slide"]
        assert [(round(row.start_s), round(row.end_s)) for row in rows] == [(3, 9), (6, 9)]

    def test_what_was_read_is_not_read_again(self, talk: File, monkeypatch: pytest.MonkeyPatch) -> None:
        first = read.read_file(talk)
        monkeypatch.setattr(engine, "lines_in", None)

        assert read.read_file(talk) == first
        assert facets.flag(talk, "is_read")

    def test_signs_are_found_by_word_at_their_second(self, talk: File) -> None:
        actions.start_action("read", File.objects.all(), {})
        run_until_idle()

        answer = search("4711", mode="keyword")

        (hit,) = [hit for hit in answer.results if hit.kind == "on_screen"]
        assert (hit.file_id, round(hit.start_s or 0), hit.kind_label) == (talk.pk, 3, "On screen")
        assert [hit.kind for hit in search("second line", mode="keyword", kind="on_screen").results] == ["on_screen"]
        assert Job.objects.get(kind="read").message == "2 lines in 4 frames"

    def test_a_photograph_of_a_sign_is_found_without_a_second(self, folders: Path) -> None:
        photo = add_picture(folders / "media", slide("Beware of the dog"))
        actions.start_action("read", File.objects.all(), {})
        run_until_idle()

        (hit,) = search("beware", mode="keyword").results
        assert (hit.file_id, hit.start_s) == (photo.pk, None)

    def test_an_import_reads_only_where_it_is_named(self, talk: File, settings: Any) -> None:
        media_ready.send(File, file=talk, reason="")
        run_until_idle()
        assert not Job.objects.filter(kind="read").exists()

        settings.IMPORT_STEPS = ["proxy", "read"]
        media_ready.send(File, file=talk, reason="")
        run_until_idle()

        assert Job.objects.get(kind="read").state == "succeeded"

    def test_the_plan_says_how_long_it_takes(self, talk: File) -> None:
        (told,) = actions.estimate("read", File.objects.all(), {}).warnings

        assert told.startswith("It takes a worker about 0:0")

    def test_without_the_reader_it_is_refused_with_what_to_do(
        self, talk: File, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "NAME", "no_such_reader")

        (refusal,) = actions.estimate("read", File.objects.all(), {}).refusals
        with pytest.raises(ReaderMissingError):
            read.read_file(talk)

        assert "make run OCR=1" in refusal

    def test_with_its_file_everything_read_goes(self, talk: File) -> None:
        read.read_file(talk)

        remove_file(talk)

        assert not ScreenText.objects.exists()
