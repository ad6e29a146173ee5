"""Words find what is seen, nonsense finds nothing, and pictures find what looks like them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from embeddings.errors import SearchError
from embeddings.indexing import pictures, spaces
from embeddings.indexing.index import index_file
from embeddings.models import PictureFloor
from embeddings.searching import judging, seen
from embeddings.searching.search import SearchAnswer, more_like, search
from files.models import File, Root
from tests.embeddings.conftest import say
from tests.embeddings.tiny_clip import SCENES, THINGS, view
from tests.files.factories import make_root
from tests.vision.videos import add_picture, add_video

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_samples() -> Any:
    seen.forget()
    yield
    seen.forget()


@pytest.fixture
def library(folders: Path, picture_model: Path) -> Root:
    """Three clips of three shots, and two photographs."""
    root = make_root(folders / "media")
    shots = [
        [("apple", "snow"), ("lemon", "night"), ("whale", "desert")],
        [("plum", "meadow"), ("orange", "sea"), ("rose", "soil")],
        [("frog", "sunset"), ("bear", "blossom"), ("pearl", "lava")],
    ]
    for number, scenes in enumerate(shots):
        clip = add_video(folders / "media", [(3.0, view(*one)) for one in scenes], name=f"clip-{number}.mp4", root=root)
        pictures.see_file(clip)
    for number, one in enumerate([("raven", "lavender"), ("lemon", "sea")]):
        pictures.see_file(add_picture(folders / "media", view(*one), name=f"photo-{number}.jpg", root=root))
    return root


def found(answer: SearchAnswer) -> list[tuple[str, int | None]]:
    return [(hit.file_name, None if hit.start_s is None else int(hit.start_s // 3)) for hit in answer.results]


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_words_find_the_second_of_the_shot(library: Root, mode: str) -> None:
    answer = search("an orange in the sea", mode=mode)

    (first, *_) = answer.results
    assert found(answer)[0] == ("clip-1.mp4", 1)
    assert (first.kind, first.snippet) == ("seen", "What is seen here, though it may not be said.")
    assert first.why == "looks like it: stands out from 10 other frames"
    assert first.still == f"/api/files/{first.file_id}/frames/1"
    assert first.url == f"/files/{first.file_id}/?t={first.start_s:g}"


def test_a_photograph_is_found_without_a_second(library: Root) -> None:
    hit = search("a raven in lavender").results[0]

    assert (hit.file_name, hit.start_s, hit.end_s) == ("photo-0.jpg", None, None)
    assert hit.url == f"/files/{hit.file_id}/"


@pytest.mark.parametrize("question", ["flibbertigibbet", "dentist appointment on tuesday", "zzz zzz"])
def test_nonsense_finds_nothing(library: Root, question: str) -> None:
    assert search(question).results == []


def test_words_that_are_typed_are_not_looked_for(library: Root) -> None:
    assert search("an orange in the sea", mode="keyword").results == []


def test_what_is_said_and_what_is_seen_stand_side_by_side(library: Root) -> None:
    talk = File.objects.get(name="clip-0.mp4")
    say(talk, [(6.0, 8.0, "There is an orange in the sea, I tell you.")])
    index_file(talk)

    answer = search("orange in the sea")

    assert {hit.kind for hit in answer.results[:2]} == {"transcript", "seen"}
    assert answer.counts["seen"] >= 1


def test_kind_and_filters_hold_for_what_is_seen(library: Root) -> None:
    photo = File.objects.get(name="photo-1.jpg")

    assert {hit.kind for hit in search("lemon", kind="seen").results} == {"seen"}
    assert search("lemon", kind="transcript").results == []
    assert found(search("lemon", filters={"media_type": ["image"]})) == [("photo-1.jpg", None)]
    assert found(search("lemon", file_id=photo.pk)) == [("photo-1.jpg", None)]


def test_a_fault_of_the_model_is_told_and_words_are_searched_all_the_same(library: Root, picture_model: Path) -> None:
    talk = File.objects.get(name="clip-0.mp4")
    say(talk, [(6.0, 8.0, "A lemon, please.")])
    index_file(talk)
    (picture_model / "textual" / "model.onnx").write_bytes(b"")

    answer = search("lemon")

    assert [hit.kind for hit in answer.results] == ["transcript"]
    assert "What is seen was not searched." in answer.notice


def test_without_a_picture_model_search_is_as_it_was(folders: Path, settings: Any, tmp_path: Path) -> None:
    settings.PICTURE_MODEL_DIR = tmp_path

    answer = search("lemon")

    assert (answer.results, answer.notice) == ([], "")


class TestLike:
    def test_a_frame_finds_what_looks_like_it_elsewhere(self, library: Root, folders: Path) -> None:
        other = add_video(folders / "other", [(2.0, view("bear", "snow")), (2.0, view("orange", "sea"))])
        pictures.see_file(other)
        clip = File.objects.get(name="clip-1.mp4")

        answer = more_like(frame=(clip.pk, 4.0))

        (first, *_) = answer.results
        assert (first.file_id, int(first.start_s or 0)) == (other.pk, 2)
        assert "looks like it" in first.why
        assert clip.pk not in {hit.file_id for hit in answer.results}

    def test_a_seen_hit_and_a_whole_file_can_be_compared_too(self, library: Root) -> None:
        hit = search("a raven in lavender").results[0]

        assert more_like(chunk_id=hit.chunk_id).mode == "semantic"
        assert hit.file_id not in {one.file_id for one in more_like(file_id=hit.file_id, kind="seen").results}

    def test_what_was_not_looked_at_says_so(self, library: Root, folders: Path) -> None:
        unseen = add_video(folders / "other", [(2.0, view("bear", "snow"))])

        with pytest.raises(SearchError, match="not looked at yet"):
            more_like(file_id=unseen.pk, kind="seen")


class TestTheApi:
    @pytest.fixture
    def client(self, client: Client) -> Client:
        client.force_login(User.objects.create_superuser("admin"))
        return client

    def test_takes_a_frame_and_refuses_what_is_none(self, library: Root, client: Client) -> None:
        clip = File.objects.get(name="clip-1.mp4")

        good = client.get("/api/search", {"like_frame": f"{clip.pk}@4.0"})
        bad = [client.get("/api/search", {"like_frame": text}) for text in ("x", "1", "1@", "@3", "1@-2", "0@1")]
        missing = client.get("/api/search", {"like_frame": "999999@1"})

        assert (good.status_code, {one.status_code for one in bad}) == (200, {400})
        assert missing.status_code == 400
        assert all(hit["still"] for hit in good.json()["results"])

    def test_finds_by_a_picture_of_ones_own(self, library: Root, client: Client) -> None:
        own = io.BytesIO()
        view("lemon", "sea", (900, 700)).save(own, "PNG")
        own.seek(0)
        own.name = "own.png"

        answer = client.post("/api/search/picture", {"picture": own, "media_type": "image"})

        assert answer.status_code == 200, answer.content
        assert answer.json()["results"][0]["file_name"] == "photo-1.jpg"

    @pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
    def test_refuses_what_is_no_picture(self, library: Root, client: Client, content: bytes) -> None:
        own = io.BytesIO(content)
        own.name = "own.png"

        assert client.post("/api/search/picture", {"picture": own}).status_code == 400

    def test_refuses_a_picture_of_five_hundred_megapixels(self, library: Root, client: Client) -> None:
        def part(kind: bytes, content: bytes) -> bytes:
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

        head = struct.pack(">IIBBBBB", 25_000, 20_000, 8, 0, 0, 0, 0)
        own = io.BytesIO(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0")))
        own.name = "large.png"

        answer = client.post("/api/search/picture", {"picture": own})

        assert answer.status_code == 400
        assert "too large" in answer.json()["detail"]

    def test_refuses_filters_that_there_are_not(self, library: Root, client: Client) -> None:
        own = io.BytesIO()
        view("lemon", "sea").save(own, "PNG")
        own.seek(0)
        own.name = "own.png"

        assert client.post("/api/search/picture", {"picture": own, "colour": "red"}).status_code == 400


class TestJudging:
    """Unit vectors of 64 numbers: a bell of pictures, and a few that are meant."""

    def sample(self, count: int = 2000) -> Any:
        rows = np.random.default_rng(1).standard_normal((count, 64)).astype(np.float32)
        rows[:, 0] += 6  # what all pictures have in common
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def captions(self, count: int = 40) -> Any:
        rows = np.random.default_rng(2).standard_normal((count, 64)).astype(np.float32)
        rows[:, 0] += 6
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def meant(self, towards: Any, part: float) -> Any:
        rows = self.sample(1)[0] * (1 - part) + towards * part
        return rows / np.linalg.norm(rows)

    def test_what_is_meant_is_found_and_the_best_of_what_is_not_is_left(self) -> None:
        sample, captions = self.sample(), self.captions()
        floor = judging.learn(captions, sample)
        asked = self.captions(60)[50:]

        is_found = []
        for vector in asked:
            question = judging.question_of(vector, captions, sample)
            chance = float((sample @ question.vector).max())
            wanted = float(self.meant(vector, 0.7) @ question.vector)
            assert judging.judge(wanted, question, floor, library=2000).is_found
            is_found.append(judging.judge(chance, question, floor, library=2000).is_found)

        assert sum(is_found) <= 2

    def test_many_more_frames_than_the_sample_need_to_stand_out_more(self) -> None:
        sample, captions = self.sample(), self.captions()
        floor, question = judging.learn(captions, sample), judging.question_of(self.captions(41)[40], captions, sample)
        margin = max(floor.margin, question.middle + question.width * floor.stands_out) * 1.01

        assert judging.judge(margin, question, floor, library=2000).is_found
        assert not judging.judge(margin, question, floor, library=10_000_000).is_found or (
            margin >= judging.PLAIN_MARGIN * floor.margin
        )

    def test_nothing_to_learn_from_gives_the_least_floor(self) -> None:
        empty = np.empty((0, 64), np.float32)

        floor = judging.learn(self.captions(), empty)

        assert floor.margin == judging.LEAST_MARGIN


def test_the_floor_is_kept_with_its_space_and_learnt_again_when_the_library_grows(library: Root, folders: Path) -> None:
    search("lemon")
    space = spaces.for_pictures()
    first = PictureFloor.objects.get(space=space)
    for number, (thing, scene) in enumerate(zip(THINGS, reversed(SCENES), strict=True)):
        pictures.see_file(add_picture(folders / "more", view(thing, scene), name=f"{number}.jpg", root=library))

    search("lemon")

    again = PictureFloor.objects.get(space=space)
    assert (first.sample, again.sample) == (11, 11 + len(THINGS))
    assert bytes(first.captions) == bytes(again.captions)


class TestThePage:
    def test_shows_the_still_and_why_and_leads_to_what_looks_like_it(self, library: Root, admin_client: Client) -> None:
        html = admin_client.get("/search/", {"q": "an orange in the sea"}).content.decode()

        hit = search("an orange in the sea").results[0]
        assert f'src="/api/files/{hit.file_id}/frames/1"' in html
        assert "looks like it: stands out from 10 other frames" in html
        assert f"/search/?like={hit.chunk_id}" in html
        assert admin_client.get(hit.still or "").status_code == 200

    def test_finds_by_the_frame_of_the_player(self, library: Root, admin_client: Client) -> None:
        clip = File.objects.get(name="clip-1.mp4")
        player = admin_client.get(f"/files/{clip.pk}/").content.decode()

        html = admin_client.get("/search/", {"like_frame": f"{clip.pk}@4.0"}).content.decode()
        wrong = admin_client.get("/search/", {"like_frame": "nothing"})

        assert f'data-like-frame="/search/?like_frame={clip.pk}@"' in player
        assert "Like that picture of clip-1.mp4" in html
        assert "photo-1.jpg" in html
        assert wrong.status_code == 200

    def test_offers_no_frames_where_nobody_looks(self, folders: Path, admin_client: Client) -> None:
        clip = add_video(folders / "media", [(2.0, view("bear", "snow"))])

        assert "data-like-frame" not in admin_client.get(f"/files/{clip.pk}/").content.decode()


def test_the_page_says_what_is_wrong_with_a_picture_that_was_sent(library: Root, admin_client: Client) -> None:
    def sent(content: bytes | None) -> str:
        data = {} if content is None else {"picture": SimpleUploadedFile("a.png", content)}
        return admin_client.post("/search/picture/", data).content.decode()

    assert "No file was submitted" in sent(None)
    assert "This is no picture that can be read. Send a JPEG, PNG or WebP." in sent(b"no picture at all")
    out = io.BytesIO()
    view("lemon", "sea").save(out, "PNG")
    html = sent(out.getvalue())
    assert "photo-1.jpg" in html
    assert "Like your picture" in html


def test_a_picture_can_be_sent_where_something_was_looked_at_only(admin_client: Client, db: None) -> None:
    assert "Look for a picture of your own" not in admin_client.get("/search/").content.decode()
