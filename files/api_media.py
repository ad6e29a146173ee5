"""Bytes over the API: originals, proxies, thumbnails, scrub sprites."""

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from files.errors import OriginalUnavailableError
from files.media import derived, streaming
from files.media.cutting import cut_range
from files.media.proxy_lookup import proxy_path
from files.models import File, Proxy
from files.storage.naming import safe_stem
from files.storage.originals import as_local_path
from jobs.web.api_base import HasPermission

#: Posters change only when a proxy is made anew; the ETag notices then.
PICTURE_MAX_AGE_S = 300
_RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="Such as `bytes=0-1023` or `bytes=-500`.")
_BYTES = {(200, "*/*"): OpenApiTypes.BINARY, (206, "*/*"): OpenApiTypes.BINARY, 416: None}
_JPEG = {(200, "image/jpeg"): OpenApiTypes.BINARY}


class AnyAccept(BaseContentNegotiation):
    """Players ask for `video/*` and the like; what they get does not depend on it."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, str(first.media_type)


class MediaView(APIView):
    """Base of the views that answer with bytes."""

    permission_classes = [HasPermission("files.view_file")]
    content_negotiation_class = AnyAccept


class FileStream(MediaView):
    @extend_schema(operation_id="files_stream", parameters=[_RANGE], responses=_BYTES)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The original, with ranges. `409` where its drive is away, naming it: use the proxy then."""
        file = get_object_or_404(File.objects.select_related("root"), pk=pk)
        with as_local_path(file) as path:
            return streaming.serve(request._request, path, name=file.name)


class ProxyStream(MediaView):
    permission_classes = [HasPermission("files.view_file", "files.view_proxy")]

    @extend_schema(operation_id="proxies_stream", parameters=[_RANGE], responses=_BYTES)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The proxy, with ranges. `404` where it was made from other content than the file has now."""
        proxy = get_object_or_404(Proxy.objects.shown(), pk=pk)
        try:
            return streaming.serve(request._request, proxy_path(proxy), is_ours=True)
        except FileNotFoundError as error:
            raise OriginalUnavailableError(
                f"The proxy {proxy.path} is not in PROXY_DIR.",
                remedy="Make it again: `.venv/bin/python manage.py make_proxies`.",
            ) from error


class Thumbnail(MediaView):
    query_parameters = ("t",)

    @extend_schema(
        operation_id="files_thumbnail",
        parameters=[OpenApiParameter("t", float, description="Second to show, from the scrub sprite.")],
        responses=_JPEG,
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The poster; with `t` a small picture of that second."""
        file = get_object_or_404(File, pk=pk)
        if "t" in request.query_params:
            small = derived.sprite_cell(file, _seconds(request.query_params["t"]))
            if small is not None:
                return HttpResponse(
                    small,
                    content_type="image/jpeg",
                    headers={
                        "Cache-Control": f"private, max-age={PICTURE_MAX_AGE_S}",
                        "X-Content-Type-Options": "nosniff",
                    },
                )
        return _picture(request, derived.poster_path(file))


class RangeDownload(MediaView):
    query_parameters = ("start_s", "end_s")

    @extend_schema(
        operation_id="files_range",
        parameters=[
            OpenApiParameter("start_s", float, required=True, description="Seconds from the start of the file."),
            OpenApiParameter("end_s", float, required=True, description="At most ten minutes later."),
        ],
        responses={(200, "video/mp4"): OpenApiTypes.BINARY, (200, "audio/mp4"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """A range of a video or sound as a file of its own, cut to the frame from the proxy, else the original."""
        file = get_object_or_404(File.objects.select_related("root"), pk=pk)
        start_s, end_s = (_seconds(request.query_params.get(name, ""), name) for name in ("start_s", "end_s"))
        with cut_range(file, start_s, end_s, token=f"range-{uuid4().hex[:8]}") as path:
            # Opened before its folder goes: the bytes stay until they are read.
            answer = FileResponse(path.open("rb"), content_type=f"{'audio' if path.suffix == '.m4a' else 'video'}/mp4")
        name = f"{safe_stem(file.name)}_{start_s:g}-{end_s:g}{path.suffix}"
        answer["Content-Disposition"] = content_disposition_header(True, name) or ""
        answer["X-Content-Type-Options"] = "nosniff"
        return answer


class SpriteSheet(MediaView):
    @extend_schema(operation_id="files_sprite", responses=_JPEG)
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The sheet of small pictures for scrubbing; `sprite.vtt` says which is where."""
        return _picture(request, derived.sprite_path(get_object_or_404(File, pk=pk)))


class SpriteIndex(MediaView):
    @extend_schema(operation_id="files_sprite_index", responses={(200, "text/vtt"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """WebVTT whose cues name rectangles of `sprite.jpg`."""
        return _picture(request, derived.sprite_vtt_path(get_object_or_404(File, pk=pk)))


def _picture(request: Request, path: Path | None) -> HttpResponseBase:
    if path is None:
        raise Http404("There is none yet: it is made together with the proxy.")
    return streaming.serve(request._request, path, max_age_s=PICTURE_MAX_AGE_S, is_ours=True)


def _seconds(text: str, name: str = "t") -> float:
    try:
        at_s = float(text)
    except ValueError:
        at_s = -1.0
    if not 0 <= at_s < float("inf"):
        raise ValidationError({name: ["A number of seconds, 0 or more."]})
    return at_s
