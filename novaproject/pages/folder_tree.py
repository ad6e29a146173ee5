"""The folders of the library as a tree: how many files lie in each, opened down to the one that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.db.models import Count, F, Max, Value
from django.db.models.functions import StrIndex, Substr

from files.models import File, Root
from jobs.kept_answers import kept

#: More folders than this beside each other are not listed: the filter by words finds them.
MOST = 300


@dataclass(frozen=True, kw_only=True)
class TreeFolder:
    """A folder with files of the library in it or below it."""

    name: str
    path: str
    count: int
    has_folders: bool
    is_open: bool = False
    is_shown: bool = False
    folders: Sequence["TreeFolder"] = field(default_factory=tuple)


def tree(directory: str) -> list[TreeFolder]:
    """Every root, those on the way to this folder (an absolute path) opened."""
    slashes = Max(StrIndex("path", Value("/")))
    counts = File.objects.order_by().values("root").annotate(count=Count("pk"), slashes=slashes)
    by_root = {row["root"]: row for row in kept(counts, "rows", lambda: list(counts))}
    rows = [
        (root.name, root.path, by_root[root.pk]["count"], by_root[root.pk]["slashes"] > 0)
        for root in Root.objects.listed().filter(pk__in=by_root)
    ]
    return _opened(rows, directory)


def below(directory: str, shown: str = "") -> list[TreeFolder]:
    """The folders directly in this one (an absolute path), those on the way to `shown` opened."""
    folder = PurePosixPath(directory)
    root = next((root for root in Root.objects.listed() if folder.is_relative_to(root.path)), None)
    if root is None:
        return []
    inside = str(folder.relative_to(root.path)).removeprefix(".")
    rest = Substr("path", len(inside) + 2 if inside else 1)
    files = File.objects.filter(root=root).under(inside).order_by()
    named = files.annotate(rest=rest).annotate(slash=StrIndex("rest", Value("/"))).filter(slash__gt=0)
    deeper = Max(StrIndex(Substr("rest", F("slash") + 1), Value("/")))
    rows = named.annotate(part=Substr("rest", 1, F("slash") - 1)).values("part")
    counted = rows.annotate(count=Count("pk"), deeper=deeper).order_by("part")[:MOST]
    return _opened(
        [(row["part"], str(folder / row["part"]), row["count"], row["deeper"] > 0) for row in counted], shown
    )


def _opened(rows: Sequence[tuple[str, str, int, bool]], shown: str) -> list[TreeFolder]:
    folders = []
    for name, path, count, has_folders in rows:
        is_open = has_folders and shown.startswith("/") and PurePosixPath(shown).is_relative_to(path)
        folders.append(
            TreeFolder(
                name=name,
                path=path,
                count=count,
                has_folders=has_folders,
                is_open=is_open,
                is_shown=shown.rstrip("/") == path,
                folders=below(path, shown) if is_open else (),
            )
        )
    return folders
