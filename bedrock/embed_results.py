"""What an asynchronous embedding wrote to S3: vectors with their seconds, and what went wrong with the rest.

Source: Nova user guide, "Embeddings schema", asynchronous results. File names are read from the result, never guessed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bedrock import staging
from bedrock.errors import BedrockError, MissingObjectError

RESULT = "segmented-embedding-result.json"
#: Failures of segments in plain words.
REASONS = {
    "RAI_VIOLATION_INPUT_IMAGE_DEFLECTION": "the model refuses what is seen there",
    "RAI_VIOLATION_INPUT_TEXT_DEFLECTION": "the model refuses what is said there",
    "INVALID_CONTENT": "the model could not read it",
    "RATE_LIMIT_EXCEEDED": "the model was too busy",
    "INTERNAL_SERVER_EXCEPTION": "the model met an error of its own",
}


@dataclass(frozen=True, kw_only=True)
class EmbeddedSegment:
    """A vector as the model gave it, with its seconds in what was sent."""

    start_s: float
    end_s: float
    values: list[float]


@dataclass(frozen=True, kw_only=True)
class VideoEmbeddingResult:
    """What came, in the order of time, and one line for each piece that did not."""

    segments: list[EmbeddedSegment]
    problems: list[str]


def read(folder: str) -> VideoEmbeddingResult:
    """Read what a call wrote below this folder of the bucket. Raises MissingObjectError, BedrockError."""
    key = next((staged.key for staged in staging.listed(folder) if staged.key.endswith(f"/{RESULT}")), None)
    if key is None:
        raise MissingObjectError(f"Bedrock wrote no {RESULT} to {folder}.", remedy="Start the embedding again.")
    try:
        parts = list(json.loads(staging.read_bytes(key))["embeddingResults"])
    except (ValueError, KeyError, TypeError) as exc:
        raise BedrockError(f"{key} cannot be read.", remedy="Start the embedding again.") from exc
    segments: list[EmbeddedSegment] = []
    problems: list[str] = []
    for part in parts:
        if part.get("status") == "FAILURE":
            problems.append(_why("All of it", part))
            continue
        for line in staging.read_lines(staging.key_of(str(part["outputFileUri"]))):
            try:
                times = line["segmentMetadata"]
                start_s, end_s = float(times["segmentStartSeconds"]), float(times["segmentEndSeconds"])
                if line.get("status", "SUCCESS") == "FAILURE":
                    problems.append(_why(f"{start_s:g} to {end_s:g} s", line))
                    continue
                values = [float(number) for number in line["embedding"]]
            except (KeyError, TypeError, ValueError):
                problems.append("A piece without times or vector.")
            else:
                segments.append(EmbeddedSegment(start_s=start_s, end_s=end_s, values=values))
    return VideoEmbeddingResult(segments=sorted(segments, key=lambda segment: segment.start_s), problems=problems)


def _why(what: str, facts: Mapping[str, Any]) -> str:
    code = str(facts.get("failureReason") or "")
    return f"{what}: {REASONS.get(code) or facts.get('message') or code or 'no reason given'}."
