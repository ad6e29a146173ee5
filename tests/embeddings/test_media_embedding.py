"""What is seen: Nova looks at videos elsewhere and later, at pictures at once; paid once, whatever dies on the way."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from bedrock import staging
from bedrock.errors import BusyError
from bedrock.models import Entry
from embeddings import facet, registry, tasks
from embeddings.errors import MediaEmbeddingError, PaidVectorsError, SpaceError
from embeddings.indexing import index, media_embedding, spaces
from embeddings.models import Chunk, Embedding, Viewing
from embeddings.searching.search import search
from files.media import proxy_lookup
from files.models import File
from files.selection.resolving import resolve
from jobs.control import retry
from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests.embeddings.conftest import make_poster, vector_count
from tests.files.factories import make_file, make_proxy_row, make_root
from tests.media import make_clip
from tests.standin import world as at
from tests.standin.media import tiny_mp4
from tests.standin.world import World

SEEN = ["a red boat on the water", "a dog runs on the beach", "a crane lifts a beam"]
CLIP_S = 12.0

pytestmark = pytest.mark.django_db


@pytest.fixture
def nova(aws: World, settings: Any, folders: Path) -> Iterator[World]:
    settings.EMBEDDING_PROVIDER = "nova"
    aws.seen = SEEN
    yield aws
    assert aws.paid_twice() == []


@pytest.fixture
def video(nova: World, tmp_path: Path) -> File:
    return add_video(tmp_path, "harbour.mp4")


def add_video(folder: Path, name: str) -> File:
    """A file with a proxy that the stand-in takes for a video."""
    (folder / "library").mkdir(exist_ok=True)
    original = folder / "library" / name
    original.write_bytes(b"the original of harbour")
    root = make_root(folder / "library") if not File.objects.exists() else File.objects.first().root  # type: ignore[union-attr]
    facts = original.stat()
    file = make_file(root, name, duration_s=CLIP_S, size_bytes=facts.st_size, mtime_ns=facts.st_mtime_ns)
    content = tiny_mp4(CLIP_S)
    proxy = make_proxy_row(file, size_bytes=len(content))
    (Path(django_settings.PROXY_DIR) / proxy.path).write_bytes(content)
    return file


def look(file: File) -> Viewing:
    return media_embedding.embed_media(file, space=spaces.active())[0]


def videos_started(world: World) -> int:
    return world.calls["StartAsyncInvoke"]


def collected(world: World) -> Viewing:
    world.clock.advance(minutes=3)
    tasks.collect_media()
    return Viewing.objects.get()


def test_words_find_what_is_seen_though_nobody_said_it(nova: World, video: File, admin_client: Client) -> None:
    job = tasks.request_media(video)
    run_until_idle()
    job.refresh_from_db()
    assert (job.state, job.is_parked) == ("running", True)

    viewing = collected(nova)
    job.refresh_from_db()
    assert (job.state, job.message) == ("succeeded", "3 pieces embedded")
    hit = search("a dog runs on the beach", mode="semantic").results[0]
    assert (hit.kind, hit.start_s, hit.file_id) == ("video", 5.0, video.pk)
    assert search("beach", mode="keyword").results == []
    html = admin_client.get("/search/?q=a+dog+runs+on+the+beach&mode=semantic").content.decode()
    assert "Seen by Nova 1" in " ".join(html.split())
    assert "What is seen here, though it may not be said." in html
    assert f"/files/{video.pk}/player/?t=5" in html
    assert not viewing.is_staged
    assert list(staging.listed(staging.ASYNC_PREFIX)) == []


def test_the_ledger_reserves_the_sound_too_and_settles_the_seconds(nova: World, video: File) -> None:
    look(video)
    entry = Entry.objects.get()
    assert (entry.state, entry.file_id) == ("reserved", video.pk)
    assert entry.reserved_usd > nova.usd()

    collected(nova)

    entry.refresh_from_db()
    assert (entry.state, entry.actual_usd) == ("settled", nova.usd())


def test_the_same_content_is_looked_at_once_and_comes_back_with_its_file(
    nova: World, video: File, tmp_path: Path
) -> None:
    look(video)
    collected(nova)
    index.remove_file(video.pk)
    copy = add_video(tmp_path, "copy.mp4")

    assert look(copy).state == Viewing.State.DONE
    index.index_text(video)

    assert videos_started(nova) == 1
    assert Chunk.objects.filter(source_kind="video").count() == 6
    assert vector_count(spaces.active().pk) == Embedding.objects.count() == 6


@pytest.mark.parametrize("fault", [at.DROP_AFTER, at.DROP_BEFORE, at.THROTTLED, at.SERVER_ERROR])
def test_a_start_without_an_answer_is_found_again_and_paid_once(nova: World, video: File, fault: at.Fault) -> None:
    nova.break_next("StartAsyncInvoke", fault)
    with pytest.raises(BusyError):
        look(video)

    assert look(video).state == Viewing.State.SENT

    assert collected(nova).state == Viewing.State.DONE
    assert len([charge for charge in nova.bill if charge.usd]) == 1
    assert [entry.state for entry in Entry.objects.all()] == ["settled"]


def test_a_start_that_its_worker_did_not_survive_is_adopted_by_the_tick(nova: World, video: File) -> None:
    nova.break_next("StartAsyncInvoke", at.DROP_AFTER)
    with pytest.raises(BusyError):
        look(video)

    assert collected(nova).state == Viewing.State.DONE
    assert videos_started(nova) == 1


def test_a_start_that_never_arrived_gives_its_money_back(nova: World, video: File) -> None:
    nova.break_next("StartAsyncInvoke", at.DROP_BEFORE)
    with pytest.raises(BusyError):
        look(video)
    Viewing.objects.update(called_at=Viewing.objects.get().called_at - media_embedding.LOST_AFTER * 2)  # type: ignore[operator]

    assert collected(nova).state == Viewing.State.FAILED

    assert Entry.objects.get().state == "released"
    assert look(video).state == Viewing.State.SENT


def test_a_refusal_says_why_and_costs_nothing(nova: World, video: File) -> None:
    tasks.request_media(video)
    nova.async_failures = ["The video has no frames."]
    run_until_idle()

    viewing = collected(nova)

    job = Job.objects.get()
    assert (job.state, viewing.state) == ("failed", "failed")
    assert "no frames" in job.error
    assert not viewing.is_staged
    assert Entry.objects.get().state == "released"
    nova.bill.clear()  # the service charges nothing for a call that failed
    look(video)
    assert collected(nova).state == Viewing.State.DONE


def test_pieces_that_fail_are_named_and_the_others_found(nova: World, video: File) -> None:
    nova.bad_segments = {1: "RATE_LIMIT_EXCEEDED"}
    look(video)

    viewing = collected(nova)

    assert [span[0] for span in viewing.spans] == [0, 10]
    assert viewing.problems == ["5 to 10 s: the model was too busy."]
    assert search("a crane lifts a beam", mode="semantic").results[0].start_s == 10


def test_a_long_video_goes_in_parts_and_only_the_part_that_failed_goes_again(
    nova: World, video: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = video.proxies.get()
    make_clip(path := proxy_lookup.proxy_path(proxy), seconds=9, extra=("-g", "25"))
    video.proxies.update(size_bytes=path.stat().st_size, duration_s=9.0)
    monkeypatch.setattr(media_embedding, "PART_S", 6.0)
    nova.async_failures = ["", "The second part has no frames."]
    tasks.request_media(video)
    run_until_idle()
    assert [viewing.parts for viewing in Viewing.objects.all()] == [2, 2]

    nova.clock.advance(minutes=3)
    tasks.collect_media()
    assert "second part" in Job.objects.get().error
    run_until_idle()
    retry(Job.objects.get())
    run_until_idle()
    nova.clock.advance(minutes=3)
    tasks.collect_media()

    first, second = Viewing.objects.order_by("part")
    assert videos_started(nova) == 3
    assert Job.objects.get().state == "succeeded"
    assert second.start_s > 0
    assert second.spans[0][0] == second.start_s == pytest.approx(first.spans[-1][1], abs=0.2)
    assert Chunk.objects.filter(source_kind="video").count() == len(first.spans) + len(second.spans)
    assert [entry.state for entry in Entry.objects.order_by("id")] == ["settled", "released", "settled"]
    nova.bill.pop(1)  # the service charges nothing for a call that failed


def test_a_picture_is_one_chunk_and_is_paid_once(nova: World, video: File) -> None:
    picture = make_file(video.root, "buoy.jpg", media_type="image", duration_s=None, audio_codec="")
    (Path(video.root.path) / "buoy.jpg").write_bytes(b"a picture of a buoy")
    with pytest.raises(MediaEmbeddingError, match="no small copy"):
        look(picture)
    make_poster(picture, b"\xff\xd8\xff a buoy")

    assert look(picture).state == Viewing.State.DONE
    look(picture)

    chunk = Chunk.objects.get(source_kind="video")
    assert (chunk.start_s, chunk.text, chunk.file_id) == (None, "", picture.pk)
    assert len(nova.bill) == 1
    hit = search("a red boat on the water", mode="semantic").results[0]
    assert (hit.file_id, hit.url) == (picture.pk, f"/files/{picture.pk}/")


def test_what_cannot_be_looked_at_says_why_before_anything_is_paid(nova: World, video: File, settings: Any) -> None:
    sound = make_file(video.root, "talk.mp3", media_type="audio")
    with pytest.raises(MediaEmbeddingError, match="nothing to see"):
        tasks.request_media(sound)
    video.proxies.all().delete()
    with pytest.raises(MediaEmbeddingError, match="no proxy"):
        look(video)
    settings.EMBEDDING_PROVIDER = "words"
    free = spaces.get_or_make(registry.default_key())
    for refused in (
        lambda: media_embedding.embed_media(video, space=free),
        lambda: tasks.request_media(video, space=free),
    ):
        with pytest.raises(SpaceError, match="reads text only"):
            refused()
    assert nova.bill == []


def test_the_plan_has_the_price_and_what_will_fail(nova: World, video: File, settings: Any) -> None:
    index.index_text(video)
    words = facet.plan(resolve(filter={}), {})
    seen = facet.plan(resolve(filter={}), {"video": True})

    assert seen.usd_low - words.usd_low == pytest.approx(Decimal("0.0084"))
    assert seen.usd_high > seen.usd_low
    video.proxies.all().delete()
    assert "have no proxy" in facet.plan(resolve(filter={}), {"video": True}).warnings[0]
    settings.S3_BUCKET_NAME = ""
    assert "S3_BUCKET_NAME" in facet.plan(resolve(filter={}), {"video": True}).refusals[0]


def test_every_door_does_the_same(nova: World, video: File, admin_user: Any, capsys: Any) -> None:
    client = APIClient()
    client.force_authenticate(admin_user)
    with pytest.raises(CommandError, match="costs up to"):
        call_command("embed", "--video")

    asked = client.post("/api/batch/embeddings", {"file_ids": [video.pk], "options": {"video": True}}, format="json")
    again = client.post("/api/nova/embeddings/generate", {"file_id": video.pk, "video": True}, format="json")

    assert (asked.status_code, again.status_code) == (202, 202)
    assert again.json()["kind"] == tasks.EMBED_MEDIA
    assert sorted(Job.objects.values_list("kind", flat=True)) == [tasks.EMBED, tasks.EMBED_MEDIA]
    call_command("embed", "--video", "--yes")
    nova.clock.advance(minutes=3)
    call_command("embed", "--collect", "--json")
    assert '"ended": 1, "with_bedrock": 0' in capsys.readouterr().out
    run_until_idle()
    assert videos_started(nova) == 1
    assert {job.state for job in Job.objects.all()} == {"succeeded"}


def test_a_space_takes_what_it_saw_with_it(nova: World, video: File, settings: Any) -> None:
    look(video)
    space = spaces.active()
    settings.EMBEDDING_PROVIDER = "words"
    spaces.switch_to(spaces.get_or_make(registry.default_key()))
    space.refresh_from_db()
    with pytest.raises(SpaceError, match="looking at videos"):
        spaces.delete(space)
    collected(nova)

    with pytest.raises(PaidVectorsError, match=r"1 vectors of .* were paid for"):
        spaces.delete(space)
    spaces.delete(space, with_paid=True)

    assert not Chunk.objects.filter(source_kind="video").exists()
    assert spaces.waiting_count(spaces.active()) == Chunk.objects.count()
