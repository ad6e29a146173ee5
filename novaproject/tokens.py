"""Tokens of programs: made, listed and ended here; knox keeps their digests only.

A token may do what its user may do. A program gets a user of its own, with the Django permissions that it needs.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.db.models import QuerySet
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed


class UnknownPermissionError(Exception):
    """No permission has this name."""


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """knox's, which fails on a token that is no text."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        if not token.isascii():
            raise AuthenticationFailed("Invalid token.")
        answer: tuple[Any, Any] = super().authenticate_credentials(token)
        return answer


def create_token(user: User, *, expires_days: int | None = None) -> str:
    """The new token, which cannot be read again."""
    _, token = AuthToken.objects.create(user, expiry=timedelta(days=expires_days) if expires_days else None)
    return str(token)


@transaction.atomic
def create_program(username: str, permissions: Iterable[str]) -> User:
    """A user without a password who may do only this (`files.view_file`, …). Raises UnknownPermissionError."""
    user = User.objects.create_user(username)
    for name in permissions:
        app, _, codename = name.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if permission is None:
            raise UnknownPermissionError(name)
        user.user_permissions.add(permission)
    return user


def tokens_of(user: User) -> "QuerySet[AuthToken]":
    """A user's tokens, oldest first; `token_key`, the beginning of each, names it."""
    tokens: QuerySet[AuthToken] = AuthToken.objects.filter(user=user).order_by("created")
    return tokens
