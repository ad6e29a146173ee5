"""Originals are safe: by what the code says, and by what it does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from files.errors import OutsideOurFoldersError
from files.storage import disk
from tests import guards
from tests.files.factories import make_root

APPS = ("novaproject", "embeddings", "nova", "transcription", "bedrock", "files", "jobs")
OS_CALLS = {
    "remove", "unlink", "rename", "renames", "replace", "rmdir", "removedirs", "mkdir", "makedirs", "truncate",
    "link", "symlink", "chmod", "chown", "utime",
}  # fmt: skip
SHUTIL_CALLS = {"rmtree", "move", "copy", "copy2", "copyfile", "copytree", "copystat", "unpack_archive"}
PATH_CALLS = {
    "unlink", "rename", "rmdir", "mkdir", "touch", "write_text", "write_bytes", "symlink_to", "hardlink_to", "chmod",
}  # fmt: skip
#: Where else something is written, and why it cannot be an original. (Scratch files of `tempfile` are not looked for.)
ALLOWED = {
    "files/storage/disk.py": "the one module: it checks every path against our folders",
    "novaproject/backups/backup.py": "a backup goes where the person says, a restore into an empty folder of ours",
    "novaproject/setup/bootstrap.py": "`.env` of the project's folder",
    "novaproject/backups/exporting.py": "a new file where the person says",
    "transcription/providers/weights.py": "a lock beside the weights, at a place that `disk.writable` gave",
    "embeddings/providers/encoder.py": "a text model in the form that is run, in the folder of models",
    "bedrock/recording.py": "what was asked of AWS, in a folder that the person names",
    "novaproject/settings.py": "our folders themselves, before there is anything in them",
    "novaproject/setup/first_run.py": "takes rights to our own folders and database from others",
    "novaproject/logs/lines.py": "the day's log in our data folder, before any app is loaded",
}


def changes_in(path: Path) -> Iterator[str]:
    """Calls in a module that write, rename or delete files."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and (name := change(node)):
            yield f"{path.relative_to(settings.BASE_DIR)}:{node.lineno} {name}"


def change(call: ast.Call) -> str:
    """The name of a call that changes files; empty for any other."""
    called = call.func
    if isinstance(called, ast.Name):
        return "open" if called.id == "open" and is_writing(call, 1) else ""
    if not isinstance(called, ast.Attribute):
        return ""
    owner = called.value.id if isinstance(called.value, ast.Name) else ""
    name = called.attr
    if owner == "os":
        return f"os.{name}" if name in OS_CALLS or (name == "open" and "O_RDONLY" not in ast.dump(call)) else ""
    if owner == "shutil":
        return f"shutil.{name}" if name in SHUTIL_CALLS else ""
    # `Path.replace` takes one argument, `str.replace` two, `datetime.replace` names them.
    if name == "touch" and ast.unparse(called.value).endswith("space"):
        return ""  # a row's own `touch`, of the generation of an index
    is_path_replace = name == "replace" and len(call.args) == 1 and not call.keywords and owner != "storage"
    if owner != "storage" and (name in PATH_CALLS or is_path_replace or (name == "open" and is_writing(call, 0))):
        return f".{name}"
    return ""


def is_writing(call: ast.Call, position: int) -> bool:
    mode: ast.expr | None = call.args[position] if len(call.args) > position else None
    mode = next((word.value for word in call.keywords if word.arg == "mode"), mode)
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and any(sign in mode.value for sign in "wax+")


def modules() -> list[Path]:
    found = [path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def test_only_one_module_writes_and_deletes() -> None:
    found = [line for path in modules() for line in changes_in(path)]

    assert [line for line in found if line.split(":")[0] not in ALLOWED] == []


def test_every_exception_is_still_needed() -> None:
    writing = {line.split(":")[0] for path in modules() for line in changes_in(path)}

    assert set(ALLOWED) <= writing


@pytest.mark.parametrize(
    "source",
    [
        "os.remove(p)", "os.replace(a, b)", "shutil.rmtree(p)", "p.unlink()", "p.write_text('x')", "open(p, 'w')",
        "open(p, mode='ab')", "p.open('r+')", "p.replace(q)", "p.rename(q)", "p.mkdir()", "p.touch()",
        "os.open(p, os.O_WRONLY)",
    ],
)  # fmt: skip
def test_reader_of_syntax_trees_sees(source: str) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert change(call)


@pytest.mark.parametrize(
    "source",
    ["open(p)", "open(p, 'rb')", "p.open()", "'a'.replace('a', 'b')", "now.replace(year=1)", "storage.replace(a)",
     "os.open(p, os.O_RDONLY)", "os.stat(p)", "tempfile.TemporaryFile()", "print(p)", "f()(1)", "self.space.touch()"],
)  # fmt: skip
def test_reader_of_syntax_trees_passes(source: str) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert not change(call)


@pytest.mark.django_db
def test_watch_sees_code_of_ours_that_writes_under_a_root(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = folders / "originals" / "clip.mp4"
    original.parent.mkdir()
    original.write_bytes(b"irreplaceable")
    make_root(original.parent)
    original.with_name("note.txt").touch()  # a test may
    monkeypatch.setattr(disk, "writable", lambda path: path)  # the first line of defence is down

    with pytest.raises(PermissionError, match="under a library root"):
        disk.remove(original)

    assert original.read_bytes() == b"irreplaceable"
    assert guards._violations == [f"os.remove {original}"]
    guards._violations.clear()


def test_first_line_of_defence(folders: Path) -> None:
    original = folders / "originals" / "clip.mp4"
    original.parent.mkdir()
    original.write_bytes(b"irreplaceable")

    for act in (
        lambda: disk.remove(original),
        lambda: disk.remove_tree(original.parent),
        lambda: disk.move_to_trash(original),
        lambda: disk.write(original, b"new"),
        lambda: disk.replace(disk.write(folders / "data" / "x", b"x"), original),
        lambda: disk.open_new(original.with_name("new")),
    ):
        with pytest.raises(OutsideOurFoldersError, match="not in a folder of ours"):
            act()

    assert original.read_bytes() == b"irreplaceable"
