"""API of `bedrock`: the models, and what was spent."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bedrock import catalogue
from bedrock.ledger import spend
from bedrock.models import CatalogueModel
from bedrock.serializers import ModelSerializer, SpendQuerySerializer, SpendSerializer
from jobs.web.api_base import HasPermission


class ModelList(ListAPIView[CatalogueModel]):
    """The models that analyse video, with ids, state, limits and prices in this region."""

    serializer_class = ModelSerializer
    queryset = CatalogueModel.objects.none()
    pagination_class = None
    filter_backends = ()

    def get_queryset(self) -> Any:
        return catalogue.models(CatalogueModel.Purpose.ANALYSIS)


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
