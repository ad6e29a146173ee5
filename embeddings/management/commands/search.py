"""`manage.py search`: the search box in a shell."""

import json
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from html import unescape
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embeddings.models import Chunk, SavedQuery
from embeddings.searching import saved
from embeddings.searching.search import DEFAULT_LIMIT, MODES, Hit, SearchAnswer, more_like, search
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Find moments by words, by meaning, or by both.\n\n"
        "Example: .venv/bin/python manage.py search 'leak at the liner seam' --kind transcript --limit 5"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("query", nargs="?", type=readable, default="", help="what you want to see or hear")
        parser.add_argument("--like-file", type=int, metavar="FILE", help="instead: moments that are like this file")
        parser.add_argument("--saved", type=readable, metavar="NAME", help="instead: the saved search of this name")
        parser.add_argument("--new", action="store_true", help="of a saved search: only what came since it was opened")
        parser.add_argument("--mode", choices=MODES, default="hybrid")
        parser.add_argument("--kind", choices=Chunk.Kind.values, default="")
        parser.add_argument("--file-id", type=int, help="only in this file")
        parser.add_argument("--name", type=readable, default="", help="only in files whose name has this")
        parser.add_argument("--directory", type=readable, default="", help="only in files below this folder")
        parser.add_argument(
            "--filter",
            type=readable,
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="only in files for which this filter of GET /api/files holds, as `media_type=audio`; may be repeated",
        )
        parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT)
        parser.add_argument("--json", action="store_true", help="the answer of GET /api/search")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self._ask(options)
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(answer), ensure_ascii=False))
        else:
            self._print(answer)

    def _ask(self, options: dict[str, Any]) -> SearchAnswer:
        scope = {name: options[name] for name in ("kind", "limit", "name")} | {"filters": _filters(options)}
        if options["like_file"] is not None:
            return more_like(file_id=options["like_file"], **scope)
        if options["saved"] is not None:
            query = SavedQuery.objects.filter(name=options["saved"]).first()
            if query is None:
                names = ", ".join(f"“{saved_query}”" for saved_query in SavedQuery.objects.all()) or "none yet"
                raise CommandError(f"There is no saved search “{options['saved']}”. There are: {names}.")
            return (saved.what_is_new if options["new"] else saved.run)(query, limit=options["limit"])
        return search(options["query"], mode=options["mode"], file_id=options["file_id"], **scope)

    def _print(self, answer: SearchAnswer) -> None:
        if answer.notice:
            self.stderr.write(answer.notice)
        for hit in answer.results:
            place = "" if hit.start_s is None else f" at {timecode(hit.start_s)}"
            kinds = ", ".join([hit.kind_label, *hit.also_labels])
            self.stdout.write(self.style.SUCCESS(f"{hit.file_name}{place}") + f"  [{kinds}; {hit.why}]")
            self.stdout.write(f"    {self._plain(hit)}\n    {hit.url}")
        if not answer.results:
            self.stdout.write("Nothing close.")
            return
        least = "at least " if answer.is_cut else ""
        moments, files = _counted(answer.total, "moment"), _counted(answer.file_count, "file")
        self.stdout.write(f"{least}{moments} in {files}, {answer.took_s:.2f} s")

    def _plain(self, hit: Hit) -> str:
        marked = re.sub("<mark>(.*?)</mark>", lambda match: self.style.WARNING(match[1]), hit.snippet)
        return unescape(marked)


def readable(argument: str) -> str:
    """What was typed, with a mark for bytes that are no text: a shell hands them on as lone surrogates."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _filters(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"directory": [options["directory"]]} if options["directory"] else {}
    for given in options["filter"]:
        name, sign, value = given.partition("=")
        if not sign:
            raise CommandError(f"“{given}” is no filter. Write NAME=VALUE, as in --filter media_type=audio.")
        found.setdefault(name, []).append(value)
    return found


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def timecode(seconds: float) -> str:
    """0:42, 3:05, 1:02:03."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
