"""Lines of the log: for people or as JSON, with the request and the job they belong to, and without secrets."""

import json
import logging
import os
import re
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.tracing import job_id, request_id

HIDDEN = "[hidden]"
#: The file of a day: `novaproject-2026-11-23.log`.
PREFIX, SUFFIX = "novaproject-", ".log"
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

#: Where a request keeps its id, for lines about it that are written after its end.
REQUEST_ID = "novaproject.request_id"


def hide(text: str) -> str:
    """The text without what must stay secret."""
    for name in SECRETS:
        value = os.environ.get(name, "")
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


def _request_of(record: logging.LogRecord) -> str:
    return request_id.get() or str(getattr(getattr(record, "request", None), "META", {}).get(REQUEST_ID, ""))


class PlainFormatter(logging.Formatter):
    """One line for people; the job and the request at its end."""

    def format(self, record: logging.LogRecord) -> str:
        request = _request_of(record)
        ids = [f"job {job_id.get()}" if job_id.get() else "", f"request {request}" if request else ""]
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
        if request := _request_of(record):
            line["request_id"] = request
        if record.exc_info:
            line["error"] = hide("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)


class DayFile(logging.Handler):
    """Appends each line to the day's file in a folder, for its owner's eyes.

    Web server, workers and their children write to one file: it is never renamed, and each line is one `write` in
    append mode, so none cuts into another.
    """

    def __init__(self, folder: Path | str) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._day, self._file = "", -1

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(self._of_day(record.created), f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except OSError:  # a full disk: the line is on standard error too
            self._shut()

    def close(self) -> None:
        self.acquire()
        try:
            self._shut()
        finally:
            self.release()
        super().close()

    def _of_day(self, moment: float) -> int:
        day = time.strftime("%Y-%m-%d", time.localtime(moment))
        if day != self._day:
            self._shut()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._folder / f"{PREFIX}{day}{SUFFIX}", flags, 0o600)
            self._day = day
        return self._file

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._day, self._file = "", -1
