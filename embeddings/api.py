"""Search and embedding over HTTP."""

from pathlib import Path
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from embeddings.models import SavedQuery
from embeddings.searching import saved
from embeddings.searching.search import DEFAULT_LIMIT, more_like, search, search_picture
from embeddings.serializers import (
    GenerateSerializer,
    PictureQuerySerializer,
    SavedSearchSerializer,
    SearchAnswerSerializer,
    SearchQuerySerializer,
)
from embeddings.tasks import request_embed, request_media
from files.models import File
from files.selection.filters import file_filters
from jobs.serializers import JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import refuse_others, takes_nothing
from nova.models import NovaJob
from transcription.models import Transcript
from vision.frames.decoding import picture_of_anybody

#: What it takes to be charged for a question in a paid space.
SPEND = "embeddings.add_embedding"
OWN = frozenset(SearchQuerySerializer().fields)
#: Parameters of REST itself, not filters.
REST = frozenset({"format"})


class SearchView(APIView):
    """Find moments by words, by meaning, or by both; or (`like`, `like_file`) what is like a moment or a file."""

    query_parameters = None  # `files.selection.resolving` refuses what it does not know

    permission_classes = [HasPermission("embeddings.view_chunk")]

    @extend_schema(
        operation_id="search",
        parameters=[
            SearchQuerySerializer,
            OpenApiParameter("media_type", str, many=True, description="And the other filters of `GET /api/files`."),
        ],
        responses=SearchAnswerSerializer,
        tags=["search"],
    )
    def get(self, request: Request) -> Response:
        asked = SearchQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        like, like_file, like_frame = (wanted.pop(name) for name in ("like", "like_file", "like_frame"))
        rules: dict[str, Any] = {"filters": filters_of(request), "may_pay": request.user.has_perm(SPEND)}
        if like or like_file or like_frame:
            scope = {name: wanted[name] for name in ("kind", "limit", "name")}
            answer = more_like(chunk_id=like, file_id=like_file, frame=like_frame or None, **scope, **rules)
        else:
            answer = search(**wanted, **rules)
        return Response(SearchAnswerSerializer(answer).data)


class PictureSearchView(APIView):
    """Find moments that look like a picture of one's own. In a paid space of pictures it costs what one picture does,
    once, and needs the right to spend.
    """

    permission_classes = [HasPermission("embeddings.view_chunk")]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="search_picture",
        request={"multipart/form-data": PictureQuerySerializer},
        responses=SearchAnswerSerializer,
        tags=["search"],
    )
    def post(self, request: Request) -> Response:
        own = set(PictureQuerySerializer().fields)
        form: Any = request.data
        refuse_others(
            form, own | set(file_filters().base_filters), "Known are picture, limit, name and the filters of files."
        )
        asked = PictureQuerySerializer(data=form)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        filters = {name: form.getlist(name) for name in form if name not in own}
        picture = picture_of_anybody(Path(wanted["picture"].temporary_file_path()))
        may_pay = request.user.has_perm(SPEND)
        answer = search_picture(picture, limit=wanted["limit"], name=wanted["name"], filters=filters, may_pay=may_pay)
        return Response(SearchAnswerSerializer(answer).data)


class GenerateView(CostlyView):
    """Embed what is known of one file, in the background."""

    permission_classes = [HasPermission("embeddings.add_embedding")]

    @extend_schema(
        operation_id="embeddings_generate", request=GenerateSerializer, responses={202: JobSerializer}, tags=["search"]
    )
    def post(self, request: Request) -> Response:
        asked = GenerateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user: Any = request.user
        ids = asked.validated_data
        if "file_id" in ids:
            file_id = ids["file_id"]
        elif "transcript_id" in ids:
            file_id = get_object_or_404(Transcript, pk=ids["transcript_id"]).file_id
        else:
            file_id = get_object_or_404(NovaJob, pk=ids["nova_job_id"]).file_id or 0
        file = get_object_or_404(File, pk=file_id)
        look = request_media(file, created_by=user) if asked.validated_data["video"] else None
        job = request_embed(file, force=asked.validated_data["force"], created_by=user)
        return Response(JobSerializer(look or job).data, status=202)


def filters_of(request: Request) -> dict[str, Any]:
    """The file list's filters among the parameters; `files.selection.resolving` refuses those that it does not know."""
    given = request.query_params
    return {name: given.getlist(name) for name in given if name not in OWN | REST}


def known_filters() -> list[str]:
    """The filters that a search takes."""
    return sorted(set(file_filters().base_filters) - {"q", "ordering"})


class SavedSearchList(generics.ListCreateAPIView[SavedQuery]):
    """Saved searches, by name. POST saves one."""

    serializer_class = SavedSearchSerializer
    queryset = SavedQuery.objects.all()

    def perform_create(self, serializer: BaseSerializer[SavedQuery]) -> None:
        serializer.save(created_by=self.request.user)


class SavedSearchDetail(generics.RetrieveUpdateDestroyAPIView[SavedQuery]):
    """One saved search."""

    serializer_class = SavedSearchSerializer
    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = SavedQuery.objects.all()


class SavedSearchNew(APIView):
    """What a saved search finds that came since it was opened last."""

    permission_classes = [HasPermission("embeddings.view_savedquery", "embeddings.view_chunk")]

    @extend_schema(operation_id="searches_new", responses=SearchAnswerSerializer, tags=["search"])
    def get(self, request: Request, pk: int) -> Response:
        answer = saved.what_is_new(get_object_or_404(SavedQuery, pk=pk), limit=DEFAULT_LIMIT)
        return Response(SearchAnswerSerializer(answer).data)


class SavedSearchOpened(APIView):
    """Say that what it finds was seen: from now on only what comes later is new."""

    permission_classes = [HasPermission("embeddings.change_savedquery")]

    @extend_schema(operation_id="searches_opened", request=None, responses=SavedSearchSerializer, tags=["search"])
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        query = get_object_or_404(SavedQuery, pk=pk)
        query.open()
        return Response(SavedSearchSerializer(query).data)
