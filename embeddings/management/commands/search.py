"""`manage.py search`: the search box in a shell."""

import json
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from html import unescape
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embeddings.models import Chunk
from embeddings.search import DEFAULT_LIMIT, MODES, Hit, SearchAnswer, more_like, search
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Find moments by words, by meaning, or by both.\n\n"
        "Example: .venv/bin/python manage.py search 'leak at the liner seam' --kind transcript --limit 5"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("query", nargs="?", default="", help="what you want to see or hear")
        parser.add_argument("--like-file", type=int, metavar="FILE", help="instead: moments that are like this file")
        parser.add_argument("--mode", choices=MODES, default="hybrid")
        parser.add_argument("--kind", choices=Chunk.Kind.values, default="")
        parser.add_argument("--file-id", type=int, help="only in this file")
        parser.add_argument("--name", default="", help="only in files whose name has this")
        parser.add_argument("--directory", default="", help="only in files below this folder")
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
        if options["like_file"]:
            return more_like(file_id=options["like_file"], limit=options["limit"])
        return search(
            options["query"],
            mode=options["mode"],
            kind=options["kind"],
            file_id=options["file_id"],
            limit=options["limit"],
            name=options["name"],
            filters={"directory": options["directory"]} if options["directory"] else {},
        )

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
        total = f"{answer.total} moments or more" if answer.is_cut else f"{answer.total} moments"
        self.stdout.write(f"{total} in {answer.file_count} files, {answer.took_s:.2f} s")

    def _plain(self, hit: Hit) -> str:
        marked = re.sub("<mark>(.*?)</mark>", lambda match: self.style.WARNING(match[1]), hit.snippet)
        return unescape(marked)


def timecode(seconds: float) -> str:
    """0:42, 3:05, 1:02:03."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
