"""Whether the body of an upload may be read: asked when its head is there, before a byte of it is kept."""

from dataclasses import dataclass
from http.cookies import CookieError
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from files.errors import FilesError
from files.importing.uploading import require_room
from novaproject.tokens import TokenAuthentication

#: Addresses that take files, and what one must be allowed for it. Elsewhere a body is small, and holds no file.
UPLOADS = {
    "/upload": "files.add_file",
    "/api/files/upload": "files.add_file",
    "/api/search/picture": "embeddings.view_chunk",
    "/search/picture": "embeddings.view_chunk",
}


@dataclass(frozen=True, kw_only=True)
class BodyRefusal:
    """Why a body is not read, as an HTTP answer."""

    status: int
    code: str
    detail: str


def takes_upload(path: str) -> bool:
    """Whether files may be sent to this address."""
    return path.rstrip("/") in UPLOADS


def refusal_of(path: str, headers: dict[str, str], size_bytes: int) -> BodyRefusal | None:
    """Why this upload is refused: its sender is not known or may not upload, or there is no room; None = it may come.

    `headers` has upper-case names with underscores. The view checks all of it again, and the CSRF token.
    """
    try:
        user = _sender(headers)
        if not user.is_authenticated:
            detail = "Log in first: nothing of the upload was read."
            return BodyRefusal(status=401, code="not_authenticated", detail=detail)
        if not user.has_perm(UPLOADS[path.rstrip("/")]):  # type: ignore[attr-defined]
            return BodyRefusal(status=403, code="permission_denied", detail="You may not upload files here.")
        require_room(size_bytes)
    except AuthenticationFailed as error:
        return BodyRefusal(status=401, code="authentication_failed", detail=str(error.detail))
    except FilesError as error:
        return BodyRefusal(status=507, code=error.code, detail=f"{error} {error.remedy}".strip())
    except OperationalError:
        return BodyRefusal(status=503, code="busy", detail="The database is busy. Try again in a few seconds.")
    return None


def _sender(headers: dict[str, str]) -> AbstractBaseUser | AnonymousUser:
    """Who sends this, by token or by session."""
    request = HttpRequest()
    if "AUTHORIZATION" in headers:
        request.META["HTTP_AUTHORIZATION"] = headers["AUTHORIZATION"]
        known = TokenAuthentication().authenticate(Request(request))
        return known[0] if known else AnonymousUser()
    try:
        cookies = parse_cookie(headers.get("COOKIE", ""))
    except CookieError:
        return AnonymousUser()
    engine: Any = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)
