"""Reading an upload: refused before its bytes arrive where they would not fit, or where its name is a path."""

from collections.abc import Mapping
from typing import IO, Any, cast

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser as DjangoMultiPart
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser

from files.importing.uploading import checked_name, require_room


class MeasuredUploads(TemporaryFileUploadHandler):
    """Streams to a temporary file beside the uploads, after a look at the room there."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *rest: Any) -> None:  # noqa: N803
        require_room(int(content_length))


class _NamesKept(DjangoMultiPart):
    """The stock parser cuts a path down to its last part and says nothing."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        return super().sanitize_file_name(checked_name(file_name))


class UploadParser(MultiPartParser):
    """Multipart, with names that are paths refused."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> "DataAndFiles[Any, Any]":
        request = (parser_context or {})["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type}
        try:
            data, files = _NamesKept(
                meta, cast("Any", stream), request.upload_handlers, request.encoding or "utf-8"
            ).parse()
        except MultiPartParserError as error:
            raise ParseError(f"Multipart form parse error - {error}") from error
        return DataAndFiles(data, files)
