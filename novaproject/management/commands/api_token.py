"""Make, list and end API tokens."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from novaproject import tokens

#: For people, and for scripts.
Answer = tuple[str, Any]


class Command(BaseCommand):
    help = (
        "Print a new API token, once; only its digest is stored. It may do what the user may do. "
        'Example: .venv/bin/python manage.py api_token admin; then send the header "Authorization: Token …".'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--expires-days", type=int, default=None, help="Let it end after so many days.")
        parser.add_argument("--create", action="store_true", help="Make the user first, for a program: no password.")
        parser.add_argument(
            "--permission",
            action="append",
            default=[],
            metavar="NAME",
            help="With --create: what it may do, such as files.view_file. Can be given again.",
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="List this user's tokens by their beginnings instead.")
        what.add_argument("--revoke", metavar="BEGINNING", help="End the token that begins so, instead.")
        what.add_argument("--revoke-all", action="store_true", help="End all tokens of this user instead.")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = self._create(username, options["permission"]) if options["create"] else self._find(username)
        if options["permission"] and not options["create"]:
            raise CommandError("--permission goes with --create. Change a user's permissions in the admin.")
        if options["list"]:
            words, facts = self._list(user)
        elif options["revoke_all"] or options["revoke"] is not None:
            words, facts = self._revoke(user, options["revoke"] or "", every=options["revoke_all"])
        else:
            words, facts = self._make(user, options["expires_days"])
        self.stdout.write(json.dumps(facts) if options["json"] else words)

    def _find(self, username: str) -> User:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(
                f"There is no active user named {username!r}. Make one with: .venv/bin/python manage.py createsuperuser"
            )
        return user

    def _create(self, username: str, permissions: list[str]) -> User:
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a user named {username!r} already. Leave --create out for another token.")
        if not permissions:
            raise CommandError("Say what it may do, such as --permission files.view_file.")
        try:
            return tokens.create_program(username, permissions)
        except tokens.UnknownPermissionError as exc:
            raise CommandError(f"There is no permission {exc}. The admin lists them, such as files.view_file.") from exc

    def _list(self, user: User) -> Answer:
        lines, facts = [], []
        for token in tokens.tokens_of(user):
            ends = f"ends {token.expiry:%Y-%m-%d %H:%M} UTC" if token.expiry else "does not end by itself"
            lines.append(f"{token.token_key}…  made {token.created:%Y-%m-%d %H:%M} UTC, {ends}\n")
            expires_at = token.expiry and token.expiry.isoformat()
            created_at = token.created.isoformat()
            facts.append({"beginning": token.token_key, "created_at": created_at, "expires_at": expires_at})
        return "".join(lines), facts

    def _revoke(self, user: User, beginning: str, *, every: bool) -> Answer:
        rows = tokens.tokens_of(user)
        if not every:
            rows = rows.filter(token_key__startswith=beginning.rstrip("…"))
            if not beginning or rows.count() != 1:
                raise CommandError(f"{rows.count()} tokens begin with {beginning!r}. See --list.")
        count, _ = rows.delete()
        return f"Ended {count} tokens of {user.username}.", {"username": user.username, "ended": count}

    def _make(self, user: User, expires_days: int | None) -> Answer:
        if expires_days is not None and expires_days < 1:
            raise CommandError("--expires-days must be 1 or more.")
        token = tokens.create_token(user, expires_days=expires_days)
        return token, {"username": user.username, "token": token}
