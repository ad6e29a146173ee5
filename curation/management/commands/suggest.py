"""`manage.py suggest TAG`: files that a tag could be meant for; accept or refuse them by number."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.models import Tag
from curation.suggesting import DEFAULT_LIMIT, Suggestions, accept, refuse, suggest
from files.models import File
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Say which files a tag could be meant for, by its words and by the files that have it."
        "  Example: .venv/bin/python manage.py suggest beach, then --accept 12 13 --refuse 14"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tag", help="the tag's name")
        parser.add_argument("--words", default="", help="what it looks like, in more words than its name")
        parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT)
        parser.add_argument("--accept", type=int, nargs="+", default=[], metavar="N", help="put the tag on these files")
        parser.add_argument("--refuse", type=int, nargs="+", default=[], metavar="N", help="never suggest these again")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tag = Tag.objects.named(options["tag"]).first()
        if tag is None:
            raise CommandError(f"There is no tag “{options['tag']}”. `manage.py tag FILE_ID --add NAME` makes one.")
        try:
            for answer, numbers in ((accept, options["accept"]), (refuse, options["refuse"])):
                for number in numbers:
                    answer(tag, _file(number))
            found = suggest(tag, words=options["words"], limit=options["limit"])
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error
        self._say(found, as_json=options["json"])

    def _say(self, found: Suggestions, *, as_json: bool) -> None:
        if as_json:
            rows = [
                {
                    "n": one.n,
                    "file": one.file.name,
                    "at_s": one.at_s,
                    "confidence": round(one.confidence, 3),
                    "reason": one.reason,
                }
                for one in found.suggestions
            ]
            own = asdict(found.own) if found.own is not None else None
            doubt = asdict(found.doubt) if found.doubt is not None else None
            self.stdout.write(json.dumps({"suggestions": rows, "held_out": own, "doubt": doubt}, default=str))
            return
        for one in found.suggestions:
            at = "" if one.at_s is None else f" at {one.at_s:g} s"
            self.stdout.write(f"{one.n:6} {one.confidence:4.0%}  {one.file.name}{at}: {one.reason}")
        if found.notice:
            self.stdout.write(found.notice)
        if found.doubt is not None and found.doubt.usd_likely is not None:
            price = f"about ${found.doubt.usd_likely:.4f}, ${found.doubt.usd_saved:.4f} less than about all of these"
            self.stdout.write(f"{len(found.doubt.file_ids)} are in doubt; asking Nova about them alone costs {price}.")
        if found.own is not None:
            self.stdout.write(f"Right on {found.own.right} of {found.own.count} labelled files.")


def _file(number: int) -> File:
    file = File.objects.filter(pk=number).first()
    if file is None:
        raise CommandError(f"There is no file {number}.")
    return file
