"""`/api/files`, `/api/roots`, `/api/proxies`, problems: what is in the library."""

from typing import Any, cast

from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.errors import ActionRefusedError, FilesError
from files.import_tasks import restore_now, upload_now
from files.models import File, Problem, Proxy, Root
from files.parsing import MeasuredUploads, UploadParser
from files.removal_tasks import empty_trash, remove_root
from files.selection import facets, fields
from files.selection.facets import annotate
from files.selection.filters import ProblemFilters, ProxyFilters, file_filters
from files.serializers import (
    EmptiedSerializer,
    FileChangeSerializer,
    FileSerializer,
    ProblemSerializer,
    ProxySerializer,
    RemovedFileSerializer,
    RootSerializer,
    UploadSerializer,
)
from files.upkeep.removing import remove_file, trash
from jobs.serializers import BatchSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing


class FileList(generics.ListAPIView[File]):
    """The files of the library; each parameter narrows the list."""

    serializer_class = FileSerializer
    queryset = File.objects.all()

    @property
    def filterset_class(self) -> type[Any]:
        """Made when asked: the floors above register their facets at start-up."""
        return file_filters()

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        """The facets and fields are read for the files of the page only."""
        page = super().paginate_queryset(queryset)
        facets.fill(page or [])
        fields.fill(page or [])
        return page


class FileDetail(generics.RetrieveDestroyAPIView[File]):
    """One file. DELETE takes it out of the library with its proxies and vectors; the original of an import stays."""

    serializer_class = FileSerializer
    queryset = File.objects.all()

    def get_queryset(self) -> QuerySet[File]:
        return annotate(File.objects.select_related("root"))

    @extend_schema(request=FileChangeSerializer, responses=FileSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change what a person says of the file. The file itself is never written to."""
        file = self.get_object()
        change = FileChangeSerializer(file, data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        with transaction.atomic():
            change.save()
        return Response(FileSerializer(self.get_object()).data)

    def perform_destroy(self, instance: File) -> None:
        remove_file(instance)


class FileUpload(CostlyView):
    """Take one media file into the library."""

    permission_classes = [HasPermission("files.add_file")]
    parser_classes = [UploadParser]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.upload_handlers = [MeasuredUploads(request)]
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: FileSerializer})
    def post(self, request: Request) -> Response:
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        try:
            file = upload_now(wanted["file"], make_proxy=wanted["make_proxy"], created_by=cast("Any", request.user))
        except FilesError as error:
            if error.status != status.HTTP_400_BAD_REQUEST:
                raise
            raise ValidationError({"file": [f"{error} {error.remedy}".strip()]}) from error
        return Response(FileSerializer(annotate(File.objects.all()).get(pk=file.pk)).data, status.HTTP_201_CREATED)


class RootList(generics.ListAPIView[Root]):
    """The folders of the library."""

    serializer_class = RootSerializer
    queryset = Root.objects.all()

    def get_queryset(self) -> QuerySet[Root]:
        return with_counts(Root.objects.listed())


class RootDetail(generics.RetrieveUpdateDestroyAPIView[Root]):
    """One folder. PATCH changes its rules; DELETE takes it out of the library with its files: nothing in it is touched,
    and an import of it brings all back."""

    serializer_class = RootSerializer
    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = Root.objects.all()

    def get_queryset(self) -> QuerySet[Root]:
        return with_counts(Root.objects.listed())

    def perform_destroy(self, instance: Root) -> None:
        if instance.is_uploads:
            raise ActionRefusedError("Uploads have no folder of their own.", remedy="Remove the files one by one.")
        remove_root(instance, created_by=cast("Any", self.request.user))


class ProxyList(generics.ListAPIView[Proxy]):
    """The proxies that were made."""

    serializer_class = ProxySerializer
    queryset = Proxy.objects.filter(file__removed_at__isnull=True)
    filterset_class = ProxyFilters


class ProblemList(generics.ListAPIView[Problem]):
    """What could not be imported. A scan with `retry_problems` tries them again."""

    serializer_class = ProblemSerializer
    queryset = Problem.objects.all()
    filterset_class = ProblemFilters


class TrashList(generics.ListAPIView[File]):
    """What was removed from the library, latest first."""

    serializer_class = RemovedFileSerializer
    queryset = trash()


class TrashRestore(APIView):
    """Bring a removed file back, with its id. 409 where its place is taken or its bytes are gone."""

    permission_classes = [HasPermission("files.add_file")]

    @extend_schema(request=None, responses=FileSerializer)
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        restore_now(get_object_or_404(trash(), pk=pk), created_by=cast("Any", request.user))
        return Response(FileSerializer(annotate(File.objects.all()).get(pk=pk)).data)


class TrashEmpty(APIView):
    """Delete the bytes of removed uploads for good: many in the background. Imported originals are never deleted."""

    permission_classes = [HasPermission("files.delete_file")]

    @extend_schema(request=None, responses={200: EmptiedSerializer, 202: BatchSerializer})
    @takes_nothing
    def post(self, request: Request) -> Response:
        done = empty_trash(trash(), created_by=cast("Any", request.user))
        if isinstance(done, int):
            return Response({"deleted": done})
        return Response(BatchSerializer(done).data, status.HTTP_202_ACCEPTED)


def with_counts(roots: QuerySet[Root]) -> QuerySet[Root]:
    """Roots with the number and size of their files, and of their problems: three subqueries, however many roots."""
    files = File.objects.filter(root=OuterRef("pk")).order_by().values("root")
    problems = Problem.objects.filter(root=OuterRef("pk")).order_by().values("root")
    return roots.annotate(
        file_count=Coalesce(Subquery(files.annotate(n=Count("pk")).values("n")), 0),
        size_bytes=Coalesce(Subquery(files.annotate(n=Sum("size_bytes")).values("n")), 0),
        problem_count=Coalesce(Subquery(problems.annotate(n=Count("pk")).values("n")), 0),
    )
