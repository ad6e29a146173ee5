"""How a file stands in a list: its poster, state, badges and the address of its page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from files import humanize
from files.media import derived
from files.models import File
from files.selection.facets import Badge, badges
from novaproject.api import paths as api_paths
from novaproject.pages.library_query import folder_of


@dataclass(frozen=True, kw_only=True)
class Card:
    file: File
    url: str
    poster_url: str
    state: str
    folder: str
    #: What it is, where there is no poster to show it.
    kind: str
    badges: list[Badge]


def poster_url(file: File) -> str:
    """The address of the poster, or nothing where none was made: a picture that is not there is never asked for."""
    if derived.poster_path(file) is None:
        return ""
    return api_paths.thumbnail(file.pk)


def card(file: File) -> Card:
    """`file` should come from `files.selection.facets.annotate`, with its root."""
    return Card(
        file=file,
        url=reverse("file-page", args=[file.pk]),
        poster_url=poster_url(file),
        state="" if file.state == File.State.AVAILABLE else humanize.STATES[file.state].capitalize(),
        folder=folder_of(file),
        kind=humanize.MEDIA_TYPES[file.media_type][0].capitalize(),
        badges=badges(file),
    )


def cards(files: Iterable[File]) -> list[Card]:
    return [card(file) for file in files]
