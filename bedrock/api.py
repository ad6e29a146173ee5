"""API of `bedrock`: the models, and what was spent."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveUpdateAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from bedrock import catalogue, conf, tasks
from bedrock.ledger import spend
from bedrock.models import CatalogueModel
from bedrock.serializers import ModelSerializer, RefreshSerializer, SpendQuerySerializer, SpendSerializer
from jobs.serializers import JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing


class ModelList(ListAPIView[CatalogueModel]):
    """The models that analyse video, with ids, state, limits and prices in this region."""

    serializer_class = ModelSerializer
    queryset = CatalogueModel.objects.none()
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> Any:
        return catalogue.models(CatalogueModel.Purpose.ANALYSIS)


class ModelDetail(RetrieveUpdateAPIView[CatalogueModel]):
    """One model. PATCH chooses the global profile, cheaper and answered anywhere in the world, or the nearest again."""

    serializer_class = ModelSerializer
    queryset = CatalogueModel.objects.all()
    lookup_field = "key"
    http_method_names = ("get", "patch", "head", "options")

    def perform_update(self, serializer: BaseSerializer[CatalogueModel]) -> None:
        row, wanted = self.get_object(), serializer.validated_data
        if "prefers_global" in wanted:
            catalogue.choose_profile(row, conf.region(), is_global=wanted["prefers_global"])
        serializer.instance = row


class AcceptEstimate(APIView):
    """Take the estimated price of a model in our region as its price, until a version of this program knows it."""

    permission_classes = (HasPermission("bedrock.change_cataloguemodel"),)

    @extend_schema(request=None, responses=ModelSerializer)
    @takes_nothing
    def post(self, request: Request, key: str) -> Response:
        row = get_object_or_404(CatalogueModel, key=key)
        catalogue.accept_estimate(row, conf.region(), by=request.user.get_username())
        return Response(ModelSerializer(row).data)


class RefreshModels(CostlyView):
    """Ask Bedrock, in the background, which models it has, until when, by which profiles, and what its quotas are."""

    permission_classes = (HasPermission(tasks.PERMISSION),)

    @extend_schema(request=RefreshSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person: Any = request.user
        return Response(JobSerializer(tasks.request_refresh(body.validated_data, created_by=person)).data, 202)


class Spend(APIView):
    """What was spent by day, month, model, mode, type, purpose or file, and where this month stands."""

    query_parameters = tuple(SpendQuerySerializer().fields)

    permission_classes = (HasPermission("bedrock.view_entry"),)

    @extend_schema(parameters=[SpendQuerySerializer], responses=SpendSerializer)
    def get(self, request: Request) -> Response:
        query = SpendQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = spend.by(asked["by"], since=asked.get("since"), until=asked.get("until"))
        return Response(SpendSerializer({"by": asked["by"], "rows": rows, "month": spend.month()}).data)
