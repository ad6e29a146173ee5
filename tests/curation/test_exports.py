"""Collections and selections in the forms of other programs, read back where something can read them."""

import csv
import io
import zipfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from curation.exports import edl, fcpxml
from curation.exports.clip import Clip, ClipList
from files.models import File
from tests.files.factories import make_file, make_root
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def reel(api: APIClient) -> str:
    """A moment of a film at 25, a whole one at 29.97, a picture and a sound, in this order; its address."""
    root = make_root("/media/my drive")
    pond = make_file(root, "a/pond 1.mp4", duration_s=60.0)
    liner = make_file(root, "b/liner.mov", frame_rate=30000 / 1001, duration_s=10.01, audio_codec="")
    still = make_file(
        root, "c/koi.jpg", media_type=File.MediaType.IMAGE, duration_s=None, frame_rate=None, audio_codec=""
    )
    sound = make_file(root, "d/wind.wav", media_type=File.MediaType.AUDIO, frame_rate=None, width=None, height=None)
    api.patch(f"/api/files/{liner.pk}", {"tags": ["wide", "=1+1"], "rating": 4, "note": "keep & show <all>"})
    body = {"file_id": pond.pk, "start_s": 10, "end_s": 12.4, "name": "Leap", "tags": ["koi"], "note": "best"}
    moment = api.post("/api/moments", body).json()
    collection = f"/api/collections/{api.post('/api/collections', {'name': 'Reel 1'}).json()['id']}"
    api.post(f"{collection}/items", {"moment_id": moment["id"]})
    for file in (liner, still, sound):
        api.post(f"{collection}/items", {"file_id": file.pk})
    return collection


@pytest.mark.django_db
def test_a_timeline_reads_back_with_names_ranges_and_media(api: APIClient, reel: str) -> None:
    otio = pytest.importorskip("opentimelineio")

    answer = api.get(f"{reel}/export?format=otio")
    timeline = otio.adapters.read_from_string(answer.content.decode(), "otio_json")

    picture, sound = timeline.tracks
    leap, liner, still, gap = picture
    assert answer["Content-Disposition"] == 'attachment; filename="Reel 1.otio"'
    assert [clip.name for clip in (leap, liner, still)] == ["Leap", "liner.mov", "koi.jpg"]
    assert leap.media_reference.target_url == "file:///media/my%20drive/a/pond%201.mp4"
    assert (leap.source_range.start_time.value, leap.source_range.duration.value) == (250, 60)
    assert liner.source_range.duration.rate == pytest.approx(30000 / 1001)
    assert isinstance(gap, otio.schema.Gap)
    assert [type(item).__name__ for item in sound] == ["Clip", "Gap", "Gap", "Clip"]
    assert picture.duration().to_seconds() == pytest.approx(sound.duration().to_seconds())
    assert list(leap.metadata["novaproject"]["tags"]) == ["koi"]


@pytest.mark.django_db
def test_an_fcpxml_names_each_asset_once_and_lays_clips_end_to_end(api: APIClient, reel: str) -> None:
    tree = ElementTree.fromstring(api.get(f"{reel}/export?format=fcpxml").content)

    assets = tree.findall("resources/asset")
    clips = list(tree.findall("library/event/project/sequence/spine/*"))
    times = [(_seconds(clip, "offset"), _seconds(clip, "duration")) for clip in clips]
    sources = [element.get("src") for element in tree.iter("media-rep")]
    assert sources[0] == "file:///media/my%20drive/a/pond%201.mp4"
    assert len({asset.get("id") for asset in assets}) == 4
    assert [clip.tag for clip in clips] == ["asset-clip", "asset-clip", "video", "asset-clip"]
    assert all(later == before + length for (before, length), (later, _) in pairwise(times))
    assert (clips[0].get("name"), clips[0].get("start")) == ("Leap", "10s")
    assert clips[1].findtext("note") == "keep & show <all>"
    assert [keyword.get("value") for keyword in clips[1].findall("keyword")] == ["=1+1", "wide"]
    known = {element.get("id") for element in tree.find("resources") or ()}
    assert {clip.get("ref") for clip in clips} | {asset.get("format") for asset in assets} - {None} <= known


def _seconds(element: ElementTree.Element, name: str) -> Fraction:
    return Fraction((element.get(name) or "").removesuffix("s"))


@pytest.mark.django_db
def test_an_edl_has_an_event_a_clip_and_names_its_file(api: APIClient, reel: str) -> None:
    lines = api.get(f"{reel}/export?format=edl").content.decode().splitlines()

    events = [line.split() for line in lines if line[:3].isdigit()]
    assert lines[:2] == ["TITLE: Reel 1", "FCM: NON-DROP FRAME"]
    assert events[0] == ["001", "AX", "B", "C", "00:00:10:00", "00:00:12:10", "00:00:00:00", "00:00:02:10"]
    assert [event[2] for event in events] == ["B", "V", "V", "A"]
    assert [event[6] for event in events[1:]] == [event[7] for event in events[:-1]]
    assert "* SOURCE FILE: /media/my drive/a/pond 1.mp4" in lines


@pytest.mark.django_db
def test_a_list_has_a_row_a_clip_and_no_formula(api: APIClient, reel: str) -> None:
    rows = list(csv.DictReader(io.StringIO(api.get(f"{reel}/export").content.decode())))

    assert [row["name"] for row in rows] == ["Leap", "liner.mov", "koi.jpg", "wind.wav"]
    assert (rows[0]["start_s"], rows[0]["end_s"], rows[0]["duration_s"]) == ("10.0", "12.4", "2.4")
    assert (rows[1]["tags"], rows[1]["rating"]) == ("'=1+1, wide", "4")
    assert rows[2]["end_s"] == ""


@pytest.mark.django_db
def test_a_zip_has_the_subtitles_of_each_file_under_a_name_of_its_own(api: APIClient) -> None:
    files = [make_file(make_root(), "card/C0001.mp4") for _ in range(2)]
    for file in files:
        said = [SpokenSegment(start_s=0, end_s=2, text=f"Hello {file.pk}")]
        save_transcript(file, NewTranscript(provider="sidecar", segments=said))

    archive = zipfile.ZipFile(io.BytesIO(api.get("/api/files/export?format=zip&q=card").content))

    names = {f"C0001_{file.pk}.{ending}" for file in files for ending in ("srt", "vtt")}
    assert set(archive.namelist()) == {"clips.csv", *names}
    assert f"Hello {files[1].pk}" in archive.read(f"C0001_{files[1].pk}.srt").decode()


@pytest.mark.django_db
def test_an_export_says_when_there_is_nothing_or_no_such_format(api: APIClient) -> None:
    empty = f"/api/collections/{api.post('/api/collections', {'name': 'Empty'}).json()['id']}"

    assert api.get(f"{empty}/export").status_code == 409
    assert api.get("/api/files/export?format=doc&q=x").status_code in (400, 409)
    assert api.get("/api/files/export?nonsense=1").status_code == 400


def _clip(**fields: Any) -> Clip:
    values: dict[str, Any] = {
        "file_id": 1, "file_name": "a.mp4", "path": Path("/media/a.mp4"), "name": "a", "media_type": "video",
        "start_s": 0.0, "end_s": 2.0, "duration_s": 4.0, "frame_rate": 25.0, "width": 640, "height": 480,
        "has_audio": True,
    }  # fmt: skip
    return Clip(**{**values, **fields})


@pytest.mark.parametrize("rate", [None, 0.0, 23.976, 29.97, 59.94, 120.0, 100_000.0])
def test_any_frame_rate_makes_clips_of_at_least_a_frame(rate: float | None) -> None:
    source = ClipList(name="x", clips=[_clip(frame_rate=rate, start_s=1.0, end_s=1.0001), _clip(frame_rate=rate)])

    spine = ElementTree.fromstring(fcpxml.write(source)).findall(".//asset-clip")

    assert all(_seconds(clip, "duration") > 0 for clip in spine)
    assert edl.write(source).count("FROM CLIP NAME") == 2


def test_names_hold_no_line_or_control_character() -> None:
    source = ClipList(name="two\nlines", clips=[_clip(name="a\x07b\nc", file_name="x\ny.mp4", note="bell \x07")])

    assert ElementTree.fromstring(fcpxml.write(source)).find(".//asset-clip") is not None
    assert "TITLE: two lines\n" in edl.write(source)
