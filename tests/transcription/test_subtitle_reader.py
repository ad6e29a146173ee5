"""Subtitle files as people have them: each line of text once, at its time, or reported."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.errors import BadSubtitlesError
from transcription.subtitles import reader
from transcription.subtitles.reader import parse, read, read_bytes


def cues(text: str) -> list[tuple[float, float, str]]:
    """What is read of a text, where nothing is reported."""
    segments, passed_over = parse(text)
    assert passed_over == []
    return [(segment.start_s, segment.end_s, segment.text) for segment in segments]


def texts(text: str) -> list[str]:
    return [said for _, _, said in cues(text)]


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "start_s", "end_s"),
    [
        ("00:00:01,000 --> 00:00:03,500", 1.0, 3.5),
        ("00:00:01.000 --> 00:00:03.500", 1.0, 3.5),
        ("0:0:1,0 --> 0:0:3,5", 1.0, 3.5),
        ("00:01,000 --> 00:03,500", 1.0, 3.5),
        ("00:00:01 --> 00:00:03", 1.0, 3.0),
        ("00:00:01:000 --> 00:00:03:500", 1.0, 3.5),
        ("00.00.01.000 --> 00.00.03.500", 1.0, 3.5),
        ("1.000 --> 3.500", 1.0, 3.5),
        ("00: 00: 01, 000 --> 00: 00: 03, 500", 1.0, 3.5),
        ("00:00:01,000-->00:00:03,500", 1.0, 3.5),
        ("00:00:01,000 -> 00:00:03,500", 1.0, 3.5),
        ("00:00:01,000 – > 00:00:03,500", 1.0, 3.5),
        ("00:00:01,000 → 00:00:03,500", 1.0, 3.5),
        ("00：00：01，000 --> 00：00：03，500", 1.0, 3.5),
        ("OO:OO:O1,000 --> 00:00:03,5OO", 1.0, 3.5),
        ("  00:00:01,000 --> 00:00:03,500  align:start position:0%", 1.0, 3.5),
        ("00:00:01,000 --> 00:00:03,500 X1:100 X2:200 Y1:1 Y2:2", 1.0, 3.5),
        ("0:00:01.000,0:00:03.500", 1.0, 3.5),
        ("-00:00:02,000 --> 00:00:01,000", 0.0, 1.0),
        ("00:00:05,000 --> 00:00:03,000", 5.0, 5.0),
        ("100:00:01,000 --> 100:00:02,000", 360001.0, 360002.0),
        ("1234:00:00,000 --> 1234:00:01,000", 4442400.0, 4442401.0),
        ("00:00:01,000 --> 00:00:", 1.0, 3.0),
    ],
)
def test_knows_a_time_however_it_is_written(line: str, start_s: float, end_s: float) -> None:
    assert cues(f"1\n{line}\nGood morning\n") == [(start_s, end_s, "Good morning")]


def test_text_behind_the_times_is_text() -> None:
    assert texts("00:00:01,000 --> 00:00:03,000 Good morning\n") == ["Good morning"]


def test_text_with_an_arrow_is_text() -> None:
    assert texts("1\n00:00:01,000 --> 00:00:03,000\nA --> B at 5\nso x -> y\n") == ["A --> B at 5 so x -> y"]


def test_a_time_that_cannot_be_read_is_reported_with_its_text() -> None:
    segments, passed_over = parse(
        "1\n00:00:01,000 --> 00:00:02,000\nfirst\n\n2\n##:00:?3,000 --> 00:00:04,000\nsecond\n\n"
        "3\n00:00:05,000 --> 00:00:06,000\nthird\n"
    )

    assert [segment.text for segment in segments] == ["first", "third"]
    assert passed_over == ["line 6: ##:00:?3,000 --> 00:00:04,000", "line 7: second"]


# --- numbers, names and comments ----------------------------------------------------------------------------------


def test_a_last_line_that_is_a_number_is_text() -> None:
    text = "1\n00:00:01,000 --> 00:00:03,000\nThe year was\n1984\n\n2\n00:00:05,000 --> 00:00:07,000\nThe answer is\n42"

    assert texts(text) == ["The year was 1984", "The answer is 42"]


def test_the_number_of_a_cue_that_is_missing_is_no_text_and_is_reported() -> None:
    segments, passed_over = parse("1\n00:00:01,000 --> 00:00:03,000\nThe answer\n\n2\n")

    assert [segment.text for segment in segments] == ["The answer"]
    assert passed_over == ["line 5: 2"]


def test_numbers_in_a_file_without_numbering_are_text() -> None:
    text = "00:00:01,000 --> 00:00:03,000\nFlight\n747\n\n00:00:05,000 --> 00:00:07,000\n12\n00:00:08 --> 00:00:09\ngo"

    assert texts(text) == ["Flight 747", "12", "go"]


def test_numbers_are_known_where_the_empty_lines_are_missing() -> None:
    text = "1\n00:00:01 --> 00:00:02\nfirst\n2\n00:00:03 --> 00:00:04\nsecond\n3\n00:00:05 --> 00:00:06\n7\n"

    assert texts(text) == ["first", "second", "7"]


def test_numbers_are_known_where_there_are_too_many_empty_lines() -> None:
    text = "1\n\n00:00:01,000 --> 00:00:02,000\n\nfirst\n\n\n2\n\n00:00:03,000 --> 00:00:04,000\n\nsecond\n\nof two\n"

    assert texts(text) == ["first", "second of two"]


def test_names_that_look_like_comments_are_names() -> None:
    text = (
        "WEBVTT\n\nNOTES-1\n00:01.000 --> 00:03.000\none\n\nREGIONAL\n00:05.000 --> 00:07.000\ntwo\n\n"
        "NOTE 3\n00:08.000 --> 00:09.000\nthree\n"
    )

    assert texts(text) == ["one", "two", "three"]


def test_comments_styles_and_the_header_are_no_text() -> None:
    text = (
        "WEBVTT - a title\nKind: captions\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot spoken\n\n"
        "REGION\nid:fred\n\n00:01.000 --> 00:03.000\none\n\n"
        "NOTE neither is this\n\n00:05.000 --> 00:07.000\nNOTE well\n"
    )

    assert texts(text) == ["one", "NOTE well"]


def test_a_line_torn_from_its_cue_stays_with_it() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:03.000\none\n\nand two more\n00:05.000 --> 00:07.000\nthree\n\n"
        "00:08.000 --> 00:09.000\nfour\n"
    )

    assert texts(text) == ["one and two more", "three", "four"]


def test_lines_before_the_first_time_are_reported() -> None:
    segments, passed_over = parse("made by hand\n\n1\n00:00:01,000 --> 00:00:02,000\nfirst\n")

    assert [segment.text for segment in segments] == ["first"]
    assert passed_over == ["line 1: made by hand"]


# --- text and markup ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<i>Good</i> {\\an8}morning", "Good morning"),
        ('<font color="#ffffff">Good</font> <b>morning</b>', "Good morning"),
        ("{y:i}Good {c:$0000ff}morning", "Good morning"),
        ("<v Bob>Good <c.loud>morning</c></v>", "Good morning"),
        ("so<00:00:00.719><c> today</c>", "so today"),
        ("if a < b and c > d then stop", "if a < b and c > d then stop"),
        ("the range is <5 volts or >9 volts", "the range is <5 volts or >9 volts"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&lt;music&gt; &quot;hi&quot; &#9834; &#x266A;", '<music> "hi" ♪ ♪'),
        ("AT&T, R&D; and &copy without an end", "AT&T, R&D; and &copy without an end"),
        ("one<br/>two", "one two"),
        ("one\\Ntwo", "one two"),
        ("C:\\New\\hello", "C:\\New\\hello"),
        ("{\\p1}m 0 0 l 100 0{\\p0}a box", "a box"),
        ("{just a brace}", "{just a brace}"),
        ("\u200f\u202bשלום\u202c", "\u200f\u202bשלום\u202c"),
    ],
)
def test_markup_goes_and_text_stays(raw: str, text: str) -> None:
    assert texts(f"1\n00:00:01,000 --> 00:00:03,000\n{raw}\n") == [text]


ASS_HEAD = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def test_ass_without_overrides_notes_comments_and_drawings() -> None:
    text = ASS_HEAD + (
        "Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,hidden\n"
        "Dialogue: 0,0:00:01.00,0:00:03.00,Default,Ann,0,0,0,,{\\i1}Hello{\\i0}, dear\\Nfriends\\hthere\n"
        "Dialogue: 0,0:00:05.00,0:00:07.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}\n"
        "Dialogue: 1,0:00:05.00,0:00:07.00,Default,,0,0,0,,{\\k20}ka{\\k30}ra{\\k40}oke\n"
        "Dialogue: 0,0:00:08.00,0:00:09.50,Default,,0,0,0,,last {a note} line\n"
    )

    assert cues(text) == [(1.0, 3.0, "Hello, dear friends there"), (5.0, 7.0, "karaoke"), (8.0, 9.5, "last line")]


def test_damaged_lines_of_a_script_are_reported() -> None:
    segments, passed_over = parse(
        ASS_HEAD + "Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,one, two\n"
        "Dialogue: 0,never,0:00:03.00,,,0,0,0,,three\nfour\n"
        "Dialoge: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,five\n"
    )

    assert [segment.text for segment in segments] == ["one, two", "five"]
    assert passed_over == ["line 11: Dialogue: 0,never,0:00:03.00,,,0,0,0,,three", "line 12: four"]


# --- captions that roll -------------------------------------------------------------------------------------------

ROLLING = """1
00:00:00,480 --> 00:00:02,790
so today we plant tulips

2
00:00:02,790 --> 00:00:02,800
so today we plant tulips
\x20

3
00:00:02,800 --> 00:00:05,190
so today we plant tulips
in the south garden

4
00:00:05,190 --> 00:00:05,200
in the south garden
\x20

5
00:00:05,200 --> 00:00:08,000
in the south garden
before the frost
"""


def test_captions_that_roll_have_each_line_once() -> None:
    assert cues(ROLLING) == [
        (0.48, 2.8, "so today we plant tulips"),
        (2.8, 5.2, "in the south garden"),
        (5.2, 8.0, "before the frost"),
    ]


def test_a_refrain_is_kept_as_often_as_it_is_sung() -> None:
    text = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\nla la la\n\n" for n in range(1, 6))

    assert texts(text) == ["la la la"] * 5


# --- which file it is ---------------------------------------------------------------------------------------------

SRT = "1\n00:00:01,000 --> 00:00:03,000\nSchöne Grüße\n\n2\n00:00:05,000 --> 00:00:07,000\nzweite\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_end(end: str) -> None:
    assert texts(SRT.replace("\n", end)) == ["Schöne Grüße", "zweite"]


@pytest.mark.parametrize(
    "text", [SRT, "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n", ASS_HEAD + "Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,Hi"]
)
@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".ass"])
def test_the_content_says_what_it_is_and_not_the_name(text: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"talk{suffix}"
    path.write_text(text)

    assert read(path).segments[0].start_s == 1.0


@pytest.mark.parametrize("raw", [b"", b"\n\n", "\ufeff".encode(), b"WEBVTT\n\n", b"\xff\xfe"])
def test_an_empty_file_is_said_to_be_empty(raw: bytes) -> None:
    with pytest.raises(BadSubtitlesError, match="is empty"):
        read_bytes(raw)


@pytest.mark.parametrize("raw", [b"\x00\x01 not a subtitle at all", b"just a letter", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_says_so_when_a_file_is_no_subtitle_file(raw: bytes) -> None:
    with pytest.raises(BadSubtitlesError, match=r"talk\.srt"):
        read_bytes(raw, name="talk.srt")


def test_a_missing_or_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSubtitlesError, match="cannot be read"):
        read(tmp_path / "gone.srt")
    (tmp_path / "big.srt").write_text("x" * 100)
    monkeypatch.setattr(reader, "LARGEST_FILE_BYTES", 99)
    with pytest.raises(BadSubtitlesError, match="too large"):
        read(tmp_path / "big.srt")


# --- properties ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=400) | st.text(alphabet="0123456789:,.->< \n\r\tabWEBVTT{}\\&;", max_size=400))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    segments, passed_over = parse(text)

    assert all(0 <= segment.start_s <= segment.end_s and segment.text for segment in segments)
    assert [segment.start_s for segment in segments] == sorted(segment.start_s for segment in segments)
    assert all(line.startswith("line ") for line in passed_over)


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöü", min_size=1, max_size=8)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.lists(words, min_size=2, max_size=4), st.integers(0, 9)), min_size=1, max_size=8),
    st.sampled_from(["srt", "vtt", "bare"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_every_line_is_read_once_at_its_time(
    spoken: list[tuple[list[str], int]], form: str, end: str, has_empty_lines: bool
) -> None:
    blocks = []
    for number, (line, digit) in enumerate(spoken, start=1):
        time = f"00:{number:02}:00.000 --> 00:{number:02}:02.000"
        head = {"srt": [str(number), time], "vtt": [f"cue-{number}", time], "bare": [time]}[form]
        blocks.append(end.join([*head, " ".join(line), f"{digit}{digit} x"]))
    gap = end * 2 if has_empty_lines or form == "vtt" else end
    text = ("WEBVTT" + end * 2 if form == "vtt" else "") + gap.join(blocks)

    assert cues(text) == [
        (60.0 * number, 60.0 * number + 2, f"{' '.join(line)} {digit}{digit} x")
        for number, (line, digit) in enumerate(spoken, start=1)
    ]
