"""Subtitle files of every form, damaged by a seeded hand: nothing crashes or hangs, and no line of text is lost.

`make fuzz-media` does 2,000; FUZZ_SUBTITLES says how many.
"""

import os
import random
import re
from contextlib import suppress

import pytest

from transcription.errors import BadSubtitlesError
from transcription.subtitles.encodings import decode
from transcription.subtitles.reader import parse, read_bytes

FILES = int(os.environ.get("FUZZ_SUBTITLES") or 120)
TEXTS = ("so tok{}x said", "<i>tok{}x</i> & more", "tok{}x größer 12", "{{\\i1}}tok{}x{{\\i0}} go")
TOKEN = re.compile(r"tok\d+x")


def clean_file(form: str, rng: random.Random) -> list[str]:
    """The lines of a well-formed file; each line of text has a word of its own."""
    lines = {
        "srt": [],
        "vtt": ["WEBVTT", "Kind: captions", ""],
        "named": ["WEBVTT", ""],
        "ass": ["[Script Info]", "ScriptType: v4.00+", "", "[Events]",
                "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"],
    }[form]  # fmt: skip
    token = 0
    for number in range(1, rng.randint(3, 9)):
        texts = []
        for _ in range(rng.randint(1, 2)):
            token += 1
            texts.append(rng.choice(TEXTS).format(token))
        start, end = f"00:0{number}:01", f"00:0{number}:03"
        if form == "ass":
            text = "\\N".join(texts)
            lines.append(f"Dialogue: 0,0:0{number}:01.00,0:0{number}:03.00,Default,,0,0,0,,{text}")
        elif form == "srt":
            lines += [str(number), f"{start},000 --> {end},500", *texts, ""]
        else:
            name = [f"cue-{number}"] if form == "named" else []
            lines += [*name, f"{start}.000 --> {end}.500 align:start", *texts, ""]
    return lines


def damage_lines(lines: list[str], rng: random.Random) -> list[str]:
    """One change of lines as editors, converters and broken transfers make them."""
    lines = list(lines)
    index = rng.randrange(len(lines))
    change = rng.randrange(7)
    if change == 0:
        del lines[index]
    elif change == 1:
        lines.insert(index, rng.choice(["", "", "17", "garbage", "-->", "{", "<"]))
    elif change == 2:
        lines = [line for line in lines if line.strip() or rng.random() < 0.5]
    elif change == 3:
        lines = [line for line in lines if not line.isdigit()]
    elif change == 4:
        lines = [spaced for line in lines for spaced in (line, "")]
    elif change == 5:
        lines[index] = lines[index][: len(lines[index]) // 2]
    else:
        other = rng.randrange(len(lines))
        lines[index], lines[other] = lines[other], lines[index]
    return lines or [""]


def damage_bytes(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        change = rng.randrange(3)
        if change == 0:
            data[at] = rng.randrange(1, 256)
        elif change == 1:
            del data[at : at + rng.randint(1, 6)]
        else:
            data[at:at] = bytes(rng.randrange(1, 256) for _ in range(rng.randint(1, 3)))
        data = data or bytearray(b"\n")
    return bytes(data)


def damaged(seed: int) -> bytes:
    rng = random.Random(seed)
    lines = clean_file(rng.choice(["srt", "vtt", "named", "ass"]), rng)
    for _ in range(rng.randint(1, 4)):
        lines = damage_lines(lines, rng)
    text = rng.choice(["\n", "\r\n", "\r"]).join(lines)
    raw = text.encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]))
    return damage_bytes(raw, rng) if rng.random() < 0.5 and b"\0" not in raw else raw


@pytest.mark.parametrize("batch", range(10))
def test_no_line_of_a_damaged_file_is_lost(batch: int) -> None:
    for seed in range(batch, FILES, 10):
        raw = damaged(seed)
        try:
            text = decode(raw).text
        except BadSubtitlesError:
            continue
        segments, passed_over = parse(text)

        kept = " ".join([*(segment.text for segment in segments), *passed_over])
        assert set(TOKEN.findall(text)) <= set(TOKEN.findall(kept)), f"seed {seed}: {raw!r}"
        assert all(0 <= segment.start_s <= segment.end_s for segment in segments), f"seed {seed}"


@pytest.mark.parametrize("batch", range(10))
def test_a_file_is_refused_only_where_nothing_is_left_to_read(batch: int) -> None:
    for seed in range(batch, FILES, 10):
        raw = damaged(seed)
        is_plain = all(0 < byte < 128 for byte in raw)
        if is_plain and parse(raw.decode())[0]:
            assert read_bytes(raw).segments, f"seed {seed}"
        else:
            with suppress(BadSubtitlesError):
                read_bytes(raw)
