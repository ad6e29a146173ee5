"""Jobs, batches and queues over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet, ViewSet

from jobs import control, registry
from jobs.filters import JobFilter
from jobs.models import Batch, Job, QueueState
from jobs.serializers import BatchSerializer, JobSerializer, QueueSerializer
from jobs.subjects import SubjectDescription, describe
from jobs.web import permissions
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing


class JobViewSet(CostlyView, ReadOnlyModelViewSet[Job]):
    """Background work: newest first."""

    is_costly = False
    queryset = Job.objects.order_by("-pk")
    serializer_class = JobSerializer
    permission_classes = [HasPermission("jobs.view_job")]
    filterset_class = JobFilter
    _about: dict[int, SubjectDescription] | None = None

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        self._about = describe(page or [])
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "about": self._about}

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    @takes_nothing
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel it: at once while it is queued, else at its next step. 409 when it is over."""
        job = self.get_object()
        permissions.check_job(request.user, job)
        return Response(self.get_serializer(control.cancel(job)).data)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    @takes_nothing
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed or cancelled job again. Answers the job that now does it."""
        job = self.get_object()
        permissions.check_job(request.user, job)
        return Response(self.get_serializer(control.retry(job)).data)


class BatchViewSet(CostlyView, RetrieveModelMixin, GenericViewSet[Batch]):
    """Many jobs from one action."""

    is_costly = False
    queryset = Batch.objects.all()
    serializer_class = BatchSerializer
    permission_classes = [HasPermission("jobs.view_batch")]

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    @takes_nothing
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel what is left, but for jobs that another batch waits for too."""
        batch = self.get_object()
        permissions.check_batch(request.user, batch)
        control.cancel_batch(batch)
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"], url_path="retry-failed")
    @takes_nothing
    def retry_failed(self, request: Request, pk: str) -> Response:
        """Queue all failed jobs of the batch again."""
        batch = self.get_object()
        permissions.check_batch(request.user, batch)
        control.retry_failed(batch)
        return Response(self.get_serializer(batch).data)


_NAME = OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH, enum=registry.QUEUES)


class QueueViewSet(ViewSet):
    """The two queues: `fast` for what takes seconds, `long` for the rest."""

    def get_permissions(self) -> list[Any]:
        codename = "jobs.view_queuestate" if self.action == "list" else "jobs.change_queuestate"
        return [HasPermission(codename)()]

    @extend_schema(responses=QueueSerializer(many=True))
    def list(self, request: Request) -> Response:
        known = {state.name: state for state in QueueState.objects.all()}
        states = [known.get(name) or QueueState(name=name) for name in registry.QUEUES]
        return Response(QueueSerializer(states, many=True).data)

    @extend_schema(request=None, responses=QueueSerializer, parameters=[_NAME])
    @action(detail=True, methods=["post"])
    @takes_nothing
    def pause(self, request: Request, name: str) -> Response:
        """Start nothing more of this queue; what runs goes on."""
        return Response(QueueSerializer(control.pause(_known(name), by=_person(request))).data)

    @extend_schema(request=None, responses=QueueSerializer, parameters=[_NAME])
    @action(detail=True, methods=["post"])
    @takes_nothing
    def resume(self, request: Request, name: str) -> Response:
        """Go on with this queue."""
        return Response(QueueSerializer(control.resume(_known(name), by=_person(request))).data)


def _known(name: str) -> str:
    if name not in registry.QUEUES:
        raise NotFound(f"There is no queue {name!r}, only {' and '.join(registry.QUEUES)}.")
    return name


def _person(request: Request) -> Any:
    return request.user
