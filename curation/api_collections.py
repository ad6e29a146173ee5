"""`/api/collections`, their items and order; and the export of collections and selections."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from curation.collecting import add_item, order_items, take_out
from curation.exports.clip import ClipList
from curation.exports.formats import FORMATS
from curation.exports.reading import of_collection, of_files
from curation.models import Collection, CollectionItem
from curation.serializers import CollectionSerializer, ItemSerializer, NewItemSerializer, OrderSerializer
from files.api_media import AnyAccept
from files.selection import resolving
from files.storage.naming import safe_stem
from jobs.web.api_base import HasPermission

_SHOWN = Count("items", filter=Q(items__file__removed_at=None))
_FORMAT = OpenApiParameter("format", enum=list(FORMATS), default="csv")
_FILE = {
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    409: OpenApiResponse(description="There is nothing to export."),
}


class CollectionList(generics.ListCreateAPIView[Collection]):
    """Collections by name. POST makes one."""

    serializer_class = CollectionSerializer
    queryset = Collection.objects.annotate(item_count=_SHOWN)

    def perform_create(self, serializer: BaseSerializer[Collection]) -> None:
        serializer.instance = self.get_queryset().get(pk=serializer.save().pk)


class CollectionDetail(generics.RetrieveUpdateDestroyAPIView[Collection]):
    """One collection. DELETE forgets the collection; its files stay."""

    serializer_class = CollectionSerializer
    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = Collection.objects.annotate(item_count=_SHOWN)


class ChangesCollection(HasPermission("curation.view_collection")):  # type: ignore[misc]
    """Reading asks for the right to see collections, all else for the right to change them."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_reading = request.method in ("GET", "HEAD", "OPTIONS")
        return super().has_permission(request, view) and (
            is_reading or request.user.has_perm("curation.change_collection")
        )


class ItemList(generics.ListAPIView[CollectionItem]):
    """The items of a collection in their order. POST adds a file or a moment, PUT orders all of them."""

    serializer_class = ItemSerializer
    permission_classes = [ChangesCollection]
    queryset = CollectionItem.objects.in_library()

    def get_queryset(self) -> QuerySet[CollectionItem]:
        if getattr(self, "swagger_fake_view", False):
            return CollectionItem.objects.none()
        collection = get_object_or_404(Collection, pk=self.kwargs["pk"])
        rows = CollectionItem.objects.in_library().filter(collection=collection).order_by("position", "n")
        return rows.select_related("file", "moment").prefetch_related("moment__tags")

    @extend_schema(request=NewItemSerializer, responses={201: ItemSerializer})
    def post(self, request: Request, pk: int) -> Response:
        collection = get_object_or_404(Collection, pk=pk)
        body = NewItemSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        subject = wanted.get("file_id") or wanted["moment_id"]
        item = add_item(collection, subject, position=wanted.get("position"))
        return Response(ItemSerializer(item).data, status.HTTP_201_CREATED)

    @extend_schema(request=OrderSerializer, responses=ItemSerializer(many=True))
    def put(self, request: Request, pk: int) -> Response:
        collection = get_object_or_404(Collection, pk=pk)
        body = OrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        order_items(collection, body.validated_data["items"])
        return self.list(request)


class ItemDetail(APIView):
    """One item. DELETE takes it out of the collection; the file and the moment stay."""

    permission_classes = [ChangesCollection]

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int, n: int) -> Response:
        take_out(get_object_or_404(CollectionItem.objects.select_related("collection"), collection_id=pk, n=n))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CollectionExport(APIView):
    """A collection in the form of another program. Timelines name the media files where they lie."""

    permission_classes = [HasPermission("curation.view_collection", "files.view_file")]
    content_negotiation_class = AnyAccept

    @extend_schema(operation_id="collections_export", parameters=[_FORMAT], responses=_FILE)
    def get(self, request: Request, pk: int) -> HttpResponse:
        collection = get_object_or_404(Collection, pk=pk)
        return _answer(request, of_collection(collection))


class FilesExport(APIView):
    """Every file that the filters of `GET /api/files` match, in the form of another program."""

    query_parameters = None  # `files.selection.resolving` refuses what it does not know

    permission_classes = [HasPermission("files.view_file")]
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="files_export",
        parameters=[_FORMAT, OpenApiParameter("tag", str, many=True, description="And the other filters.")],
        responses=_FILE,
    )
    def get(self, request: Request) -> HttpResponse:
        wanted: dict[str, Any] = {name: request.query_params.getlist(name) for name in request.query_params}
        wanted.pop("format", None)
        return _answer(request, of_files(resolving.resolve(filter=wanted), "Files"))


def _answer(request: Request, source: ClipList) -> HttpResponse:
    name = request.query_params.get("format", "csv")
    if name not in FORMATS:
        raise ValidationError({"format": [f"Choose one of {', '.join(FORMATS)}."]})
    return as_download(source, name)


def as_download(source: ClipList, name: str) -> HttpResponse:
    """The file in this format, to be saved under the name of what is exported."""
    answer = HttpResponse(FORMATS[name].write(source), content_type=FORMATS[name].media_type)
    answer["Content-Disposition"] = content_disposition_header(True, f"{safe_stem(source.name)}.{name}") or ""
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
