"""The API of batch mode: what waits and what is done about it, and Bedrock's jobs in its own words."""

from typing import Any

from django.db.models import QuerySet, Sum
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import StrictFields, takes_nothing
from nova.batch import lifecycle, pool
from nova.facet import PERMISSION
from nova.models import BedrockBatch, NovaJob
from nova.serializers import BedrockBatchSerializer

NOW = ("realtime", "flex")


class WaitingSerializer(serializers.Serializer[Any]):
    """Records that wait for a full batch of one model, and what they would cost now."""

    model = serializers.CharField(source="model_key")
    records = serializers.IntegerField()
    minimum = serializers.IntegerField()
    short = serializers.IntegerField(help_text="How many are missing; 0 = a batch can be sent.")
    usd_realtime = serializers.DecimalField(max_digits=20, decimal_places=6, coerce_to_string=False, allow_null=True)
    usd_flex = serializers.DecimalField(max_digits=20, decimal_places=6, coerce_to_string=False, allow_null=True)
    words = serializers.CharField()


class DoneSerializer(serializers.Serializer[Any]):
    """How many analyses or batches it was done to."""

    done = serializers.IntegerField()


class RunNowSerializer(StrictFields, serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=NOW, default="flex", help_text="Flex costs the same as batch.")


def batches_with_costs() -> QuerySet[BedrockBatch]:
    """Every batch, the newest first, with its estimate and what its answers did cost."""
    return BedrockBatch.objects.annotate(
        estimated_usd=Sum("questions__estimated_usd"), cost_usd=Sum("questions__reply__cost_usd")
    ).order_by("-pk")


def waiting_analyses(model_key: str) -> QuerySet[NovaJob]:
    """The analyses that wait for a batch of this model."""
    return NovaJob.objects.filter(model=model_key, mode=NovaJob.Mode.BATCH, status=NovaJob.Status.WAITING)


@extend_schema(tags=["nova"])
class BatchesView(generics.ListAPIView[BedrockBatch]):
    """Batch jobs of Bedrock, the newest first."""

    queryset = BedrockBatch.objects.order_by("-pk")
    serializer_class = BedrockBatchSerializer


class CancelBatchView(APIView):
    """Stop a batch. What was done until then is kept, and paid."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=None, responses=BedrockBatchSerializer)
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        batch = get_object_or_404(BedrockBatch, pk=pk)
        lifecycle.cancel_batch(batch)
        batch.refresh_from_db()
        return Response(BedrockBatchSerializer(batch).data)


class LookAtBatchView(APIView):
    """Ask Bedrock about all open batches now, and take in what has ended."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=None, responses=BedrockBatchSerializer(many=True))
    @takes_nothing
    def post(self, request: Request) -> Response:
        return Response(BedrockBatchSerializer(lifecycle.tend_all(), many=True).data)


class WaitingView(APIView):
    """What waits for a full batch, by model."""

    permission_classes = [HasPermission("nova.view_novajob")]

    @extend_schema(tags=["nova"], responses=WaitingSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(WaitingSerializer(pool.all_waiting(), many=True).data)


class SendNowView(CostlyView):
    """Send what waits for this model, if it is enough for a batch."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=None, responses={202: BedrockBatchSerializer(many=True)})
    @takes_nothing
    def post(self, request: Request, model: str) -> Response:
        return Response(BedrockBatchSerializer(pool.send(model, by_hand=True), many=True).data, status=202)


class RunNowView(CostlyView):
    """Run what waits for a batch of this model now, in flex or realtime."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=RunNowSerializer, responses={202: DoneSerializer})
    def post(self, request: Request, model: str) -> Response:
        asked = RunNowSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        done = pool.run_now(waiting_analyses(model), asked.validated_data["mode"])
        return Response({"done": done}, status=202)


class CancelWaitingView(APIView):
    """Cancel the analyses that wait for a batch of this model. Nothing was sent, nothing is paid."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=None, responses=DoneSerializer)
    @takes_nothing
    def post(self, request: Request, model: str) -> Response:
        ids = list(waiting_analyses(model).values_list("pk", flat=True))
        pool.cancel_analyses(ids)
        return Response({"done": len(ids)})
