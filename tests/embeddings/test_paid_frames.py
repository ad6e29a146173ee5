"""Nova looks at frames, one by one, beside the asynchronous way: each is paid once, whichever way came first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from bedrock.errors import BedrockError, FolderNeverSentError
from bedrock.models import Entry
from embeddings import registry, tasks
from embeddings.indexing import index, media_embedding, pictures, spaces
from embeddings.models import Chunk, Embedding, PaidVector, Space, Viewing
from embeddings.searching.captions import UNRELATED
from embeddings.searching.search import more_like, search, search_picture
from files.models import File
from files.selection import actions
from jobs.errors import Cancelled
from jobs.execution.running import run_until_idle
from tests.embeddings.tiny_clip import view
from tests.standin import world as at
from tests.standin.world import World
from tests.vision.videos import add_picture, add_video
from vision.frames import choosing
from vision.signals import frames_settled

pytestmark = pytest.mark.django_db(transaction=True)

SEEN = ["a red boat on the water", "a dog runs on the beach", "a crane lifts a beam"]


@pytest.fixture
def nova(aws: World, settings: Any, folders: Path) -> Iterator[World]:
    settings.PICTURE_PROVIDER = "off"
    aws.seen = SEEN
    yield aws
    assert aws.paid_twice() == []


@pytest.fixture
def clip(nova: World, folders: Path) -> File:
    shots = [(2.0, view("apple", "snow")), (2, view("lemon", "night")), (2, view("whale", "desert"))]
    return add_video(folders / "media", shots)


@pytest.fixture
def photo(nova: World, folders: Path) -> File:
    return add_picture(folders / "media", view("apple", "night"))


def space_of_nova() -> Space:
    return spaces.get_or_make(registry.default_key("nova"))


def look(how: str, file: File) -> None:
    actions.start_action("see", File.objects.filter(pk=file.pk), {"how": how})
    run_until_idle()


def test_the_plan_shows_every_way_with_its_price_and_what_it_gives_up(clip: File) -> None:
    plan = actions.estimate("see", File.objects.all(), {"how": "frames"})

    by_way = {mode.mode: mode for mode in plan.modes}
    assert list(by_way) == ["local", "frames", "video"]
    assert plan.usd_high > 0
    assert by_way["local"].usd_high == 0
    assert by_way["frames"].is_chosen
    assert by_way["video"].usd_high > by_way["video"].usd_low > 0  # type: ignore[operator]
    assert "motion" in by_way["frames"].note
    assert "not here yet" in by_way["local"].reason


def test_frames_are_paid_one_by_one_and_found_by_words(nova: World, clip: File) -> None:
    look("frames", clip)
    spaces.use_for_pictures(space_of_nova())

    hit = search("a dog runs on the beach", kind="seen").results[0]

    assert (hit.kind, hit.file_id, hit.still is not None) == ("seen", clip.pk, True)
    assert 1.9 < (hit.start_s or 0) < 2.6
    assert nova.usd() == sum(entry.actual_usd or 0 for entry in Entry.objects.all())
    assert {entry.state for entry in Entry.objects.all()} == {"settled"}


def test_nothing_is_paid_again_for_what_is_known(nova: World, clip: File) -> None:
    look("frames", clip)
    paid = nova.usd()

    pictures.see_file(clip, space=space_of_nova(), force=True)
    assert actions.estimate("see", File.objects.all(), {"how": "frames"}).todo == 0
    look("frames", clip)

    assert nova.usd() == paid


def test_a_file_that_comes_back_has_its_vectors_for_nothing(nova: World, clip: File) -> None:
    look("frames", clip)
    paid, before = nova.usd(), Embedding.objects.filter(space=space_of_nova(), kind_code=7).count()
    choosing.forget(clip.pk)
    index.remove_file(clip.pk)
    assert not Embedding.objects.filter(kind_code=7).exists()

    choosing.choose_frames(clip)
    frames_settled.send(sender=None, file=clip, reason="")

    assert Embedding.objects.filter(space=space_of_nova(), kind_code=7).count() == before == 3
    assert nova.usd() == paid


@pytest.mark.parametrize("first", ["frames", "video"])
def test_a_picture_is_paid_once_whichever_way_came_first(nova: World, photo: File, first: str) -> None:
    look(first, photo)
    paid = nova.usd()

    look("video" if first == "frames" else "frames", photo)

    space = space_of_nova()
    kinds = set(Chunk.objects.filter(embeddings__space=space).values_list("source_kind", flat=True))
    assert kinds >= {"seen", "video"}
    assert Viewing.objects.get().state == "done"
    captions = PaidVector.objects.filter(purpose="query").count()
    assert captions == len(UNRELATED)
    assert len([charge for charge in nova.bill if charge.usd]) == captions + 1
    assert nova.usd() >= paid


def test_a_video_that_nova_saw_whole_is_not_sent_frame_by_frame_as_well(nova: World, clip: File) -> None:
    media_embedding.embed_media(clip, space=space_of_nova())

    plan = actions.estimate("see", File.objects.all(), {"how": "frames"})

    assert (plan.todo, plan.already_done) == (0, 1)


def test_the_whole_video_after_its_frames_is_told_to_cost_in_full(nova: World, clip: File) -> None:
    look("frames", clip)

    plan = actions.estimate("see", File.objects.all(), {"how": "video"})

    assert plan.todo == 1
    assert any("adds sound and motion" in warning for warning in plan.warnings)


def test_one_space_holds_both_and_answers_with_both(nova: World, clip: File) -> None:
    look("frames", clip)
    look("video", clip)
    nova.clock.advance(minutes=3)
    tasks.collect_media()
    space = space_of_nova()
    spaces.use_for_pictures(space)

    answer = search("a dog runs on the beach", kind="seen")

    assert space.in_use_for == ["picture"]
    assert {hit.kind for hit in answer.results} | set(answer.counts) >= {"seen", "video"}


def test_frames_are_not_found_twice_where_the_space_has_texts_too(nova: World, clip: File, settings: Any) -> None:
    settings.EMBEDDING_PROVIDER = "nova"
    look("frames", clip)
    spaces.switch_to(space_of_nova())
    spaces.use_for_pictures(space_of_nova())

    answer = search("a dog runs on the beach", mode="semantic")

    hits = [hit for hit in answer.results if hit.kind == "seen"]
    assert len(hits) == len({hit.chunk_id for hit in hits}) >= 1
    assert all("close in meaning" not in hit.why for hit in hits)


def test_a_question_is_paid_once_and_typing_costs_nothing(nova: World, clip: File) -> None:
    look("frames", clip)
    spaces.use_for_pictures(space_of_nova())
    search("a dog", kind="seen")
    paid = nova.usd()

    search("a dog", kind="seen")
    search("a do", mode="keyword", is_typing=True)

    assert nova.usd() == paid


def test_a_picture_of_ones_own_is_looked_for_at_its_price_once(nova: World, clip: File) -> None:
    look("frames", clip)
    spaces.use_for_pictures(space_of_nova())
    before = nova.usd()

    picture = view("apple", "snow")
    search_picture(picture)
    paid = nova.usd() - before
    search_picture(picture)

    assert paid > 0
    assert nova.usd() - before == paid


@pytest.mark.parametrize("fault", [at.NO_MODEL_ACCESS, at.EXPIRED])
def test_a_call_that_is_refused_costs_nothing_and_is_made_good(nova: World, clip: File, fault: at.Fault) -> None:
    space = space_of_nova()
    nova.break_next("InvokeModel", fault)
    with pytest.raises(BedrockError):
        pictures.see_file(clip, space=space)

    pictures.see_file(clip, space=space)

    assert Embedding.objects.filter(space=space, kind_code=7).count() == 3
    assert len([charge for charge in nova.bill if charge.usd]) == 3


def test_what_was_paid_before_a_cancel_is_kept(nova: World, clip: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "BATCH_FRAMES", 1)

    class StopsAtTheSecond:
        def update(self, fraction: float, message: str = "") -> None:
            if fraction > 0.5:
                raise Cancelled

        def check(self) -> None: ...

    with pytest.raises(Cancelled):
        pictures.see_file(clip, space=space_of_nova(), progress=StopsAtTheSecond())
    pictures.see_file(clip, space=space_of_nova())

    assert len([charge for charge in nova.bill if charge.usd]) == 3


def test_the_shell_says_the_price_and_spends_only_by_yes(
    nova: World, clip: File, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("see", "--all", "--how", "frames", "--dry-run")

    out = capsys.readouterr().out
    assert "frames: about $0.000" in out
    assert nova.bill == []


def test_a_folder_that_is_never_sent_is_left_out(nova: World, clip: File) -> None:
    clip.root.never_send = True
    clip.root.save()

    plan = actions.estimate("see", File.objects.all(), {"how": "frames"})

    assert plan.left_out == [{"reason": "never_send", "count": 1}]
    assert actions.estimate("see", File.objects.all(), {"how": "local"}).left_out == []


def test_the_dialog_shows_both_prices(nova: World, clip: File, admin_client: Client) -> None:
    html = admin_client.get(f"/library/do/see/plan/?file={clip.pk}&how=frames").content.decode()

    assert "Nova, frame by frame" in html
    assert "Nova, the whole video" in html
    assert "entering is told from leaving" in html


def test_who_may_not_spend_asks_for_no_picture_that_costs(
    nova: World, client: Client, clip: File, tmp_path: Path
) -> None:
    look("frames", clip)
    spaces.use_for_pictures(space_of_nova())
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_chunk"))
    client.force_login(bea)
    paid = nova.usd()

    between = client.get("/api/search", {"like_frame": f"{clip.pk}@3.3"})
    picture = tmp_path / "a.png"
    view("lemon", "desert").save(picture)
    with picture.open("rb") as sent:
        own = client.post("/api/search/picture", {"picture": sent})

    assert (between.status_code, own.status_code) == (403, 403)
    assert "permission to spend" in between.json()["detail"]
    assert nova.usd() == paid


def test_a_frame_of_a_folder_that_is_never_sent_is_not_sent_to_be_compared(nova: World, clip: File) -> None:
    look("frames", clip)
    spaces.use_for_pictures(space_of_nova())
    clip.root.never_send = True
    clip.root.save(update_fields=["never_send"])
    paid = nova.usd()

    with pytest.raises(FolderNeverSentError):
        more_like(frame=(clip.pk, 3.3))

    assert nova.usd() == paid
