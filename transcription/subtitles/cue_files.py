"""SRT and WebVTT, however damaged: every line is a number, a name, a time, a comment, or text that is kept or reported.

Both are read by one reader, because files are named wrongly, and because both are lines between lines of times.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from transcription.subtitles.markup import plain_lines, voice_of
from transcription.subtitles.rolling import ReadCue, unrolled
from transcription.subtitles.times import TimeLine, is_broken_time_line, parse_time_line

_COMMENT = re.compile(r"(?:NOTE(?:\s.*)?|STYLE\s*|REGION\s*)")
_HEADER = re.compile(r"[\s\ufeff]*WEBVTT(?:\s.*)?")
_HEADER_FIELD = re.compile(r"[\w-]+\s*[:=].*")
_NUMBER = re.compile(r"[\s\ufeff]*(\d{1,7})[.:]?\s*")
#: So far apart may two numbers lie that follow each other in a file that lost some cues.
LARGEST_STEP = 3


@dataclass
class CueFile:
    """The lines of a file, and what each was taken for."""

    lines: Sequence[str]
    is_vtt: bool
    time_lines: dict[int, TimeLine | None] = field(default_factory=dict)  # None: it was one, and cannot be read
    structure: set[int] = field(default_factory=set)  # numbers, names, comments, the header
    passed_over: list[int] = field(default_factory=list)

    def read(self) -> list[ReadCue]:
        """The cues in the order of the file; `passed_over` has the lines that belong to none."""
        for index, line in enumerate(self.lines):
            time_line = parse_time_line(line)
            if time_line is not None or is_broken_time_line(line):
                self.time_lines[index] = time_line
        if self.is_vtt:
            self.find_header_and_comments()
        self.find_numbers()
        if self.is_vtt:
            self.find_names()
        return unrolled(self.collect_cues())

    def is_blank(self, index: int) -> bool:
        return not self.lines[index].strip()

    def starts_block(self, index: int) -> bool:
        return index == 0 or self.is_blank(index - 1)

    def is_comment(self, index: int) -> bool:
        return bool(_COMMENT.fullmatch(self.lines[index].strip()))

    def find_header_and_comments(self) -> None:
        index = 0
        while index < len(self.lines) and not self.is_blank(index) and index not in self.time_lines:
            if (index == 0 and _HEADER.fullmatch(self.lines[0])) or _HEADER_FIELD.fullmatch(self.lines[index].strip()):
                self.structure.add(index)
            index += 1
        for first in range(index, len(self.lines)):
            # By the standard a line above a time is the name of its cue, whatever it looks like.
            is_name = first + 1 in self.time_lines
            if not is_name and self.starts_block(first) and self.is_comment(first):
                last = first
                while last < len(self.lines) and not self.is_blank(last) and last not in self.time_lines:
                    self.structure.add(last)
                    last += 1
                if last in self.time_lines:  # no empty line between: some of it may be text
                    self.passed_over += range(first + 1, last)

    def find_numbers(self) -> None:
        """Tell the numbers of cues from text that is a number: by where they stand, and by whether they count up."""
        numbers: list[tuple[int, int, bool] | None] = []
        for index in self.time_lines:
            above = index - 1
            while above >= 0 and self.is_blank(above):
                above -= 1
            match = _NUMBER.fullmatch(self.lines[above]) if above >= 0 and above not in self.time_lines else None
            numbers.append((above, int(match[1]), above == index - 1) if match else None)
        close = [entry for entry in numbers if entry and entry[2]]
        is_numbered = len(close) * 2 >= len(numbers)
        apart = [entry for n, entry in enumerate(numbers, start=1) if entry and not entry[2] and entry[1] == n]
        is_spaced = bool(numbers and numbers[0]) and len(apart) * 2 >= len(numbers)
        last = 0
        for position, entry in enumerate(numbers, start=1):
            if entry is None:
                continue
            above, number, is_close = entry
            counts_up = number == position or last < number <= last + LARGEST_STEP
            is_alone = self.starts_block(above)
            if is_close:
                is_number = (is_numbered or counts_up) if is_alone else (is_numbered and counts_up)
            else:
                is_number = is_spaced and counts_up
            if is_number:
                self.structure.add(above)
                last = number
        self.report_number_at_the_end(last if is_numbered else 0)

    def report_number_at_the_end(self, last: int) -> None:
        """The number of a cue that was cut off is no text of the one before."""
        index = next((n for n in range(len(self.lines) - 1, -1, -1) if not self.is_blank(n)), 0)
        match = _NUMBER.fullmatch(self.lines[index]) if self.lines else None
        if match and last and self.starts_block(index) and int(match[1]) == last + 1:
            self.structure.add(index)
            self.passed_over.append(index)

    def find_names(self) -> None:
        """The names of WebVTT's cues: a line alone above the time, in a file where that is the rule."""
        names = [
            index - 1
            for index in self.time_lines
            if index and not self.is_blank(index - 1) and index - 1 not in self.time_lines
            and self.starts_block(index - 1) and index - 1 not in self.structure
        ]  # fmt: skip
        self.structure.update(index for index in names if self.is_comment(index))
        names = [index for index in names if not self.is_comment(index)]
        is_rule = len(names) * 2 >= len(self.time_lines)
        for index in names:
            # Several words, or a name where the others have none, may be torn from a cue: told, or kept as text.
            is_word = len(self.lines[index].split()) == 1
            if is_rule or is_word:
                self.structure.add(index)
                if not (is_rule and is_word):
                    self.passed_over.append(index)

    def collect_cues(self) -> list[ReadCue]:
        cues: list[ReadCue] = []
        current: TimeLine | None = None
        text: list[str] = []

        def close() -> None:
            marked_up = "\n".join(text)
            lines = [line for line in (" ".join(line.split()) for line in plain_lines(marked_up)) if line]
            if current is not None and lines:
                cues.append(ReadCue(current.start_s, current.end_s, tuple(lines), voice_of(marked_up)))
            text.clear()

        for index, line in enumerate(self.lines):
            if index in self.time_lines:
                close()
                current = self.time_lines[index]
                if current is None:
                    self.passed_over.append(index)
                elif current.text:
                    text.append(current.text)
            elif index not in self.structure and line.strip("\ufeff \t"):
                if current is None:
                    self.passed_over.append(index)
                else:
                    text.append(line)
        close()
        return cues
