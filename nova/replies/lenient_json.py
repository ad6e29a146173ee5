"""Reads what a language model writes almost as JSON, and says what was wrong with it. Pure.

Beyond JSON it takes trailing and missing commas, single quotes, Python's literals, bare words, comments, line breaks
and quotes inside texts, and backslashes that begin no escape (Windows paths). A text that ends too early is closed:
what was only half there is left out, never guessed.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

#: Deeper than any result; a guard for the stack.
DEEPEST = 60

SPACE = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
BARE = re.compile(r"[\w.%+\-]+(?::[\w.%+\-]+)*")
KEY_FOLLOWS = re.compile(r"\s*(?:[\"'}\]]|$|[A-Za-z_]\w*\s*:)")
WORDS: dict[str, Any] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
    "NaN": None, "nan": None, "undefined": None, "Infinity": None, "-Infinity": None,
}  # fmt: skip
JSON_WORDS = ("true", "false", "null")
GOOD_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
#: A drive and folders behind single backslashes: JSON would read `\n` in `C:\new` as a line break.
WINDOWS_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:(?:\\(?!\\)[^\\\"'/:*?<>|\r\n]+)+")
#: An escape that no text has but a path does, or a file's extension at the end.
SURELY_PATH = re.compile(r"\\(?![nrtu])|\\u(?![0-9a-fA-F]{4})|^(?:[^\s\\]*\\){2,}[^\s\\]+\.\w{2,4}$")

UP_TO = {quote: re.compile(rf"[^{quote}\\]*(?:\\.[^{quote}\\]*)*", re.DOTALL) for quote in "'\""}
#: Where the text ends inside a value.
HALF = object()


class NotJsonError(ValueError):
    """There is nothing like JSON here."""


@dataclass(frozen=True)
class LenientResult:
    """What was read, where it ended, and what was wrong with it."""

    value: Any
    end: int
    notes: list[str]
    is_cut: bool


def read(text: str, start: int = 0) -> LenientResult:
    """Read the value that begins at `start`. Raises NotJsonError."""
    reader = Reader(text, start)
    value = reader.value(0, "")
    if value is HALF:
        raise NotJsonError("the text ends inside its only value")
    return LenientResult(value, reader.at, list(reader.notes), reader.is_cut)


def double_backslashes(text: str) -> str:
    """Double the backslashes of Windows paths, where they are surely meant as such."""
    return WINDOWS_PATH.sub(lambda m: m[0].replace("\\", "\\\\") if SURELY_PATH.search(m[0]) else m[0], text)


@dataclass
class Reader:
    text: str
    at: int
    notes: dict[str, None] = field(default_factory=dict)
    is_cut: bool = False

    def value(self, depth: int, inside: str) -> Any:
        """The value here; HALF where the text ends inside of it. `inside` is "{", "[" or "" for the outermost."""
        if depth > DEEPEST:
            raise NotJsonError("nested too deep")
        sign = self._peek()
        if sign == "{":
            return self._object(depth)
        if sign == "[":
            return self.as_array(depth)
        if sign in ("'", '"'):
            return self._text(inside)
        return self._bare()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while self._goes_on("}", is_first=not found):
            key = self.read_key()
            if self._peek() != ":":
                if key is HALF or not self._peek():
                    self.is_cut = True
                    break
                raise NotJsonError(f"no colon after a key at {self.at}")
            self.at += 1
            value = self.value(depth + 1, "{")
            if value is not HALF:
                found[str(key)] = value
            if self.is_cut:
                break
        return found

    def as_array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while self._goes_on("]", is_first=not found):
            value = self.value(depth + 1, "[")
            if not self.is_cut or not (value is HALF or isinstance(value, dict | list)):
                found.append(value)
            if self.is_cut:
                break
        return found

    def _goes_on(self, close: str, *, is_first: bool) -> bool:
        """Whether another member follows. Takes the comma or the closing bracket."""
        sign = self._peek()
        commas = 0
        while sign == ",":
            commas, self.at = commas + 1, self.at + 1
            sign = self._peek()
        if commas:
            if is_first or commas > 1 or (sign and sign in "}]"):
                self._note("a comma too many")
        elif not is_first and sign and sign not in "}]":
            self._note("a comma was missing")
        if not sign:
            self.is_cut = True
            return False
        if sign == close:
            self.at += 1
            return False
        if sign in "}]":
            self._note("a bracket was missing")
            return False
        return True

    def read_key(self) -> Any:
        if self._peek() in ("'", '"'):
            return self._text(":")
        bare = BARE.match(self.text, self.at)
        word = bare[0].split(":")[0] if bare else ""
        if not word:
            raise NotJsonError(f"no key at {self.at}")
        self._note("a key without quotes")
        self.at += len(word)
        return word

    def _text(self, inside: str) -> Any:
        """A text in quotes; `inside` tells what may follow it."""
        quote, start = self.text[self.at], self.at + 1
        at = start
        while True:
            rest = UP_TO[quote].match(self.text, at)
            end = rest.end() if rest else at
            if self.text[end : end + 1] != quote:
                self.at, self.is_cut = len(self.text), True
                return HALF
            if self.closes_text(end, inside):
                break
            self._note("a quote inside a text")
            at = end + 1
        self.at = end + 1
        return self._decoded(self.text[start:end], quote)

    def closes_text(self, end: int, inside: str) -> bool:
        """Whether the quote at `end` ends the text, by what follows it."""
        after = SPACE.match(self.text, end + 1)
        at = after.end() if after else end + 1
        sign = self.text[at : at + 1]
        if not sign:
            return True
        if inside == ":":
            return sign == ":"
        if sign == "," and inside == "{":
            return bool(KEY_FOLLOWS.match(self.text, at + 1))
        # A quote right behind white space is the next member, its comma forgotten.
        return sign in ",}]" or (sign in "\"'" and at > end + 1)

    def _decoded(self, raw: str, quote: str) -> str:
        if quote == "'":
            self._note("single quotes")
            raw = raw.replace("\\'", "'")
        pathless = double_backslashes(raw)
        escaped = GOOD_ESCAPE.sub(lambda m: m[0] if m[1] else "\\\\", pathless)
        if escaped != raw:
            self._note("a backslash that escapes nothing")
        if any(sign < " " for sign in escaped):
            self._note("a line break inside a text")
        quoted = re.sub(r'\\.|"', lambda m: '\\"' if m[0] == '"' else m[0], escaped, flags=re.DOTALL)
        try:
            return str(json.loads(f'"{quoted}"', strict=False))
        except ValueError as exc:
            raise NotJsonError(f"a text that cannot be read before {self.at}") from exc

    def _bare(self) -> Any:
        """A number, a literal, or a word without quotes."""
        found = BARE.match(self.text, self.at)
        if found is None:
            if self.at < len(self.text):
                raise NotJsonError(f"no value at {self.at}")
            self.is_cut = True
            return HALF
        self.at, word = found.end(), found[0]
        if word in WORDS:
            if word not in JSON_WORDS:
                self._note("a literal of another language")
            return WORDS[word]
        if self.at == len(self.text):
            self.is_cut = True
            return HALF
        return self._number(word)

    def _number(self, word: str) -> Any:
        try:
            number = json.loads(word)
        except ValueError:
            self._note("a value without quotes")
            return word
        return number

    def _peek(self) -> str:
        """The next sign that says something; empty at the end."""
        space = SPACE.match(self.text, self.at)
        if space and space.end() > self.at:
            if not space[0].isspace():
                self._note("a comment")
            self.at = space.end()
        return self.text[self.at : self.at + 1]

    def _note(self, note: str) -> None:
        self.notes[note] = None
