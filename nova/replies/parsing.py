"""From what a model answered to valid results with notes, or a plain word that it can't be read. Pure.

One parser for every mode: a forced tool's input, or JSON in words with whatever is around it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from nova.errors import UnreadableReply
from nova.replies import lenient_json
from nova.replies.coercion import Coercer, NotCoercibleError, Notes, fill_ours, quoted
from nova.replies.timing import settle
from nova.types.flattening import nested
from nova.types.schemas import Schema, asked, combined_schema, is_ours

#: A newer one may read more of the replies that are kept.
PARSER_VERSION = 1
#: The answer, or the question with it, has reached its limit of tokens.
CUT = ("max_tokens", "model_context_window_exceeded")
WITHHELD = ("guardrail_intervened", "content_filtered")
#: Beginnings of an object that are tried in one text; prose rarely has more than a few.
MOST_BEGINNINGS = 40

THINKING = re.compile(r"<(thinking|think|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
OPEN_THINKING = re.compile(r"<(thinking|think|reasoning)>", re.IGNORECASE)
FENCE = re.compile(r"```[\w-]*[ \t]*\n?")
BRACKET = re.compile(r"[{\[]")


@dataclass(frozen=True)
class Parsed:
    """Valid results by type, what was corrected, and the types that the reply has nothing of."""

    results: dict[str, dict[str, Any]]
    notes: list[str]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplyReading:
    """One way to read a reply."""

    value: Any
    notes: tuple[str, ...] = ()
    is_cut: bool = False


def parse_reply(
    message: Mapping[str, Any] | str, *, schemas: Mapping[str, Schema], duration_s: float | None, stop_reason: str
) -> Parsed:
    """Read a Converse output message, a whole response, or plain text.

    `schemas` are those of the results (`Prompt.schemas`), `duration_s` is the clip's: times are brought inside of it.
    Raises UnreadableReply, and nothing else.
    """
    try:
        tries = [results_of(reading, schemas, duration_s) for reading in readings(message)]
    except RecursionError:
        tries = []
    good = [parsed for parsed in tries if parsed.results]
    if not good:
        raise unreadable(message, tries, stop_reason)
    best = max(good, key=lambda parsed: (len(parsed.results), -len(parsed.notes)))
    cut = ["the reply reached its token limit; what came last may be missing"] if stop_reason in CUT else []
    return Parsed(best.results, cut + best.notes, best.missing)


def results_of(reading: ReplyReading, schemas: Mapping[str, Schema], duration_s: float | None) -> Parsed:
    """What this reading gives for each type."""
    results, notes, missing = {}, list(reading.notes), []
    forms = {name: asked(schema) for name, schema in schemas.items()}
    form = combined_schema(forms)
    for name, schema in schemas.items():
        tries: list[tuple[dict[str, Any], list[str]]] = []
        reasons = []
        for value in candidates(reading.value, name, form):
            try:
                tries.append(coerced(nested(value, forms[name]), schema, (name, duration_s, reading.is_cut)))
            except NotCoercibleError as exc:
                reasons.append(str(exc))
            if tries and not tries[-1][1]:
                break
        if tries:
            results[name], corrections = min(tries, key=lambda result_and_notes: len(result_and_notes[1]))
            notes += corrections
        else:
            missing.append(name)
            notes.append(f"{name}: {reasons[0] if reasons else 'missing from the reply'}")
    return Parsed(results, list(dict.fromkeys(notes)), tuple(missing))


def coerced(value: Any, schema: Schema, about: tuple[str, float | None, bool]) -> tuple[dict[str, Any], list[str]]:
    """A valid result and its notes. Raises NotCoercibleError."""
    name, duration_s, is_cut = about
    notes = Notes()
    result = Coercer(notes).coerce(value, schema, name)
    settle(result, schema, duration_s=duration_s, notes=notes, path=name)
    if (is_cut or notes.lost) and not _says_something(result, schema):
        raise NotCoercibleError("nothing of use is left of it")
    fill_ours(result, schema)
    error = best_match(Draft202012Validator(schema).iter_errors(result))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path)
        raise NotCoercibleError(f"{where or 'the whole'} is not valid: {error.message[:200]}")
    return result, notes.lines()


def candidates(value: Any, name: str, form: Schema) -> Iterator[Any]:
    """Where the result of a type may be, the likeliest first. `form` has a property for each type that was asked."""
    is_alone = len(form["properties"]) == 1
    value = nested(value[0] if isinstance(value, list) and len(value) == 1 else value, form)
    if not isinstance(value, Mapping):
        if is_alone and value:
            yield value
        return
    by_name = [part for key, part in value.items() if str(key).strip().lower() == name.lower()]
    yield from [value, *by_name] if is_alone else [*by_name, value]
    if len(value) == 1:
        inside = next(iter(value.values()))
        if isinstance(inside, Mapping | list) and not by_name:
            yield from candidates(inside, name, form)


def _says_something(value: Any, schema: Schema) -> bool:
    """Whether anything in the result comes from the reply."""
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        return any(_says_something(part, parts.get(name, {})) for name, part in value.items())
    return not is_ours(schema) and value not in (None, "", [])


def readings(message: Mapping[str, Any] | str) -> Iterator[ReplyReading]:
    """Every way to read the reply, the likeliest first."""
    if isinstance(message, str):
        yield from from_text(message)
        return
    blocks = blocks_of(message)
    for block in blocks:
        tool = block.get("toolUse")
        given = tool.get("input") if isinstance(tool, Mapping) else None
        if isinstance(given, str):
            yield from from_text(given)
        elif given is not None:
            yield ReplyReading(given)
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    for text in [*texts, "".join(texts)] if len(texts) > 1 else texts:
        yield from from_text(text)


def blocks_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The content blocks of a message or of the response around it."""
    inner: Any = message
    for name in ("output", "message"):
        inner = inner[name] if isinstance(inner.get(name), Mapping) else inner
    content = inner.get("content")
    if isinstance(content, str):
        return [{"text": content}]
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []


def from_text(text: str) -> Iterator[ReplyReading]:
    """Every way to read a text: as JSON, and as JSON with something around it."""
    fixed = lenient_json.double_backslashes(text.strip())
    paths = ("a backslash that escapes nothing",) if fixed != text.strip() else ()
    try:
        yield ReplyReading(json.loads(fixed), paths)
        return
    except (ValueError, RecursionError):
        pass
    bare, around = peeled(fixed)
    beginning = BRACKET.search(bare)
    for _ in range(MOST_BEGINNINGS):
        if beginning is None:
            return
        at = beginning.start()
        try:
            loose = lenient_json.read(bare, at)
        except lenient_json.NotJsonError:
            at += 1
        else:
            words = (bare[:at] + bare[loose.end :]).strip()
            notes = [*around, *(["words around the answer"] if words else []), *paths, *loose.notes]
            cut = ["the reply ends too early; what was only half there is left out"] if loose.is_cut else []
            yield ReplyReading(loose.value, tuple(cut + notes), loose.is_cut)
            at = max(at + 1, loose.end)
        beginning = BRACKET.search(bare, at)


def peeled(text: str) -> tuple[str, list[str]]:
    """Without what a model thought aloud and without code fences."""
    notes = []
    thoughtless = THINKING.sub("", text)
    if thoughtless != text and not BRACKET.search(thoughtless):
        thoughtless = OPEN_THINKING.sub("", text)  # it never stopped thinking, and answered there
    if thoughtless != text:
        notes.append("thinking around the answer")
    bare = FENCE.sub("", thoughtless)
    if bare != thoughtless:
        notes.append("a code fence around the answer")
    return bare, notes


def unreadable(message: Mapping[str, Any] | str, tries: list[Parsed], stop_reason: str) -> UnreadableReply:
    """Why nothing can be made of it, in plain words, and what to do."""
    notes = list(dict.fromkeys(note for parsed in tries for note in parsed.notes))[:20]
    if stop_reason in WITHHELD:
        return UnreadableReply(
            f"The model gave no answer: {stop_reason}.",
            remedy="Its filters stopped it. Try another model.",
            notes=notes,
        )
    if stop_reason in CUT:
        return UnreadableReply(
            "The reply was cut at its token limit before anything of use was said.",
            remedy="Ask for fewer types at once, for a shorter summary, or for a shorter part of the video.",
            notes=notes,
        )
    said = message if isinstance(message, str) else " ".join(str(b["text"]) for b in blocks_of(message) if "text" in b)
    why = notes[-1] if notes else "it has no JSON in it" if said.strip() else "it is empty"
    return UnreadableReply(
        f"The reply gives no valid result: {why}." + (f" It begins {quoted(said.strip())}." if said.strip() else ""),
        remedy="The reply is kept, and read again at no cost. “Do it again” asks and pays anew; or try another model.",
        notes=notes,
    )
