"""A library that moves to PostgreSQL is the same library, also where the move was cut off."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

pytestmark = [pytest.mark.postgres("moves a library there"), pytest.mark.slow]

FILL = """
import django; django.setup()
import numpy as np
from django.contrib.auth.models import User
from embeddings.indexing import index, spaces
from embeddings.models import Chunk
from embeddings.vectors import SpaceKey
from files.models import File, Root
from jobs import queue
root = Root.objects.create(path="/drive", name="drive")
files = [File.objects.create(root=root, path=f"{n}.mp4", name=f"clip {n}\\0.mp4", media_type="video", size_bytes=n,
    metadata={"title": "a\\0b", "z": 1.5, "a": [True, None]}) for n in range(30)]
for file in files: index.index_text(file)
spaces.contents_of = lambda provider: {}
space = spaces.get_or_make(SpaceKey(provider="local", model="moved", dimension=8))
own = np.random.default_rng(1)
with django.db.transaction.atomic():
    index.insert_vectors(space, list(Chunk.objects.all()), own.standard_normal((30, 8), np.float32))
queue.enqueue("embed", files[0].pk)
User.objects.create_user("ann", password="secret")
File.objects.filter(pk=files[-1].pk).update(name="last")
"""
ASK = """
import django, json; django.setup()
from embeddings.words.registry import word_index
from embeddings.words.query import WordFilter, WordQuery, parse
from embeddings.stores.registry import store
from embeddings.models import Space
from files.models import File
path = f"new {File.objects.count()}"
print(json.dumps({
    "words": word_index().best(WordQuery(parse("clip").terms), WordFilter(), limit=50),
    "sound": word_index().is_sound(),
    "vectors": len(store().ids(Space.objects.get().pk)),
    "next": File.objects.create(root_id=1, path=path, name="new", media_type="video", size_bytes=1).pk,
}))
"""


@pytest.fixture
def target() -> Iterator[str]:
    """An empty database of the tests' server."""
    psycopg = pytest.importorskip("psycopg")
    server = os.environ["TEST_DATABASE_URL"]
    name = f"moved_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def library(tmp_path: Path) -> dict[str, str]:
    """The environment of a library in SQLite with thirty files, their words and their vectors."""
    places = {name: str(tmp_path / name) for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
    environment = {**os.environ, **places, "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "novaproject.settings"}
    run(environment, "manage.py", "migrate", "--verbosity", "0")
    run(environment, "-c", FILL)
    return environment


def run(environment: dict[str, str], *command: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_everything_arrives_and_a_move_that_was_cut_off_goes_on(library: dict[str, str], target: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    before = json.loads(run(library, "-c", ASK))
    run(
        library,
        "-c",
        "import django; django.setup()\nfrom files.models import File\nFile.objects.get(name='new').delete()",
    )

    run(library, "manage.py", "move_to_postgres", target)
    with psycopg.connect(target) as connection:  # as if it had been killed in the middle of a table
        connection.execute("DELETE FROM embeddings WHERE id > 10")
        connection.execute("DELETE FROM vec_space_1 WHERE id > 20")
        connection.execute("CREATE TABLE novaproject_move ()")
    report = json.loads(run(library, "manage.py", "move_to_postgres", target, "--json"))

    assert {report["rows"][table] for table in ("files", "chunks", "embeddings")} == {report["vectors"]} == {30}
    after = json.loads(run({**library, "DATABASE_URL": target}, "-c", ASK))
    assert after["words"] == pytest.approx(before["words"])
    assert (after["sound"], after["vectors"]) == (True, 30)
    assert after["next"] == before["next"] + 1, "an id is used a second time"
    assert "already" in run(library, "manage.py", "move_to_postgres", target, status=1)


def test_a_backup_of_postgresql_comes_back(library: dict[str, str], target: str, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")
    run(library, "manage.py", "move_to_postgres", target)
    moved, archive = {**library, "DATABASE_URL": target}, str(tmp_path / "library.tar")
    before = json.loads(run(moved, "-c", ASK))

    run(moved, "manage.py", "backup", archive)

    assert "never writes over one" in run(moved, "manage.py", "restore", archive, status=1)
    assert "PostgreSQL" in run(
        {**library, "DATA_DIR": str(tmp_path / "new")}, "manage.py", "restore", archive, status=1
    )
    with psycopg.connect(target) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    run(moved, "manage.py", "restore", archive)
    after = json.loads(run(moved, "-c", ASK))
    assert (after["words"], after["vectors"], after["next"]) == (before["words"], 30, before["next"] + 1)
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT bool_and(is_paused) FROM job_queues").fetchone() == (True,)
