"""Frames through every door: import, jobs, API, command, and the facet of the library."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from files.models import File
from files.selection import actions, facets
from files.signals import media_ready
from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests.files.factories import make_file
from tests.vision.test_frames import BLUE, RED
from tests.vision.videos import add_picture, add_video
from vision.frames.choosing import choose_frames
from vision.models import Frame
from vision.signals import frames_settled

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clip(folders: Path) -> File:
    return add_video(folders / "media", [(2, RED), (2, BLUE)])


@pytest.fixture
def settled() -> Any:
    news: list[tuple[int, str]] = []

    def receive(*, file: File, reason: str, **_: Any) -> None:
        news.append((file.pk, reason))

    frames_settled.connect(receive, weak=False)
    yield news
    frames_settled.disconnect(receive)


def visitor(*codenames: str) -> Client:
    user = User.objects.create_user("visitor")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


class TestAnImport:
    def test_goes_on_to_choose_frames_and_says_so(self, clip: File, settled: list[tuple[int, str]]) -> None:
        media_ready.send(File, file=clip, reason="")
        run_until_idle()

        assert Frame.objects.filter(file=clip).count() == 2
        assert Job.objects.get(kind="frames").message == "2 frames chosen"
        assert settled == [(clip.pk, "")]

    def test_settles_what_has_no_picture_no_proxy_or_frames_already(
        self, clip: File, folders: Path, settled: list[tuple[int, str]]
    ) -> None:
        choose_frames(clip)
        sound, bare = make_file(media_type="audio"), make_file()

        for file in (clip, sound, bare):
            media_ready.send(File, file=file, reason="")

        assert [pk for pk, _ in settled] == [clip.pk, sound.pk, bare.pk]
        assert [bool(reason) for _, reason in settled] == [False, True, True]
        assert not Job.objects.filter(kind="frames").exists()

    @pytest.mark.parametrize(("settings_say", "folder_says", "looks"), [
        (["proxy"], None, False), (["see"], None, True), (["proxy"], ["see"], True), (["see"], ["proxy"], False),
    ])  # fmt: skip
    def test_looks_where_the_folder_or_else_the_settings_say(
        self, clip: File, settings: Any, settings_say: list[str], folder_says: list[str] | None, looks: bool
    ) -> None:
        settings.IMPORT_STEPS = settings_say
        clip.root.steps = folder_says

        media_ready.send(File, file=clip, reason="")

        assert Job.objects.filter(kind="frames").exists() == looks

    def test_settles_also_where_choosing_fails(self, clip: File, folders: Path, settled: list[tuple[int, str]]) -> None:
        proxy = folders / "proxy_video" / clip.proxies.get().path
        proxy.write_bytes(b"\0" * proxy.stat().st_size)

        media_ready.send(File, file=clip, reason="")
        run_until_idle()

        ((pk, reason),) = settled
        assert pk == clip.pk
        assert "cannot be read" in reason


class TestTheApi:
    def test_lists_frames_and_sends_their_stills(self, clip: File) -> None:
        choose_frames(clip)
        client = visitor("view_file", "view_frame")

        page = client.get(f"/api/files/{clip.pk}/frames").json()
        still = client.get(page["results"][1]["url"])

        assert page["count"] == 2
        assert [frame["n"] for frame in page["results"]] == [0, 1]
        assert page["results"][1]["at_s"] == pytest.approx(2.2, abs=0.5)
        assert (still["Content-Type"], still.content[:2]) == ("image/jpeg", b"\xff\xd8")

    def test_answers_what_is_not_there_with_404_and_what_cannot_be_cut_with_409(
        self, clip: File, folders: Path
    ) -> None:
        choose_frames(clip)
        client = visitor("view_file", "view_frame")
        missing = [
            client.get(f"/api/files/{clip.pk}/frames/9").status_code,
            client.get("/api/files/0/frames").status_code,
        ]

        for place in (folders / "data" / "derived" / str(clip.pk) / "stills.jpegs", folders / "proxy_video"):
            (place.unlink if place.is_file() else lambda where=place: [one.unlink() for one in where.iterdir()])()
        gone = client.get(f"/api/files/{clip.pk}/frames/0")

        assert missing == [404, 404]
        assert gone.status_code == 409
        assert "proxy" in gone.json()["detail"]

    def test_asks_for_the_permission_to_see_frames(self, clip: File) -> None:
        choose_frames(clip)
        client = visitor("view_file")

        assert client.get(f"/api/files/{clip.pk}/frames").status_code == 403
        assert client.get(f"/api/files/{clip.pk}/frames/0").status_code == 403

    def test_a_page_of_frames_takes_few_questions(
        self, clip: File, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        choose_frames(clip)
        client = visitor("view_file", "view_frame")

        with django_assert_max_num_queries(8):
            client.get(f"/api/files/{clip.pk}/frames")


class TestTheAction:
    def test_says_what_it_would_do_and_does_it_once(self, clip: File, folders: Path) -> None:
        add_picture(folders / "photos", RED)
        make_file(media_type="audio")
        everything = File.objects.all()

        plan = actions.estimate("frames", everything, {})
        actions.start_action("frames", everything, {})
        run_until_idle()

        assert (plan.total, plan.todo, plan.warnings) == (3, 2, ["1 of 3 files have no picture."])
        after = actions.estimate("frames", everything, {})
        assert (after.todo, after.already_done) == (0, 2)
        assert facets.flag(clip, "has_frames")

    def test_is_a_command_too(self, clip: File, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("frames", str(clip.pk), "--json")

        assert json.loads(capsys.readouterr().out)["succeeded"] == 1
        assert Frame.objects.filter(file=clip).count() == 2
