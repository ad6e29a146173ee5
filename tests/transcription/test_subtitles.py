"""What is written is read back by two independent libraries, and both see the same."""

import html
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from transcription import subtitles
from transcription.errors import BadSubtitlesError
from transcription.segments import SpokenSegment, Word

ASS = (
    "[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}Good{\\i0}\\Nmorning\n"
)
AWKWARD = [
    "A --> B & <script>alert(1)</script>",
    "-->",
    "first\n\nsecond\r\n\r\n\nthird",
    "שלום עולם, مرحبا بالعالم",
    "family 👨‍👩‍👧‍👦 flag 🇩🇪 skin 👍🏽 " * 6,
    "1\n00:00:01,000 --> then\nNot a cue",
    "NOTE this is no comment",
    "STYLE\n::cue { color: red }",
    "&amp; &lt;b&gt; &nbsp;",
    "日本語のとても長い文章は空白なしで続きます" * 8,
    "tabs\tand\x0bseparators\u2028here\x85end\x00",
]


def segment(text: str, start_s: float = 1.0, end_s: float = 3.0, **more: object) -> SpokenSegment:
    return SpokenSegment(start_s=start_s, end_s=end_s, text=text, **more)  # type: ignore[arg-type]


def bare(text: str) -> str:
    """The text without any white space: where lines are broken is the writer's affair."""
    return re.sub(r"\s+", "", text)


def said(segments: list[SpokenSegment]) -> str:
    return bare("".join(subtitles.clean(s.text) for s in segments))


def cues_by_webvtt(text: str) -> list[tuple[int, int, str]]:
    captions = webvtt.from_buffer(io.StringIO(text)).captions
    return [(_ms(c.start), _ms(c.end), html.unescape(c.raw_text)) for c in captions]


def _ms(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def cues_by_pysubs2(text: str, kind: str) -> list[tuple[int, int, str]]:
    file = pysubs2.SSAFile.from_string(text, format_=kind, keep_html_tags=True)
    return [(e.start, e.end, html.unescape(_lines(e)) if kind == "vtt" else _lines(e)) for e in file]


def _lines(event: pysubs2.SSAEvent) -> str:
    return str(event.text).replace("\\N", "\n")


def cues_by_srt(text: str) -> list[tuple[int, int, str]]:
    def ms(delta: timedelta) -> int:
        return round(delta.total_seconds() * 1000)

    return [(ms(c.start), ms(c.end), c.content) for c in srt.parse(text)]


# pysubs2 reads a backslash as its own line break, so that one character stays out of the comparison with it.
texts = st.text(alphabet=st.characters(exclude_characters="\\"), min_size=1, max_size=200) | st.sampled_from(AWKWARD)


@st.composite
def transcripts(draw: st.DrawFn) -> list[SpokenSegment]:
    moment, made = 0.0, []
    for text in draw(st.lists(texts, min_size=1, max_size=6)):
        moment += draw(st.floats(0, 4000))
        end_s = moment + draw(st.floats(0, 30))
        made.append(segment(text, moment, end_s))
        moment = end_s
    return made


@settings(deadline=None, max_examples=150)
@given(transcripts())
def test_two_libraries_read_the_same_vtt(segments: list[SpokenSegment]) -> None:
    text = subtitles.to_vtt(segments)
    expected = subtitles.cues(segments)
    if not expected:
        assert text == "WEBVTT\n"
        return

    one, other = cues_by_webvtt(text), cues_by_pysubs2(text, "vtt")

    assert one == other == [(c.start_ms, c.end_ms, c.text) for c in expected]
    assert bare("".join(c[2] for c in one)) == said(segments)


@settings(deadline=None, max_examples=150)
@given(transcripts())
def test_two_libraries_read_the_same_srt(segments: list[SpokenSegment]) -> None:
    # pysubs2 takes any line with two clock times for the head of a cue, arrow or not; players do not.
    assume(not any(re.search(r"\d:\d.*\d:\d", cue.text) for cue in subtitles.cues(segments)))
    text = subtitles.to_srt(segments)
    if not subtitles.cues(segments):
        assert text == ""
        return

    one, other = cues_by_srt(text), cues_by_pysubs2(text, "srt")

    assert one == other
    assert len(one) == len(subtitles.cues(segments))
    assert "-->" not in "".join(c[2] for c in one)


@settings(deadline=None, max_examples=150)
@given(transcripts())
def test_cues_are_in_order_and_of_readable_length(segments: list[SpokenSegment]) -> None:
    made = subtitles.cues(segments)

    assert all(cue.end_ms > cue.start_ms for cue in made)
    assert [cue.start_ms for cue in made] == sorted(cue.start_ms for cue in made)
    assert all(0 < len(cue.lines) <= subtitles.LINES for cue in made)
    assert all(line.strip() for cue in made for line in cue.lines)


@settings(deadline=None, max_examples=100)
@given(transcripts())
def test_what_we_write_we_read(segments: list[SpokenSegment]) -> None:
    if not subtitles.cues(segments):
        return

    back = subtitles.parse(subtitles.to_vtt(segments), kind="vtt")

    assert said(back) == said(segments)


@pytest.mark.parametrize("text", AWKWARD)
def test_the_json_keeps_the_text_as_it_is(text: str) -> None:
    written = json.loads(subtitles.write("json", [segment(text)], {"language": "en"}))

    assert written["language"] == "en"
    assert written["segments"][0]["text"] == text


@pytest.mark.parametrize("text", AWKWARD)
def test_the_text_file_has_one_line_a_segment(text: str) -> None:
    assert subtitles.write("txt", [segment(text), segment(" \n")]) == subtitles.clean(text) + "\n"


def test_a_long_segment_is_cut_at_its_words_times() -> None:
    words = tuple(Word(start_s=i * 1.0, end_s=i + 0.9, text=f" word{i}") for i in range(20))
    long = segment(" ".join(w.text.strip() for w in words), 0.0, 19.9, words=words)

    cues = subtitles.cues([long])

    assert [(c.start_ms, c.end_ms) for c in cues] == [(0, 6900), (7000, 13900), (14000, 19900)]
    assert cues[0].text == "word0 word1 word2 word3 word4 word5 word6"


def test_a_corrected_segment_does_not_use_the_old_words() -> None:
    words = (Word(start_s=1.0, end_s=1.5, text="wrong"),)

    (cue,) = subtitles.cues([segment("right", 1.0, 3.0, words=words, is_corrected=True)])

    assert (cue.start_ms, cue.end_ms, cue.text) == (1000, 3000, "right")


def test_emoji_sequences_are_never_cut_in_two() -> None:
    family = "👨‍👩‍👧‍👦"

    cues = subtitles.cues([segment(family * 30)])

    assert all(line == family * (len(line) // len(family)) for cue in cues for line in cue.lines)


def test_long_clips_have_three_digits_of_hours() -> None:
    text = subtitles.to_vtt([segment("late", 400_000.0, 400_001.5)])

    assert "111:06:40.000 --> 111:06:41.500" in text


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("srt", "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Good</i> {\\an8}morning\r\n\r\n"),
        (
            "vtt",
            "WEBVTT\n\nSTYLE\n::cue{}\n\nid\n00:01.000 --> 00:02.500 align:start\n<v Bob>Good morning\n\nNOTE x\n\n",
        ),
        (
            "ass",
            ASS,
        ),
    ],
)
def test_reads_the_usual_formats_without_their_markup(kind: str, text: str) -> None:
    assert subtitles.parse(text, kind=kind) == [SpokenSegment(start_s=1.0, end_s=2.5, text="Good morning")]


@pytest.mark.parametrize(
    "raw", ["é".encode(), "é".encode("utf-8-sig"), "é".encode("utf-16"), "é".encode("cp1252")], ids=str
)
def test_reads_the_encodings_that_people_have(raw: bytes) -> None:
    assert subtitles.decode(raw) == "é"


@pytest.mark.parametrize("kind", ["srt", "vtt", "ass"])
def test_says_so_when_a_file_is_no_subtitle_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(b"\x00\x01 not a subtitle at all")

    with pytest.raises(BadSubtitlesError, match="clip"):
        subtitles.read(path)


def test_an_empty_file_has_no_segments(tmp_path: Path) -> None:
    path = tmp_path / "clip.vtt"
    path.write_text("WEBVTT\n\n")

    assert subtitles.read(path) == []


def test_a_missing_or_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSubtitlesError, match="cannot be read"):
        subtitles.read(tmp_path / "gone.srt")
    (tmp_path / "big.srt").write_text("x" * 100)
    monkeypatch.setattr(subtitles, "LARGEST_FILE_BYTES", 99)
    with pytest.raises(BadSubtitlesError, match="too large"):
        subtitles.read(tmp_path / "big.srt")
