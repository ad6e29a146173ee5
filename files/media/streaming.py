"""Send a file, or the part of it that a player asks for."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

from files import humanize
from files.media.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from files.storage.naming import shown

CHUNK_BYTES = 256 * 1024
#: The last second that a date of HTTP can name; broken clocks know later ones.
LAST_MOMENT_S = 253_402_300_799


def serve(
    request: HttpRequest, path: Path, *, name: str = "", max_age_s: int = 0, is_ours: bool = False
) -> HttpResponseBase:
    """The file at `path`: whole (200), in part (206), unchanged (304) or 416. Raises OSError if it cannot be opened.

    `is_ours`: it lies in a folder of the library, where reading never waits for a drive, so that the web server may
    read it in the loop that moves all clients' bytes.
    """
    source = path.open("rb")
    try:
        response = _respond(request, source, name or path.name)
        if is_ours and isinstance(response, _PartResponse):
            response.file_to_stream = response.part
    except BaseException:
        source.close()
        raise
    if not response.streaming:
        source.close()
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = f"private, max-age={max_age_s}" if max_age_s else "private, no-cache"
    return response


def _respond(request: HttpRequest, source: BinaryIO, name: str) -> HttpResponseBase:
    facts = os.fstat(source.fileno())
    modified_s = min(facts.st_mtime, LAST_MOMENT_S)
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(modified_s),
        "Content-Type": humanize.content_type(name),
        "Content-Disposition": content_disposition_header(False, shown(Path(name).name)) or "inline",
    }
    unchanged = get_conditional_response(request, etag=etag, last_modified=int(modified_s))
    if unchanged is not None:
        unchanged["ETag"] = etag
        return unchanged
    # What the player has is of another file: it is sent the whole.
    is_other = request.headers.get("If-Range", etag) not in (etag, headers["Last-Modified"])
    try:
        part = None if is_other else parse_range(request.headers.get("Range", ""), facts.st_size)
    except UnsatisfiableRangeError:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{facts.st_size}"})
    if part:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{facts.st_size}"
    headers["Content-Length"] = str(part.length if part else facts.st_size)
    status = 206 if part else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    part = part or ByteRange(0, facts.st_size - 1)
    return _PartResponse(_Part(source, part), status=status, headers=headers)


class _Part:
    """Reads a part of a file chunk by chunk; closed by the response, also when the player goes away.

    It is a file as well, which begins at the part: a web server that sends files itself reads it up to the response's
    Content-Length.
    """

    def __init__(self, source: BinaryIO, part: ByteRange) -> None:
        self.source = source
        self.part = part
        self.read, self.seek, self.tell, self.seekable = source.read, source.seek, source.tell, source.seekable
        source.seek(part.first)

    def __iter__(self) -> Iterator[bytes]:
        left = self.part.length
        while left > 0 and (chunk := self.source.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self.source.close()


class _PartResponse(StreamingHttpResponse):
    """A part of a file. With `file_to_stream` Django hands it to a web server that has a `wsgi.file_wrapper`."""

    block_size = CHUNK_BYTES
    file_to_stream: _Part | None = None

    def __init__(self, part: _Part, *, status: int, headers: dict[str, str]) -> None:
        super().__init__(part, status=status, headers=headers)
        self.part = part
