"""Files fetched from a hub of models: resumed where they broke off, and checked against their published digests."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from files.errors import DownloadDamagedError, DownloadError
from files.storage import disk
from jobs.progress import Progress

#: Fetches a model by its name (empty: the configured one), and says what is here then.
Fetch = Callable[[str, Progress], str]
_fetchers: dict[str, Fetch] = {}

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30
SHA256_CHARS = 64
#: The name that half a file has: always the same, so that the next attempt goes on with it.
PARTIAL = "download"


def register(kind: str, fetch: Fetch) -> None:
    """Make a kind of model known. Called in `AppConfig.ready()`."""
    _fetchers[kind] = fetch


def kinds() -> list[str]:
    """The kinds of models that can be fetched: `speech`, `picture` …"""
    return list(_fetchers)


def fetch_model(kind: str, model: str, progress: Progress) -> str:
    """Fetch a model of one kind; returns what to tell. Raises WorkError with what to do by hand."""
    if kind not in _fetchers:
        raise DownloadError(f"There are no models of a kind “{kind}”.", remedy=f"Known are {', '.join(_fetchers)}.")
    return _fetchers[kind](model, progress)


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file to fetch: `digest` is SHA-256, or git's SHA-1 of small files. `name` may have folders."""

    url: str
    name: str
    size_bytes: int
    digest: str


def listing(source: str, repository: str) -> dict[str, RemoteFile]:
    """The files of a repository of a hub, by name. Raises DownloadError."""
    with _answer(f"{source}/api/models/{repository}/tree/main?recursive=true") as answer:
        try:
            rows: list[dict[str, Any]] = json.load(answer)
            files = {}
            for row in rows:
                if row.get("type", "file") == "file":
                    large = row.get("lfs") or {}
                    files[row["path"]] = RemoteFile(
                        url=f"{source}/{repository}/resolve/main/{quote(row['path'])}",
                        name=str(row["path"]),
                        size_bytes=int(large.get("size", row.get("size", 0))),
                        digest=str(large.get("oid", row.get("oid", ""))),
                    )
            return files
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DownloadError(f"{source} does not answer as a hub of models does: {error}.") from error


def remote_size(url: str) -> int:
    """How many bytes an address says that it holds; 0 where it does not say. Raises DownloadError."""
    with _answer(url, method="HEAD") as answer:
        return int(answer.headers.get("Content-Length") or 0)


def fetch_all(files: Sequence[RemoteFile], folder: Path, *, label: str, progress: Progress) -> None:
    """Fetch these files into a folder of ours, in order; what is there in its size already is left.

    Raises DownloadError (no network), DownloadDamagedError, NoSpaceError, Cancelled. What was fetched of a file is
    kept, and the next attempt goes on behind it.
    """
    total = sum(file.size_bytes for file in files) or 1
    done = 0
    for file in files:
        target = folder / file.name
        if not target.is_file() or target.stat().st_size != file.size_bytes:
            for count in _fetch(file, target):
                megabytes = f"{label}: {(done + count) // 10**6:,} of {total // 10**6:,} MB"
                progress.update(min(1.0, (done + count) / total), megabytes)
        done += file.size_bytes


def _fetch(file: RemoteFile, target: Path) -> Iterator[int]:
    """Fetch one file; yields how many bytes of it are there."""
    temp = disk.temporary(target, PARTIAL)
    have = temp.stat().st_size if temp.is_file() else 0
    if have >= file.size_bytes:  # of another version, or damaged: it is fetched from its beginning
        disk.remove(temp)
        have = 0
    disk.require_space(target, file.size_bytes - have)
    with _answer(file.url, first_byte=have) as answer:
        if have and answer.status != 206:  # it cannot go on in the middle
            disk.remove(temp)
            have = 0
        with disk.open_to_append(temp) as out:
            while chunk := answer.read(CHUNK_BYTES):
                out.write(chunk)
                have += len(chunk)
                yield have
    if have < file.size_bytes:
        raise DownloadError(f"{file.url} broke off.", retryable=True)
    as_git = partial(hashlib.sha1, b"blob %d\0" % file.size_bytes, usedforsecurity=False)
    with temp.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256" if len(file.digest) == SHA256_CHARS else as_git).hexdigest()
    if digest != file.digest:
        disk.remove(temp)
        raise DownloadDamagedError(f"{file.name} arrived damaged: its checksum is not {file.digest[:12]}….")
    disk.replace(temp, target)


@contextmanager
def _answer(url: str, *, first_byte: int = 0, method: str = "GET") -> Iterator[Any]:
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"Models are fetched by https, not from {url}.", retryable=False)
    headers = {"User-Agent": "novaproject"} | ({"Range": f"bytes={first_byte}-"} if first_byte else {})
    try:
        with urlopen(Request(url, headers=headers, method=method), timeout=TIMEOUT_S) as answer:  # noqa: S310
            yield answer
    except HTTPError as error:
        error.close()  # it holds the connection
        raise DownloadError(f"{url} answered {error.code}.", retryable=error.code >= 500) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        cause = getattr(error, "reason", error)
        raise DownloadError(f"{url} cannot be reached: {cause}.", retryable=True) from error
