"""The analysis types that can be asked for: the built-in ones and the user's own, which are data."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from nova.errors import BadTypeError, UnknownTypeError
from nova.models import AnalysisType, AnalysisTypeVersion
from nova.types.built_in import BUILT_IN
from nova.types.schemas import faults_of
from nova.types.spec import VIDEO, TypeSpec

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

#: Another name for all built-in types: they are asked in one call anyway.
COMBINED = "combined"


def known() -> list[TypeSpec]:
    """Every type that is offered: the built-in ones, then the user's own."""
    own = AnalysisType.objects.filter(is_retired=False)
    return [*BUILT_IN.values(), *(spec for row in own if (spec := _newest(row)) is not None)]


def choices() -> list[tuple[str, str]]:
    """Names and labels of what is offered."""
    own = AnalysisType.objects.filter(is_retired=False, versions__isnull=False).distinct()
    built_in = [(name, spec.label or name.capitalize()) for name, spec in BUILT_IN.items()]
    return built_in + [(row.name, row.label) for row in own]


def expand(names: Sequence[str]) -> list[str]:
    """The names of single types, each once. Raises UnknownTypeError."""
    single = dict.fromkeys(each for name in names for each in (BUILT_IN if name == COMBINED else [name]))
    if not single:
        raise UnknownTypeError("No analysis type is named.", remedy=f"Known are {_listed()}.")
    unknown = [name for name in single if name not in BUILT_IN and not _own(name)]
    if unknown:
        raise UnknownTypeError(f"There is no analysis type {unknown[0]!r}.", remedy=f"Known are {_listed()}.")
    return sorted(single)


def resolve(names: Sequence[str], medium: str = VIDEO) -> list[TypeSpec]:
    """What these types ask now of this medium; those that are not for it are left out. Raises UnknownTypeError."""
    found = []
    for name in names:
        own = None if name in BUILT_IN else _own(name)
        spec = BUILT_IN.get(name) or (_newest(own) if own else None)
        if spec is None:
            raise UnknownTypeError(f"There is no analysis type {name!r}.", remedy=f"Known are {_listed()}.")
        for_medium = spec.for_medium(medium)
        if for_medium is not None:
            found.append(for_medium)
    return found


def resolve_versions(types: dict[str, str], depth: str, medium: str = VIDEO) -> list[TypeSpec]:
    """What these types asked when they were asked: the version with this digest, else the one of now."""
    found = []
    for name, digest in types.items():
        if name in BUILT_IN:
            found.append(BUILT_IN[name].for_medium(medium) or BUILT_IN[name])
            continue
        versions = AnalysisTypeVersion.objects.filter(type__name=name)
        specs = [spec_of(version) for version in versions]
        found += [next((spec for spec in specs if digest_of(spec, depth) == digest), specs[0])] if specs else []
    return found


def digest_of(spec: TypeSpec, depth: str) -> str:
    """A hash of all that a type asks: another wording or another form is another question."""
    parts = [spec.name, spec.asks(depth), spec.for_depth(depth)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def spec_of(version: AnalysisTypeVersion) -> TypeSpec:
    return TypeSpec(version.type.name, f"{version.type.name}: {version.prompt}", version.schema)


def add_version(
    name: str, *, label: str = "", prompt: str, schema: Any, by: "AbstractBaseUser | None" = None
) -> AnalysisTypeVersion:
    """A type of the user's own, or a new version of it; the same prompt and schema again change nothing.

    Raises BadTypeError that says what is wrong.
    """
    faults = faults_of_type(name, prompt, schema)
    if faults:
        raise BadTypeError(" ".join(faults), remedy="Mend the prompt or the schema and save again.")
    with transaction.atomic():
        kind, _ = AnalysisType.objects.get_or_create(name=name, defaults={"label": label or name})
        AnalysisType.objects.select_for_update().get(pk=kind.pk)
        newest = kind.versions.order_by("-number").first()
        if newest is not None and (newest.prompt, newest.schema) == (prompt.strip(), schema):
            return newest
        number = (kind.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version = AnalysisTypeVersion(
            type=kind, number=number, prompt=prompt.strip(), schema=schema, created_by_id=by.pk if by else None
        )
        version.digest = digest_of(spec_of(version), "")
        version.save()
        return version


def change_type(
    kind: AnalysisType,
    changes: Mapping[str, Any],
    *,
    by: "AbstractBaseUser | None" = None,
) -> AnalysisType:
    """Change what is named of label, prompt, schema and is_retired: another prompt or schema is a new version.

    Raises BadTypeError that says what is wrong; then nothing is changed.
    """
    newest = kind.versions.order_by("-number").first()
    with transaction.atomic():
        if {"prompt", "schema"} & set(changes):
            kept = (newest.prompt, newest.schema) if newest else ("", {})
            prompt, schema = changes.get("prompt", kept[0]), changes.get("schema", kept[1])
            add_version(kind.name, prompt=prompt, schema=schema, by=by)
        kind.label = changes.get("label", kind.label)
        kind.is_retired = changes.get("is_retired", kind.is_retired)
        kind.save(update_fields=["label", "is_retired"])
    return kind


def faults_of_type(name: str, prompt: str, schema: Any) -> list[str]:
    """Why this cannot be a type, in plain words; empty where it can."""
    faults = faults_of(schema)
    if name in BUILT_IN or name == COMBINED:
        faults.insert(0, f"{name!r} is the name of a built-in type.")
    if not prompt.strip():
        faults.insert(0, "The prompt is empty: say what to look for.")
    return faults


def _own(name: str) -> AnalysisType | None:
    return AnalysisType.objects.filter(name=name, versions__isnull=False).first()


def _newest(kind: AnalysisType) -> TypeSpec | None:
    version = kind.versions.select_related("type").order_by("-number").first()
    return spec_of(version) if version else None


def _listed() -> str:
    return ", ".join([*(name for name, _ in choices()), COMBINED])
