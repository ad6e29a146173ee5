"""Doing things over HTTP: import a folder, scan a root, estimate and start an action on a selection."""

from dataclasses import asdict
from typing import Any, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.import_tasks import request_import, request_scan, require_importable
from files.importing.roots import relocate_root
from files.models import FileQuerySet, Root
from files.selection import resolving
from files.selection.actions import estimate, start_action, undo_batch
from files.selection.pieces import get_action
from files.serializers import (
    EstimateRequestSerializer,
    ImportSerializer,
    PlanSerializer,
    ReconcileSerializer,
    RelocateSerializer,
    RelocationSerializer,
    ScanSerializer,
    SelectionSerializer,
    UndoneSerializer,
)
from files.upkeep_tasks import PERMISSION as RECONCILE_PERMISSION
from files.upkeep_tasks import request_reconciling
from jobs.models import Batch
from jobs.serializers import BatchSerializer, JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing

#: The contract's; a floor that is not there answers 404.
ACTIONS = ["proxy", "transcribe", "frames", "see", "read", "nova", "embeddings", "tag", "collect", "remove"]


class ImportDirectoryView(CostlyView):
    """Import a folder of the server's disks, where it lies. It has to be in IMPORT_ROOTS or in a known root."""

    permission_classes = [HasPermission("files.add_file")]

    @extend_schema(request=ImportSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        given = ImportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        job = request_import(**given.validated_data, user=_person(request))
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)


class RootScanView(APIView):
    """Look for new, changed, moved and missing files of a root."""

    permission_classes = [HasPermission("files.change_root")]

    @extend_schema(request=ScanSerializer, responses={202: JobSerializer})
    def post(self, request: Request, pk: int) -> Response:
        given = ScanSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        job = request_scan(get_object_or_404(Root, pk=pk), **given.validated_data, user=_person(request))
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)


class RootRelocateView(APIView):
    """Follow a folder to where it is now, after comparing a sample of its files by content."""

    permission_classes = [HasPermission("files.change_root")]

    @extend_schema(request=RelocateSerializer, responses={200: RelocationSerializer, 202: JobSerializer})
    def post(self, request: Request, pk: int) -> Response:
        given = RelocateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        root = get_object_or_404(Root.objects.listed(), pk=pk)
        require_importable(wanted["path"])
        report = relocate_root(root, wanted["path"], dry_run=wanted["dry_run"])
        if not report.dry_run:
            job = request_scan(root, user=_person(request))
            return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)
        return Response(RelocationSerializer(cast("Any", report)).data)


class ReconcileView(CostlyView):
    """Compare proxies with their rows, in the background; with `apply`, put right what differs. Originals are never
    touched."""

    permission_classes = [HasPermission(RECONCILE_PERMISSION)]

    @extend_schema(operation_id="reconcile", request=ReconcileSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        given = ReconcileSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        job = request_reconciling(**given.validated_data, created_by=_person(request))
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)


class EstimateView(APIView):
    """What an action would do to how many files, what is done already, and what it would cost. Changes nothing."""

    permission_classes = [HasPermission("files.view_file")]

    @extend_schema(request=EstimateRequestSerializer, responses=PlanSerializer)
    def post(self, request: Request) -> Response:
        given = EstimateRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        plan = estimate(wanted["action"], _files(wanted), wanted["options"])
        return Response(PlanSerializer(cast("Any", {"action": wanted["action"], **asdict(plan)})).data)


class StartActionView(CostlyView):
    """Do something to files: `proxy`, `transcribe`, `nova`, `embeddings`."""

    permission_classes = [HasPermission("files.view_file")]

    @extend_schema(request=SelectionSerializer, responses={202: BatchSerializer})
    def post(self, request: Request, action: str) -> Response:
        if not request.user.has_perm(get_action(action).permission):
            raise PermissionDenied
        given = SelectionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        batch = start_action(action, _files(wanted), wanted["options"], user=_person(request))
        return Response(BatchSerializer(batch).data, status.HTTP_202_ACCEPTED)


class UndoView(APIView):
    """Take back what an action did to a selection: a removal, or tags. 409 where it cannot be taken back."""

    permission_classes = [HasPermission("jobs.view_batch")]

    @extend_schema(operation_id="batch_undo", request=None, responses=UndoneSerializer)
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        return Response({"message": undo_batch(get_object_or_404(Batch, pk=pk), user=_person(request))})


def _files(wanted: dict[str, Any]) -> FileQuerySet:
    return resolving.resolve(file_ids=wanted.get("file_ids"), filter=wanted.get("filter"))


def _person(request: Request) -> Any:
    return cast("Any", request.user)
