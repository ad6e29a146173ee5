"""What is written is read back by two independent libraries, and both see the same."""

import html
import io
import json
import re
from datetime import timedelta

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from transcription.segments import SpokenSegment, Word
from transcription.subtitles import reader, writers
from transcription.subtitles.cues import LINES, clean, cues

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
    return bare("".join(clean(s.text) for s in segments))


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
    text = writers.to_vtt(segments)
    expected = cues(segments)
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
    assume(not any(re.search(r"\d:\d.*\d:\d", cue.text) for cue in cues(segments)))
    text = writers.to_srt(segments)
    if not cues(segments):
        assert text == ""
        return

    one, other = cues_by_srt(text), cues_by_pysubs2(text, "srt")

    assert one == other
    assert len(one) == len(cues(segments))
    assert "-->" not in "".join(c[2] for c in one)


@settings(deadline=None, max_examples=150)
@given(transcripts())
def test_cues_are_in_order_and_of_readable_length(segments: list[SpokenSegment]) -> None:
    made = cues(segments)

    assert all(cue.end_ms > cue.start_ms for cue in made)
    assert [cue.start_ms for cue in made] == sorted(cue.start_ms for cue in made)
    assert all(0 < len(cue.lines) <= LINES for cue in made)
    assert all(line.strip() for cue in made for line in cue.lines)


@settings(deadline=None, max_examples=100)
@given(transcripts())
def test_what_we_write_we_read(segments: list[SpokenSegment]) -> None:
    if not cues(segments):
        return

    back, passed_over = reader.parse(writers.to_vtt(segments))

    assert said(back) == said(segments)
    assert passed_over == []


@pytest.mark.parametrize("text", AWKWARD)
def test_the_json_keeps_the_text_as_it_is(text: str) -> None:
    written = json.loads(writers.write("json", [segment(text)], {"language": "en"}))

    assert written["language"] == "en"
    assert written["segments"][0]["text"] == text


@pytest.mark.parametrize("text", AWKWARD)
def test_the_text_file_has_one_line_a_segment(text: str) -> None:
    assert writers.write("txt", [segment(text), segment(" \n")]) == clean(text) + "\n"


def test_a_long_segment_is_cut_at_its_words_times() -> None:
    words = tuple(Word(start_s=i * 1.0, end_s=i + 0.9, text=f" word{i}") for i in range(20))
    long = segment(" ".join(w.text.strip() for w in words), 0.0, 19.9, words=words)

    made = cues([long])

    assert [(c.start_ms, c.end_ms) for c in made] == [(0, 6900), (7000, 13900), (14000, 19900)]
    assert made[0].text == "word0 word1 word2 word3 word4 word5 word6"


def test_a_corrected_segment_does_not_use_the_old_words() -> None:
    words = (Word(start_s=1.0, end_s=1.5, text="wrong"),)

    (cue,) = cues([segment("right", 1.0, 3.0, words=words, is_corrected=True)])

    assert (cue.start_ms, cue.end_ms, cue.text) == (1000, 3000, "right")


def test_emoji_sequences_are_never_cut_in_two() -> None:
    family = "👨‍👩‍👧‍👦"

    made = cues([segment(family * 30)])

    assert all(line == family * (len(line) // len(family)) for cue in made for line in cue.lines)


def test_long_clips_have_three_digits_of_hours() -> None:
    text = writers.to_vtt([segment("late", 400_000.0, 400_001.5)])

    assert "111:06:40.000 --> 111:06:41.500" in text
