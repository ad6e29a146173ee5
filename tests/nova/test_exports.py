"""Exports, read back by the programs and rules that they are for."""

import csv
import io
import json
from fractions import Fraction
from typing import Any

import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.exports import csv_file, edl, json_file
from nova.exports import webvtt as webvtt_file
from nova.exports.source import ExportSource
from nova.exports.timecode import Rate
from tests.nova.reply_samples import CHAPTERS, RESULTS

FOUND: list[dict[str, Any]] = CHAPTERS["chapters"]


def chapter(title: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"index": 1, "title": title, "start_s": start_s, "end_s": end_s, "summary": "", "key_points": []}


def source(chapters: list[dict[str, Any]], **facts: Any) -> ExportSource:
    return ExportSource(**{"name": "x", "results": {"chapters": {"chapters": chapters}}, **facts})


def test_vtt_has_a_cue_for_each_chapter() -> None:
    captions = webvtt.from_buffer(io.StringIO(webvtt_file.write(source(FOUND)))).captions

    assert [(cue.start, cue.end, cue.text) for cue in captions] == [
        ("00:00:00.000", "00:00:07.500", "The viaduct"),
        ("00:00:07.500", "00:00:21.000", 'The "sleeping" car'),
    ]


@settings(max_examples=30)
@given(st.text(max_size=40), st.floats(0, 90_000), st.floats(0, 100))
def test_no_title_breaks_a_vtt(title: str, start_s: float, length_s: float) -> None:
    text = webvtt_file.write(source([chapter(title, start_s, start_s + length_s), chapter("--> <b>&", 1, 2)]))

    captions = webvtt.from_buffer(io.StringIO(text)).captions

    assert len(captions) == 2
    assert captions[1].raw_text == "--&gt; &lt;b&gt;&amp;"
    assert captions[0].start < captions[0].end or start_s > 86_400


def test_an_edl_of_whole_frames() -> None:
    assert edl.write(source(FOUND, name="train\n.mp4", frame_rate=24.0)) == (
        "TITLE: train .mp4\n"
        "FCM: NON-DROP FRAME\n"
        "\n"
        "001  AX       V     C        00:00:00:00 00:00:07:12 00:00:00:00 00:00:07:12\n"
        "* FROM CLIP NAME: train .mp4\n"
        "* COMMENT: The viaduct\n"
        "\n"
        "002  AX       V     C        00:00:07:12 00:00:21:00 00:00:07:12 00:00:21:00\n"
        "* FROM CLIP NAME: train .mp4\n"
        '* COMMENT: The "sleeping" car\n'
    )


def test_an_edl_at_29_97_is_drop_frame() -> None:
    text = edl.write(source([chapter("One", 60.0, 3600.0)], frame_rate=29.97))

    assert "FCM: DROP FRAME" in text
    assert "00:00:59;28 01:00:00;00" in text


@pytest.mark.parametrize(
    ("measured", "exact"),
    [
        (29.97, Fraction(30000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (1, Fraction(1)),
        (29.4, Fraction(29)),
        (5, Fraction(5)),
    ],
)
def test_a_measured_rate_is_taken_for_what_it_means(measured: float, exact: Fraction) -> None:
    assert Rate.of(measured).exact == exact


def test_there_is_no_timecode_without_a_frame_rate() -> None:
    with pytest.raises(ValueError, match="No frame rate"):
        edl.write(source(FOUND, frame_rate=0.0))


def test_json_has_everything() -> None:
    text = json_file.write(ExportSource(name="train.mp4", results=RESULTS, duration_s=21.0))

    assert json.loads(text) == {"file": "train.mp4", "duration_s": 21.0, "made_by": {}, "results": RESULTS}


def rows(results: dict[str, Any]) -> list[list[str]]:
    """The cells that tell of results, without who made them."""
    found = csv.reader(io.StringIO(csv_file.write(ExportSource(name="x", results=results)), newline=""))
    return [row[:6] for row in found]


def test_csv_has_a_row_for_each_thing_and_time() -> None:
    found = rows(RESULTS)

    assert found[0] == list(csv_file.COLUMNS[:6])
    assert ["chapters", "chapters", "The viaduct", "0", "7.5"] in [row[:5] for row in found]
    assert [row[3:5] for row in found if row[2] == "locomotive"] == [["0.0", "5.5"], ["9", "12"]]
    assert ["elements", "people.max_count", "", "", "", "2"] in found
    assert ["summary", "text", "", "", "", RESULTS["summary"]["text"]] in found
    narrator = next(row for row in found if row[2] == "speaker_1")
    assert narrator[5] == "role: narrator; speaking_percentage: 100"


def test_csv_names_the_model_by_its_key_and_as_aws_does() -> None:
    maker = {"model": "lite", "model_id": "amazon.nova-2-lite-v1:0"}
    source = ExportSource(name="x", results={"own": {"note": "a"}}, made_by={"own": maker})

    (row,) = csv.DictReader(io.StringIO(csv_file.write(source)))

    assert (row["model"], row["model_id"]) == ("lite", "amazon.nova-2-lite-v1:0")


@settings(max_examples=60)
@given(st.sampled_from([*"=+-@\t\r\n＝"]), st.text(max_size=20))
def test_no_cell_is_a_formula(start: str, rest: str) -> None:
    evil = start + rest
    found = rows({"own": {"note": evil, evil: [{"name": evil, "start_s": 1, "end_s": 2}, evil], "x": [evil, evil]}})

    assert all(not cell.startswith(csv_file.FORMULA_STARTS) for row in found for cell in row)
    assert ["own", "note", "", "", "", f"'{evil}"] in found
