"""API calls that cost money or much work: never done twice for one wish, and not too many a minute.

A client names its wish with the header `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same key
with the same body gets the stored answer, with another body 422, while the first is still being answered 409. Keys
belong to a user and are kept for IDEMPOTENCY_KEY_HOURS. Only what was done is stored: after an error the key is free.
An upload is taken in before its key is: its content counts, not its wrapping, and a slow line keeps no key waiting.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from jobs import conf
from jobs.errors import WorkError
from jobs.models import IdempotencyKey

HEADER = "Idempotency-Key"
LONGEST = 200
READ_BYTES = 1024 * 1024
#: A request that was not answered by then has died: its key is free again.
DIED_AFTER = timedelta(minutes=15)


class BadKeyError(WorkError):
    code = "bad_idempotency_key"
    remedy = f"Use 1 to {LONGEST} visible ASCII characters, such as a UUID."


class KeyUsedError(WorkError):
    code = "idempotency_key_used"
    status = 422
    remedy = "Use a new key for another request."


class KeyInUseError(WorkError):
    code = "idempotency_key_in_use"
    status = 409
    remedy = "Wait for the answer of the first request, then ask again with the same key."


class _Known(Exception):  # noqa: N818  (no error: the answer is there)
    """The same wish was answered before."""

    def __init__(self, row: IdempotencyKey) -> None:
        self.row = row


class CostlyThrottle(UserRateThrottle):
    """API_COSTLY_RATE, such as `120/min`, for each user."""

    scope = "costly"

    def get_rate(self) -> str | None:
        return conf.costly_rate() or None


class CostlyView(APIView):
    """A view whose POST costs money or much work."""

    #: A view set says it of single addresses: `as_view({…}, is_costly=True)`.
    is_costly = True
    throttle_classes = [CostlyThrottle]
    _claimed: IdempotencyKey | None = None

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.is_costly else []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get(HEADER)
        if key is not None and self.is_costly and request.method == "POST":
            self._claimed = _claim(request, key)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Known):
            headers = {"Idempotent-Replayed": "true", **exc.row.headers}
            return Response(exc.row.answer, status=exc.row.status, headers=headers)
        try:
            return super().handle_exception(exc)
        except Exception:  # a fault of ours: there is no answer to keep
            if self._claimed is not None:
                self._claimed.delete()
            raise

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        made = super().finalize_response(request, response, *args, **kwargs)
        if self._claimed is not None:
            _settle(self._claimed, made)
        return made


def _claim(request: Request, key: str) -> IdempotencyKey:
    """Take the key for this request. Raises _Known with the stored answer, BadKeyError, KeyUsedError, KeyInUseError."""
    if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise BadKeyError("This Idempotency-Key cannot be used.")
    now = timezone.now()
    old = now - timedelta(hours=conf.idempotency_key_hours())
    IdempotencyKey.objects.filter(created_at__lt=old).delete()
    facts = {"user": cast("Any", request.user), "key": key}
    IdempotencyKey.objects.filter(**facts, status__isnull=True, created_at__lt=now - DIED_AFTER).delete()
    wish = _wish(request)
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**facts, wish=wish)
    except IntegrityError:
        known = IdempotencyKey.objects.filter(**facts).first()
    if known is None:
        raise KeyInUseError("A request with this Idempotency-Key has just ended.")
    if known.wish != wish:
        raise KeyUsedError("This Idempotency-Key was used for another request.")
    if known.status is None:
        raise KeyInUseError("A request with this Idempotency-Key is being answered.")
    raise _Known(known)


def _wish(request: Request) -> str:
    """A hash of what is asked."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if not (request.content_type or "").startswith("multipart/"):
        digest.update(request.body)
        return digest.hexdigest()
    # The boundary between the parts differs from one sending to the next.
    for name, values in sorted(cast("QueryDict", request.data).lists()):
        for value in values:
            upload = value if isinstance(value, UploadedFile) else None
            told = [name, upload.name, upload.size] if upload else [name, str(value)]
            digest.update(json.dumps(told).encode())
            for chunk in upload.chunks(READ_BYTES) if upload else ():
                digest.update(chunk)
            if upload:
                upload.seek(0)
    return digest.hexdigest()


def _settle(row: IdempotencyKey, response: Response) -> None:
    if not 200 <= response.status_code < 300:
        row.delete()
        return
    # Without a complaint where the row is gone: it took longer than DIED_AFTER, or the user was deleted meanwhile.
    IdempotencyKey.objects.filter(pk=row.pk).update(
        status=response.status_code,
        answer=json.loads(JSONRenderer().render(response.data)) if response.data is not None else None,
        headers={"Location": response["Location"]} if response.has_header("Location") else {},
    )
