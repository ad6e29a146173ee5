"""`manage.py embed`: make files findable by meaning, and look after the spaces."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from embeddings import facet, picture_facet, picture_tasks, registry, tasks
from embeddings.indexing import media_embedding, pictures, repair, spaces
from embeddings.indexing.index import index_file
from embeddings.models import PICTURE, TEXT, Space, Viewing
from embeddings.searching import calibration
from embeddings.searching.compare import compare, compare_on_transcripts, cost_of_comparing
from files.models import FileQuerySet
from files.selection.resolving import resolve
from jobs.bulk import in_pieces
from jobs.errors import WorkError


class Command(BaseCommand):
    help = (
        "Chunk and embed files: all that lack vectors in the space in use, or the ones named.\n\n"
        "Examples:\n"
        "  .venv/bin/python manage.py embed                    what is missing, here and now\n"
        "  .venv/bin/python manage.py embed 12 13 --force      make these again\n"
        "  .venv/bin/python manage.py embed --dry-run          how much that would be, and what it costs\n"
        "  .venv/bin/python manage.py embed 12 --video --yes   also what is seen; the workers or --collect take it in\n"
        "  .venv/bin/python manage.py embed --new-space        fill another space, for the model of the settings\n"
        "  .venv/bin/python manage.py embed --new-space --provider nova --for picture   the same for what is seen\n"
        "  .venv/bin/python manage.py embed --switch 2         search with space 2 from now on (and back: --switch 1)"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file_ids", nargs="*", type=int, help="ids of files; none: the whole library")
        parser.add_argument("--force", action="store_true", help="replace the vectors that are there")
        parser.add_argument(
            "--video", action="store_true", help="also what is seen in videos and pictures (Nova, paid)"
        )
        parser.add_argument("--collect", action="store_true", help="take in the videos that Bedrock is done with")
        parser.add_argument("--space", type=int, help="id of a space; the one in use by default")
        parser.add_argument("--new-space", action="store_true", help="fill the space that the settings describe")
        parser.add_argument("--provider", help="with --new-space: whose it is (local, pictures, nova)")
        parser.add_argument("--model", default="", help="with --new-space: its model")
        parser.add_argument("--dimension", type=int, help="with --new-space: how many numbers a vector has")
        parser.add_argument(
            "--for", dest="content", choices=(TEXT, PICTURE), default=TEXT, help="of texts (default), or of pictures"
        )
        parser.add_argument("--spaces", action="store_true", help="list the spaces")
        parser.add_argument("--switch", type=int, metavar="SPACE", help="use this space for search")
        parser.add_argument("--delete-space", type=int, metavar="SPACE", help="forget a space that is not in use")
        parser.add_argument("--check", action="store_true", help="say whether chunks, words and vectors agree")
        parser.add_argument("--repair", action="store_true", help="make them agree, and give empty space back")
        parser.add_argument("--compare", type=int, nargs=2, metavar="SPACE", help="two spaces on the saved queries")
        parser.add_argument("--yes", action="store_true", help="spend money, or forget what it bought, without asking")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would do")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._do(options)
        except WorkError as error:
            raise CommandError(f"{error} {error.remedy}".strip()) from error

    def _do(self, options: dict[str, Any]) -> None:
        if options["switch"] is not None:
            lacking = spaces.choose(_space(options["switch"]), options["content"])
            if lacking:
                self.stderr.write(lacking)
        if options["delete_space"] is not None:
            spaces.delete(_space(options["delete_space"]), with_paid=options["yes"])
        if options["spaces"] or options["switch"] is not None or options["delete_space"] is not None:
            self._list(as_json=options["json"])
            return
        if options["check"] or options["repair"]:
            self._check(mend=options["repair"], as_json=options["json"])
            return
        if options["compare"]:
            self._compare(options)
            return
        if options["collect"]:
            self._say(options, {"ended": tasks.collect_media(), "with_bedrock": _with_bedrock()})
            return
        self._plan_and_embed(options)

    def _plan_and_embed(self, options: dict[str, Any]) -> None:
        space = _new_space(options) if options["new_space"] else _space(options["space"], options["content"])
        is_of_pictures = options["content"] == PICTURE
        ids = options["file_ids"]
        files = resolve(file_ids=ids) if ids else resolve(filter={})
        choice = {"force": options["force"], "space_id": space.pk}
        plan = picture_facet.plan(files, choice) if is_of_pictures else facet.plan(
            files, {**choice, "video": options["video"]}
        )  # fmt: skip
        if plan.refusals:
            raise CommandError(" ".join(plan.refusals))
        for warning in plan.warnings:
            self.stderr.write(warning)
        if options["dry_run"]:
            self._say(options, {"files": plan.todo, "texts": plan.records, "usd_high": f"{plan.usd_high:.6f}"})
            return
        if plan.usd_high:
            self._ask(f"This costs up to ${plan.usd_high:.4f}.", options)
        self._embed(files, space, options)

    def _ask(self, what: str, options: dict[str, Any]) -> None:
        """Money is spent by `--yes`, or by a person who says so at the terminal."""
        if options["yes"]:
            return
        if sys.stdin.isatty() and sys.stderr.isatty() and not options["json"]:
            self.stderr.write(f"{what} Spend it? [y/N] ", ending="")
            if input().strip().lower() in ("y", "yes"):
                return
            raise CommandError("Nothing was spent.")
        raise CommandError(f"{what} Run it again with --yes to spend it.")

    def _embed(self, files: FileQuerySet, space: Space, options: dict[str, Any]) -> None:
        done = embedded = 0
        failed: dict[int, str] = {}
        total = files.count()
        for place, file in enumerate(in_pieces(files.order_by("pk")), start=1):
            if sys.stderr.isatty():
                self.stderr.write(f"\r{place} of {total}: {file.name[:60]:60}", ending="")
            try:
                if options["content"] == PICTURE:
                    embedded += picture_tasks.see(file, space=space, force=options["force"]).embedded
                else:
                    embedded += index_file(file, space=space, force=options["force"]).embedded
                if options["video"] and file.media_type in media_embedding.WITH_PICTURES:
                    media_embedding.embed_media(file, space=space)
                done += 1
            except WorkError as error:
                failed[file.pk] = f"{error} {error.remedy}".strip()
        calibration.learn_if_due(space)
        waiting = {"with_bedrock": _with_bedrock()} if options["video"] else {}
        self._say(options, {"files": done, "embedded": embedded, **waiting, "failed": failed})
        if failed:
            raise CommandError(f"{len(failed)} files failed.")

    def _check(self, *, mend: bool, as_json: bool) -> None:
        found = repair.repair() if mend else repair.check()
        if as_json:
            self.stdout.write(json.dumps([asdict(finding) for finding in found]))
        else:
            self.stdout.write("\n".join(finding.text for finding in found) or "Chunks, words and vectors agree.")
        if found and not mend:
            raise CommandError("Run it again with --repair to mend this.")

    def _compare(self, options: dict[str, Any]) -> None:
        one, other = map(_space, options["compare"])
        content = options["content"]
        cost = cost_of_comparing(one, other, content=content)
        if cost.questions:
            price = "an amount that is not known" if cost.usd is None else f"up to ${cost.usd:.6f}"
            self._ask(f"{cost.questions} questions to paid models cost {price}.", options)
        rows = compare(one, other, content=content)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) for row in rows]))
            return
        for row in rows:
            self.stdout.write(f"{row.shared} of {row.most} the same: {row.question}")
            self.stdout.write(f"    {one}: {', '.join(row.first) or 'nothing'}")
            self.stdout.write(f"    {other}: {', '.join(row.second) or 'nothing'}")
        if content == TEXT and (sample := compare_on_transcripts(one, other)):
            self.stdout.write(
                f"What is said just before and after {sample.count} texts of the transcripts comes at (mean reciprocal "
                f"rank, 1 is best): {one} {sample.first:.3f}, {other} {sample.second:.3f}"
            )
        self.stdout.write(
            "" if rows else "There are no saved queries: add some in the admin (Embeddings, Saved queries)."
        )

    def _list(self, *, as_json: bool) -> None:
        counted: Any = Space.objects.annotate(vector_count=Count("embeddings"))
        if as_json:
            rows = [
                {
                    "id": space.pk,
                    "space": str(space),
                    "in_use": space.is_active,
                    "in_use_for": space.in_use_for,
                    "contents": space.contents,
                    "vectors": space.vector_count,
                }
                for space in counted
            ]
            self.stdout.write(json.dumps(rows))
            return
        for space in counted:
            used = f", in use for {' and '.join(space.in_use_for)}" if space.in_use_for else ""
            mark = "*" if used else " "
            self.stdout.write(f"{space.pk:4} {mark} {space}  {space.vector_count:,} vectors{used}")

    def _say(self, options: dict[str, Any], facts: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(
            ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items() if value != {})
        )
        for pk, reason in facts.get("failed", {}).items():
            self.stderr.write(f"File {pk}: {reason}")


def _with_bedrock() -> int:
    return Viewing.objects.filter(state=Viewing.State.SENT).count()


def _new_space(options: dict[str, Any]) -> Space:
    if not options["provider"] and not options["model"] and options["dimension"] is None:
        is_of_texts = options["content"] == TEXT
        return spaces.get_or_make(registry.default_key() if is_of_texts else registry.wanted_picture_key())
    provider = options["provider"] or registry.default_key().provider
    return spaces.get_or_make(registry.key_for(provider, options["model"], options["dimension"]))


def _space(pk: int | None, content: str = TEXT) -> Space:
    if pk is None:
        return spaces.active() if content == TEXT else pictures.picture_space()
    found = Space.objects.filter(pk=pk).first()
    if found is None:
        raise CommandError(f"There is no space {pk}. `.venv/bin/python manage.py embed --spaces` lists them.")
    return found
