"""Make an API token for a user."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from knox.models import AuthToken


class Command(BaseCommand):
    help = (
        "Print a new API token, once; only its digest is stored. It may do what the user may do. "
        'Example: python manage.py api_token admin; then send the header "Authorization: Token …".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--expires-days", type=int, default=None, help="Let it end after so many days.")
        parser.add_argument("--revoke-all", action="store_true", help="End all tokens of this user instead.")

    def handle(self, *args: Any, username: str, expires_days: int | None, revoke_all: bool, **options: Any) -> None:
        user = get_user_model().objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user named {username!r}. Make one with: manage.py createsuperuser")
        if revoke_all:
            count, _ = AuthToken.objects.filter(user=user).delete()
            self.stdout.write(f"Ended {count} tokens of {username}.")
            return
        if expires_days is not None and expires_days < 1:
            raise CommandError("--expires-days must be 1 or more.")
        expiry = timedelta(days=expires_days) if expires_days else None
        _, token = AuthToken.objects.create(user, expiry=expiry)
        self.stdout.write(token)
