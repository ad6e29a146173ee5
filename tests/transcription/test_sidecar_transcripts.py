"""Subtitle files beside a file, from folder to transcript: which is used, and what is told of the others."""

from pathlib import Path

import pytest
from django.test import Client

from files.models import File, Problem
from tests.transcription.factories import make_file
from transcription.models import SubtitleSource, Transcript
from transcription.sidecars import SidecarReport, read_sidecars, refresh_sidecars
from transcription.writing import correct_segments

pytestmark = pytest.mark.django_db

SRT = "1\n00:00:01,000 --> 00:00:03,000\n{}\n"


@pytest.fixture
def talk(folders: Path) -> File:
    folder = folders / "media" / "talks"
    folder.mkdir(parents=True)
    return make_file(folders / "media", "talks/talk.mp4", sampled_hash="a1")


def beside(file: File, name: str, text: str | bytes = "Good morning") -> Path:
    """A subtitle file in the folder of `file`: this text in a cue, or these bytes."""
    path = file.local_path.parent / name
    path.write_bytes(text if isinstance(text, bytes) else SRT.format(text).encode())
    return path


def sources(file: File) -> list[tuple[str, str, str]]:
    return list(SubtitleSource.objects.filter(file=file).values_list("name", "state", "reason"))


@pytest.mark.parametrize(
    ("name", "language"),
    [("talk.mp4.srt", ""), ("talk.English.srt", "en"), ("talk.en.2.srt", "en"), ("talk.hi.srt", "hi")],
)
def test_a_file_is_used_however_it_is_named(talk: File, name: str, language: str) -> None:
    beside(talk, name)

    assert read_sidecars(talk)

    transcript = Transcript.objects.get()
    assert (transcript.text, transcript.language, transcript.is_current) == ("Good morning", language, True)
    assert sources(talk) == [(name, "used", "")]


def test_the_whole_goes_before_the_forced_and_the_others_are_listed(talk: File) -> None:
    beside(talk, "talk.pt-BR.forced.srt", "Placa")
    beside(talk, "talk.pt-BR.srt", "Bom dia")
    beside(talk, "talk.sub", b"{1}{2}Bom dia")

    read_sidecars(talk)

    assert Transcript.objects.get().text == "Bom dia"
    assert sources(talk) == [
        ("talk.pt-BR.srt", "used", ""),
        ("talk.pt-BR.forced.srt", "other", "Another one is used."),
        ("talk.sub", "other", "Another one is used."),
    ]


def test_the_languages_of_the_folder_go_first(talk: File) -> None:
    beside(talk, "talk.srt", "Good morning")
    beside(talk, "talk.de.srt", "Guten Morgen")
    talk.root.languages = ["de", "en"]

    read_sidecars(talk)

    assert Transcript.objects.get().text == "Guten Morgen"


def test_where_the_best_cannot_be_read_the_next_is_used(talk: File) -> None:
    beside(talk, "talk.srt", b"")
    beside(talk, "talk.de.srt", "Guten Morgen")

    read_sidecars(talk)

    assert Transcript.objects.get().text == "Guten Morgen"
    assert sources(talk)[0] == ("talk.srt", "unreadable", "talk.srt is empty.")


def test_each_unreadable_one_is_told_by_its_name_on_its_file_and_in_the_list_of_problems(talk: File) -> None:
    names = [f"clip{number}" for number in range(8)]
    for name in names:
        file = make_file(talk.root.path, f"talks/{name}.mp4", sampled_hash=name)
        beside(file, f"{name}.srt", b"\x00\x01\x02 nothing")

    report = refresh_sidecars(talk.root)

    assert len(report.unreadable) == 8
    assert all(any(name in reason for reason in report.unreadable) for name in names)
    assert sorted(Problem.objects.values_list("path", flat=True)) == [f"talks/{name}.srt" for name in names]
    assert SubtitleSource.objects.filter(state="unreadable").count() == 8
    assert not Transcript.objects.exists()


def test_the_api_lists_what_is_used_and_what_is_passed_over_on_the_file(talk: File, admin_client: Client) -> None:
    beside(talk, "talk.srt", b"")
    beside(talk, "talk.de.srt", "Guten Morgen")
    read_sidecars(talk)

    answers = [
        admin_client.get(f"/api/files/{talk.pk}").json(), admin_client.get("/api/files").json()["results"][0],
    ]  # fmt: skip

    for answer in answers:
        assert [(row["name"], row["origin"], row["state"], row["reason"]) for row in answer["subtitle_sources"]] == [
            ("talk.srt", "beside", "unreadable", "talk.srt is empty."),
            ("talk.de.srt", "beside", "used", ""),
        ]


def test_captions_of_youtube_are_read(talk: File) -> None:
    beside(talk, "talk.en.sbv", b"0:00:01.000,0:00:03.000\nGood morning\n")

    assert read_sidecars(talk)

    assert Transcript.objects.get().text == "Good morning"


def test_a_problem_goes_when_its_file_is_mended_or_gone(talk: File) -> None:
    mended, gone = beside(talk, "talk.srt", b""), beside(talk, "talk.de.srt", b"")
    read_sidecars(talk)
    assert Problem.objects.count() == 2

    mended.write_text(SRT.format("Good morning"))
    gone.unlink()
    read_sidecars(talk)

    assert not Problem.objects.exists()
    assert sources(talk) == [("talk.srt", "used", "")]


@pytest.mark.parametrize("content", [b"", b"WEBVTT\n\n", b"\xff\xfe"])
def test_an_empty_file_is_no_transcript(talk: File, content: bytes) -> None:
    beside(talk, "talk.srt", content)

    assert not read_sidecars(talk)

    assert not Transcript.objects.exists()
    assert sources(talk) == [("talk.srt", "unreadable", "talk.srt is empty.")]


def test_lines_after_the_end_and_at_no_time_are_told(talk: File) -> None:
    text = "made by hand\n\n" + SRT.format("near") + "\n2\n100:00:01,000 --> 100:00:02,000\nfar away\n"
    beside(talk, "talk.srt", text.encode())

    read_sidecars(talk)

    transcript = Transcript.objects.get()
    assert transcript.text == "near"
    assert transcript.notes == [
        "Left out, as after the end of the file: 1 line, from “far away” on.",
        "1 line stands at no time that can be read: line 1: made by hand",
    ]


def test_a_length_that_turns_out_longer_brings_the_late_lines(talk: File) -> None:
    beside(talk, "talk.srt", (SRT.format("near") + "\n2\n00:00:20,000 --> 00:00:22,000\nlate\n").encode())
    read_sidecars(talk)
    assert Transcript.objects.get().text == "near"

    talk.duration_s = 33.0
    assert read_sidecars(talk)

    assert Transcript.objects.get().text == "near late"
    assert not read_sidecars(talk)


def test_mojibake_of_before_gives_way_to_what_is_read_today(talk: File) -> None:
    path = beside(talk, "talk.srt", SRT.format("Сегодня мы проверяем насосы").encode("koi8_r"))
    seen = path.stat()
    old = {"name": "talk.srt", "mtime_ns": seen.st_mtime_ns, "size_bytes": seen.st_size}
    Transcript.objects.create(file=talk, provider="sidecar", text="óÅÇÏÄÎÑ", is_current=True, metadata=old)

    read_sidecars(talk)

    assert Transcript.objects.get().text == "Сегодня мы проверяем насосы"


@pytest.mark.parametrize("is_corrected", [False, True])
def test_an_empty_transcript_of_before_goes_unless_a_person_worked_on_it(talk: File, is_corrected: bool) -> None:
    path = beside(talk, "talk.srt", "Good morning")
    read_sidecars(talk)
    transcript = Transcript.objects.get()
    if is_corrected:
        correct_segments(transcript, {transcript.segments.get().pk: "Good evening"})
    path.write_bytes(b"")
    seen = path.stat()
    Transcript.objects.update(metadata={"name": "talk.srt", "mtime_ns": seen.st_mtime_ns, "size_bytes": seen.st_size})

    read_sidecars(talk)

    assert Transcript.objects.exists() is is_corrected


def test_a_name_that_is_not_utf_8_is_told_as_text(folders: Path) -> None:
    folder = folders / "media"
    folder.mkdir()
    file = make_file(folder, "caf\\xe9.mp4", path_raw=b"caf\xe9.mp4")
    (Path(str(folder)) / "caf\udce9.srt").write_text(SRT.format("Bonjour"))
    report = SidecarReport()

    assert read_sidecars(file, report)

    assert sources(file) == [("caf\\xe9.srt", "used", "")]
