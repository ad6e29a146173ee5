"""Every command that the program tells a person to run can be run as it is written, in the project's folder."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

APPS = ("novaproject", "jobs", "files", "bedrock", "transcription", "nova", "embeddings")
_TOLD = re.compile(r"(\.venv/bin/python )?\bmanage\.py(?: ([a-z_]+))?")


def texts(path: Path) -> Iterator[str]:
    """The strings of a module, without what documents its code."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docs:
            yield node.value


def test_commands_are_told_as_they_are_run() -> None:
    base = Path(settings.BASE_DIR)
    told = [
        (path.relative_to(base), found)
        for app in APPS
        for path in (base / app).rglob("*.py")
        for text in texts(path)
        if text != "manage.py"
        for found in _TOLD.finditer(text)
    ]
    told += [
        (path.relative_to(base), found)
        for path in (base / "templates").rglob("*.html")
        for found in _TOLD.finditer(path.read_text())
    ]

    assert len(told) > 20
    assert [f"{path}: {found[0]}" for path, found in told if not found[1]] == []
    assert {found[2] for _, found in told} - {None} <= get_commands().keys()
