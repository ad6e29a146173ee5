"""What the stand-in says: JSON that fits the schema it was asked for, times inside the clip, and vectors."""

import hashlib
import json
import math
import random
import re
from collections.abc import Mapping
from typing import Any


def schema_in(text: str) -> dict[str, Any] | None:
    """The first JSON Schema of an object that a prompt spells out."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"\{", text):
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("type") == "object" and "properties" in found:
            return found
    return None


def instance(schema: Mapping[str, Any], duration_s: float, name: str = "") -> Any:
    """A value that fits a schema; property names decide what times and words look like."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for combined in ("anyOf", "oneOf"):
        if schema.get(combined):
            return instance(schema[combined][0], duration_s, name)
    kind = schema.get("type", "string")
    kind = next((one for one in kind if one != "null"), "string") if isinstance(kind, list) else kind
    if kind == "object":
        return {key: instance(part, duration_s, key) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        return [instance(schema.get("items", {}), duration_s, name) for _ in range(count)]
    if kind == "boolean":
        return True
    if kind in {"number", "integer"}:
        return _number(schema, kind, duration_s, name)
    return _words(schema, duration_s, name)


def _number(schema: Mapping[str, Any], kind: str, duration_s: float, name: str) -> float:
    value = 1.0
    if "start" in name:
        value = 0.0
    elif "end" in name:
        value = math.floor(duration_s)
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    value = min(max(value, low), high)
    return int(value) if kind == "integer" else value


def _words(schema: Mapping[str, Any], duration_s: float, name: str) -> str:
    minutes, seconds = divmod(int(duration_s), 60)
    end = f"{minutes:02d}:{seconds:02d}"
    if "range" in name:
        return f"0-{int(duration_s)}" if "seconds" in schema.get("description", "") else f"00:00-{end}"
    if "start" in name:
        return "00:00"
    if "end" in name:
        return end
    words = f"A stand-in's {name or 'answer'}."
    return words[: int(schema.get("maxLength", len(words)))].ljust(int(schema.get("minLength", 0)), ".")


def vector(text: str, dimension: int) -> list[float]:
    """A unit vector that is the same for the same text, and near for texts that share words."""
    total = [0.0] * dimension
    for word in sorted(set(re.findall(r"\w+", text.lower()))) or [text]:
        source = random.Random(hashlib.sha256(word.encode()).digest())
        total = [a + source.gauss(0, 1) for a in total]
    length = math.sqrt(sum(a * a for a in total)) or 1.0
    return [a / length for a in total]
