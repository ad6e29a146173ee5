"""API calls that cost money or much work: never done twice for one request, and not too many a minute.

A client names its request with the header `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same
key with the same body gets the stored answer, with another body 422, while the first is still being answered 409. Keys
belong to a user and are kept for IDEMPOTENCY_KEY_HOURS. Only what was done is stored: after an error the key is free.
An upload is read before its key is taken: its content counts, not its wrapping, and a slow line keeps no key waiting.
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

from jobs import conf, owners
from jobs.errors import WorkError
from jobs.models import IdempotencyKey

HEADER = "Idempotency-Key"
LONGEST = 200
READ_BYTES = 1024 * 1024
#: A request that was not answered by then has died: its key is free again. Of a dead process here it is free at once.
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


class _Answered(Exception):  # noqa: N818  (no error: the answer is there)
    """The same request was answered before."""

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
    _key_row: IdempotencyKey | None = None

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.is_costly else []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get(HEADER)
        if key is not None and self.is_costly and request.method == "POST":
            self._key_row = _take_key(request, key)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Answered):
            headers = {"Idempotent-Replayed": "true", **exc.row.headers}
            return Response(exc.row.answer, status=exc.row.status, headers=headers)
        try:
            return super().handle_exception(exc)
        except Exception:  # a fault of ours: there is no answer to keep
            if self._key_row is not None:
                self._key_row.delete()
            raise

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self._key_row is None:
            return answer
        if not 200 <= answer.status_code < 300:
            self._key_row.delete()
            return answer
        # Without a complaint where the row is gone: it took longer than DIED_AFTER, or the user was deleted meanwhile.
        IdempotencyKey.objects.filter(pk=self._key_row.pk).update(
            status=answer.status_code,
            answer=json.loads(JSONRenderer().render(answer.data)) if answer.data is not None else None,
            headers={"Location": answer["Location"]} if answer.has_header("Location") else {},
        )
        return answer


def _take_key(request: Request, key: str) -> IdempotencyKey:
    """Take the key for this request.

    Raises _Answered with the stored answer, BadKeyError, KeyUsedError, KeyInUseError.
    """
    if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise BadKeyError("This Idempotency-Key cannot be used.")
    now = timezone.now()
    old = now - timedelta(hours=conf.idempotency_key_hours())
    IdempotencyKey.objects.filter(created_at__lt=old).delete()
    whose = {"user": cast("Any", request.user), "key": key}
    unanswered = IdempotencyKey.objects.filter(**whose, status__isnull=True).first()
    if unanswered and (unanswered.created_at < now - DIED_AFTER or owners.is_dead_here(unanswered.process)):
        unanswered.delete()
    digest = request_hash(request)
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**whose, request_hash=digest, process=owners.me())
    except IntegrityError:
        row = IdempotencyKey.objects.filter(**whose).first()
    if row is None:
        raise KeyInUseError("A request with this Idempotency-Key has just ended.")
    if row.request_hash != digest:
        raise KeyUsedError("This Idempotency-Key was used for another request.")
    if row.status is None:
        raise KeyInUseError("A request with this Idempotency-Key is being answered.")
    raise _Answered(row)


def request_hash(request: Request) -> str:
    """Hash what a request asks for: method, path and body, or the parts of a multipart body. Returns 64 hex digits."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if not (request.content_type or "").startswith("multipart/"):
        digest.update(request.body)
        return digest.hexdigest()
    # The boundary between the parts differs from one sending to the next.
    for name, values in sorted(cast("QueryDict", request.data).lists()):
        for value in values:
            upload = value if isinstance(value, UploadedFile) else None
            header = [name, upload.name, upload.size] if upload else [name, str(value)]
            digest.update(json.dumps(header).encode())
            for chunk in upload.chunks(READ_BYTES) if upload else ():
                digest.update(chunk)
            if upload:
                upload.seek(0)
    return digest.hexdigest()
