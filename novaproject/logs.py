"""Lines of the log: for people or as JSON, with the request and the job they belong to, and without secrets."""

import json
import logging
import os
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from jobs.tracing import job_id, request_id

HIDDEN = "[hidden]"
#: Variables whose values must not be in a log, wherever they come from.
SECRETS = (
    "SECRET_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "DATABASE_URL",
    "METRICS_TOKEN",
)
#: Shorter ones would hide common words.
SHORTEST = 8
#: Signed addresses, authorisation headers, keys of AWS, passwords in addresses.
PATTERNS = (
    re.compile(r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"),
    re.compile(r"(?i)([?&](?:Signature|AWSAccessKeyId)=)[^&\s\"']+"),
    re.compile(r"(?i)\b((?:Token|Bearer) )[0-9a-f]{32,}"),
    re.compile(r"(?i)(Authorization['\"]?\s*[:=]\s*['\"]?)(?:(?:Token|Bearer|Basic|AWS4-HMAC-SHA256)\s+)?[^\s'\",}]+"),
    re.compile(r"(?i)((?:secret|password|passwd|token|api_key)['\"]?\s*[:=]\s*['\"]?)[^\s'\",}&]+"),
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(\w+://[^/\s:@]+:)[^@\s/]+(?=@)"),
)


def hide(text: str) -> str:
    """The text without what must stay secret."""
    for name in SECRETS:
        value = os.environ.get(name, "")
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class PlainFormatter(logging.Formatter):
    """One line for people; the job and the request at its end."""

    def format(self, record: logging.LogRecord) -> str:
        ids = [f"job {job_id.get()}" if job_id.get() else "", f"request {request_id.get()}" if request_id.get() else ""]
        where = ", ".join(part for part in ids if part)
        return hide(super().format(record) + (f" ({where})" if where else ""))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `message`, `job_id`, `request_id`, `error`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide(record.getMessage()),
        }
        if job_id.get() is not None:
            line["job_id"] = job_id.get()
        if request_id.get():
            line["request_id"] = request_id.get()
        if record.exc_info:
            line["error"] = hide("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)
