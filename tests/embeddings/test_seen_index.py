"""Frames get their vectors: by an import, once, and again only where something changed."""

from pathlib import Path
from typing import Any

import pytest

from embeddings import picture_facet, picture_tasks
from embeddings.errors import ProviderUnavailableError, SpaceError
from embeddings.indexing import index, pictures, repair, spaces
from embeddings.models import Chunk, Embedding
from embeddings.providers.onnx_pictures import OnnxPictureProvider
from files.models import File
from files.selection import actions, facets
from files.signals import media_ready
from files.upkeep.removing import remove_file
from jobs.errors import Cancelled
from jobs.execution.running import run_until_idle
from jobs.models import Job, Notice
from tests.embeddings.tiny_clip import view, write_tiny_clip
from tests.files.factories import make_file
from tests.vision.videos import add_picture, add_video, scene
from vision.frames import choosing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clip(folders: Path) -> File:
    """Two seconds an apple in the snow, two a lemon at night, two a whale in the desert."""
    shots = [(2.0, view("apple", "snow")), (2, view("lemon", "night")), (2, view("whale", "desert"))]
    return add_video(folders / "media", shots)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures the model was shown, call by call."""
    counts: list[int] = []
    embed = OnnxPictureProvider.embed_pictures

    def counted(self: OnnxPictureProvider, shown: Any) -> Any:
        counts.append(len(shown))
        return embed(self, shown)

    monkeypatch.setattr(OnnxPictureProvider, "embed_pictures", counted)
    return counts


def seen_of(file: File) -> list[tuple[int, float | None, float | None]]:
    chunks = Chunk.objects.filter(file=file, source_kind="seen", embeddings__isnull=False).order_by("ordinal")
    return list(chunks.values_list("ordinal", "start_s", "end_s"))


def test_every_frame_gets_one_vector_from_its_second_to_the_next(clip: File, picture_model: Path) -> None:
    report = pictures.see_file(clip)

    found = seen_of(clip)
    assert (report.frames, report.embedded) == (3, 3)
    assert [int((start or 0) // 2) for _, start, _ in found] == [0, 1, 2]
    assert [end for _, _, end in found[:-1]] == [start for _, start, _ in found[1:]]
    assert found[-1][2] == clip.duration_s
    assert facets.flag(clip, "is_seen")


def test_looking_again_looks_at_nothing_unless_forced(clip: File, picture_model: Path, looks: list[int]) -> None:
    pictures.see_file(clip)
    pictures.see_file(clip)
    assert looks == [3]

    pictures.see_file(clip, force=True)

    assert looks == [3, 3]
    assert Embedding.objects.filter(file=clip, kind_code=7).count() == 3
    assert repair.check() == []


def test_it_goes_on_where_it_was_stopped(
    clip: File, picture_model: Path, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class StopsAtTheSecond:
        def update(self, fraction: float, message: str = "") -> None:
            if message.startswith("1 of"):
                raise Cancelled

        def check(self) -> None: ...

    monkeypatch.setattr(pictures, "BATCH_FRAMES", 1)
    with pytest.raises(Cancelled):
        pictures.see_file(clip, progress=StopsAtTheSecond())
    assert len(seen_of(clip)) == 1

    pictures.see_file(clip)

    assert looks == [1, 1, 1]
    assert len(seen_of(clip)) == 3


def test_the_same_content_elsewhere_is_not_looked_at_again(
    clip: File, folders: Path, picture_model: Path, looks: list[int]
) -> None:
    twin = add_video(folders / "copy", [(2, view("apple", "snow"))], sampled_hash=clip.sampled_hash)
    (folders / "proxy_video" / twin.proxies.get().path).write_bytes(
        (folders / "proxy_video" / clip.proxies.get().path).read_bytes()
    )
    twin.proxies.update(size_bytes=clip.proxies.get().size_bytes)
    pictures.see_file(clip)

    report = pictures.see_file(twin)

    assert (report.embedded, report.reused) == (0, 3)
    assert looks == [3]


def test_a_picture_is_seen_without_a_second(folders: Path, picture_model: Path) -> None:
    photo = add_picture(folders / "media", view("rose", "sea"))

    pictures.see_file(photo)

    assert seen_of(photo) == [(0, None, None)]


def test_a_video_without_one_good_frame_is_done_and_not_tried_for_ever(folders: Path, picture_model: Path) -> None:
    black = add_video(folders / "media", [(2, scene("black"))])

    assert str(pictures.see_file(black)) == "There is not one frame worth looking at"
    assert not facets.flag(black, "is_seen")
    assert actions.estimate("see", File.objects.all(), {}).todo == 0


def test_other_frames_replace_what_was_seen_before(clip: File, picture_model: Path, settings: Any) -> None:
    pictures.see_file(clip)
    before = seen_of(clip)
    settings.FRAME_SECONDS = 0.5

    choosing.choose_frames(clip, force=True)
    index.index_text(clip, kinds=["seen"])

    assert set(seen_of(clip)) <= set(before)
    assert repair.check() == []


class TestAnImport:
    def test_goes_on_until_frames_are_seen(self, clip: File, picture_model: Path) -> None:
        media_ready.send(File, file=clip, reason="")
        run_until_idle()

        assert len(seen_of(clip)) == 3
        assert Job.objects.get(kind="see").message == "3 frames, 3 looked at"
        assert not Notice.objects.filter(key=picture_tasks.NOTICE).exists()

    def test_without_the_model_it_makes_one_notice_and_no_job_and_goes_on_when_the_model_is_there(
        self, clip: File, folders: Path, settings: Any, tmp_path: Path
    ) -> None:
        settings.PICTURE_MODEL_DIR, settings.PICTURE_MODEL = tmp_path, "tiny"
        photo = add_picture(folders / "photos", view("rose", "sea"))
        for file in (clip, photo):
            media_ready.send(File, file=file, reason="")
        run_until_idle()
        picture_tasks.sweep()
        assert not Job.objects.filter(kind="see").exists()
        assert "tiny" in Notice.objects.get(key=picture_tasks.NOTICE).text

        write_tiny_clip(tmp_path / "tiny")
        picture_tasks.sweep()
        run_until_idle()

        assert (len(seen_of(clip)), len(seen_of(photo))) == (3, 1)
        assert not Notice.objects.filter(key=picture_tasks.NOTICE).exists()
        picture_tasks.sweep()
        assert Job.objects.filter(kind="see").count() == 2

    def test_looks_at_nothing_where_the_steps_or_the_provider_say_so(
        self, clip: File, picture_model: Path, settings: Any
    ) -> None:
        settings.IMPORT_STEPS = ["proxy", "read"]
        media_ready.send(File, file=clip, reason="")
        run_until_idle()
        settings.IMPORT_STEPS, settings.PICTURE_PROVIDER = ["see"], "off"
        picture_tasks.request_if_free(clip)
        picture_tasks.sweep()

        assert not Job.objects.filter(kind="see").exists()
        assert not Notice.objects.exists()

    def test_with_its_file_everything_seen_goes(self, clip: File, picture_model: Path) -> None:
        pictures.see_file(clip)

        remove_file(clip)

        assert not Chunk.objects.exists()
        assert repair.check() == []


class TestTheAction:
    def test_says_what_it_would_do_and_does_it(self, clip: File, folders: Path, picture_model: Path) -> None:
        make_file(media_type="audio")
        everything = File.objects.all()

        plan = actions.estimate("see", everything, {})
        actions.start_action("see", everything, {})
        run_until_idle()

        assert (plan.total, plan.todo, plan.already_done) == (2, 1, 0)
        assert actions.estimate("see", everything, {}).already_done == 1
        assert (picture_facet.badge(clip) or plan).text == "Seen"  # type: ignore[union-attr]

    def test_is_refused_with_what_to_do_where_nobody_sees(self, clip: File, settings: Any, tmp_path: Path) -> None:
        settings.PICTURE_MODEL_DIR = tmp_path

        (refusal,) = actions.estimate("see", File.objects.all(), {}).refusals

        assert "not here yet" in refusal
        assert "download_model" in refusal
        with pytest.raises(ProviderUnavailableError):
            picture_tasks.request_see(clip)

    def test_a_space_of_texts_only_is_not_asked_to_look(self, clip: File) -> None:
        with pytest.raises(SpaceError, match="reads text only"):
            pictures.see_file(clip, space=spaces.active())
