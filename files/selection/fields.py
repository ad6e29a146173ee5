"""What the floors above tell of a file beside its flags, registered here: fields of its JSON.

`GET /api/files` reads the values of a page's files at once; `PATCH /api/files/{id}` takes those that can be written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from files.models import File

if TYPE_CHECKING:
    from rest_framework.serializers import Field


@dataclass(frozen=True, kw_only=True)
class FileField:
    """One field of a file's JSON. `write` is told the file and the new value; without it the field is read only."""

    name: str
    #: Makes the field of the JSON, with DRF's options such as `read_only`.
    serializer: "Callable[..., Field[Any, Any, Any, Any]]"
    #: The value of each of these files that has one.
    values: Callable[[Sequence[int]], Mapping[int, Any]]
    #: What a file without a value has.
    empty: Callable[[], Any]
    write: Callable[[File, Any], None] | None = None


_fields: dict[str, FileField] = {}


def register(*fields: FileField) -> None:
    """Make fields known. Called in `AppConfig.ready()`."""
    _fields.update({field.name: field for field in fields})


def fields() -> list[FileField]:
    """Every field, in the order of registration (lower floors first)."""
    return list(_fields.values())


def fill(files: Sequence[File]) -> None:
    """Read every field for files that will be shown: one query a field, however many files."""
    ids = [file.pk for file in files]
    for field in _fields.values():
        values = field.values(ids)
        for file in files:
            file.__dict__[f"_{field.name}"] = values[file.pk] if file.pk in values else field.empty()


def value(file: File, name: str) -> Any:
    """The value of this field. One query where the file was not read through `fill`."""
    key = f"_{name}"
    if key in file.__dict__:
        return file.__dict__[key]
    return _fields[name].values([file.pk]).get(file.pk, _fields[name].empty())


def forget(file: File) -> None:
    """Read its values anew when they are next asked for: they were changed."""
    for name in _fields:
        file.__dict__.pop(f"_{name}", None)
