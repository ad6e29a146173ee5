"""`/api/spaces`: what vectors are made with and searched in, for texts and for pictures."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embeddings import registry
from embeddings.indexing import spaces
from embeddings.models import TEXT, Space
from embeddings.searching.compare import compare, compare_on_transcripts, cost_of_comparing
from embeddings.serializers import (
    ComparedSpacesSerializer,
    CompareSpacesSerializer,
    NewSpaceSerializer,
    SpacePurposeSerializer,
    SpaceSerializer,
)
from embeddings.tasks import request_build
from jobs.serializers import BatchSerializer
from jobs.web.api_base import HasPermission, ModelPermissions
from jobs.web.idempotency import CostlyView


class SpaceList(generics.ListAPIView[Space]):
    """Every space. POST makes one, empty and beside those in use; what is left out is as the settings say."""

    serializer_class = SpaceSerializer
    permission_classes = [ModelPermissions]

    def get_queryset(self) -> QuerySet[Space]:
        return Space.objects.all()

    @extend_schema(request=NewSpaceSerializer, responses={201: SpaceSerializer})
    def post(self, request: Request) -> Response:
        asked = NewSpaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        space = spaces.get_or_make(registry.key_for(wanted["provider"], wanted["model"], wanted["dimension"]))
        return Response(SpaceSerializer(space).data, status=201)


class SpaceDetail(generics.RetrieveDestroyAPIView[Space]):
    """One space. DELETE forgets its vectors: those in use stay, those that were paid for go with `forget_paid` only."""

    serializer_class = SpaceSerializer
    permission_classes = [ModelPermissions]
    queryset = Space.objects.all()
    query_parameters = ("forget_paid",)

    @extend_schema(
        parameters=[OpenApiParameter("forget_paid", bool, description="Also vectors that were paid for.")],
        responses={204: None},
    )
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().delete(request, *args, **kwargs)

    def perform_destroy(self, instance: Space) -> None:
        spaces.delete(instance, with_paid=self.request.query_params.get("forget_paid", "").lower() in ("true", "1"))


class SpaceBuild(CostlyView):
    """Make what a space lacks, over the whole library, in the background. `coverage` says before what it costs."""

    permission_classes = [HasPermission("embeddings.view_space", "embeddings.add_embedding")]

    @extend_schema(operation_id="spaces_build", request=SpacePurposeSerializer, responses={202: BatchSerializer})
    def post(self, request: Request, pk: int) -> Response:
        content = _content_of(request)
        user: Any = request.user
        batch = request_build(get_object_or_404(Space, pk=pk), content, created_by=user)
        return Response(BatchSerializer(batch).data, status=202)


class SpaceUse(APIView):
    """Search with this space from the next question on. The other stays as it is, to switch back to."""

    permission_classes = [HasPermission("embeddings.view_space", "embeddings.change_space")]

    @extend_schema(operation_id="spaces_use", request=SpacePurposeSerializer, responses=SpaceSerializer)
    def post(self, request: Request, pk: int) -> Response:
        content = _content_of(request)
        space = get_object_or_404(Space, pk=pk)
        spaces.choose(space, content)
        return Response(SpaceSerializer(space).data)


class SpaceCompare(CostlyView):
    """What two spaces find first for each saved search. A paid space is asked each question once; `max_usd` is what
    that may cost.
    """

    permission_classes = [HasPermission("embeddings.view_space", "embeddings.view_chunk")]

    @extend_schema(operation_id="spaces_compare", request=CompareSpacesSerializer, responses=ComparedSpacesSerializer)
    def post(self, request: Request, pk: int) -> Response:
        asked = CompareSpacesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        content, pair = wanted["for"], (get_object_or_404(Space, pk=pk), wanted["with_space"])
        cost = cost_of_comparing(*pair, content=content)
        is_covered = not cost.questions or (cost.usd is not None and cost.usd <= (wanted["max_usd"] or Decimal(0)))
        rows = compare(*pair, content=content) if is_covered else None
        on_transcripts = compare_on_transcripts(*pair) if content == TEXT else None
        answer = {"questions_to_pay": cost.questions, "usd": cost.usd, "rows": rows, "transcripts": on_transcripts}
        return Response(ComparedSpacesSerializer(answer).data)


def _content_of(request: Request) -> str:
    asked = SpacePurposeSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return str(asked.validated_data["for"])
