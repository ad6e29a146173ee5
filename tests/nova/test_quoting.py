"""What a selection would cost is looked up for thousands of files at a time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from files.models import File
from nova.options import AnalysisRequest
from nova.quoting import quote
from nova.types.registry import add_version
from tests.files.factories import make_file, make_root
from tests.standin.world import World

SCHEMA = {"type": "object", "properties": {"helmets": {"type": "boolean"}}, "required": ["helmets"]}


@pytest.mark.django_db
def test_many_files_take_as_many_queries_as_few(aws: World) -> None:
    add_version("safety", prompt="Does everybody wear a helmet?", schema=SCHEMA)
    root = make_root()
    for number in range(40):
        make_file(root, f"{number}.mp4", duration_s=60.0 + number, full_hash=f"{number:064x}" if number % 2 else "")
    wanted = AnalysisRequest(model="lite", types=("summary", "safety"), mode="flex")
    taken = []

    for some in (File.objects.filter(pk__in=File.objects.values("pk")[:4]), File.objects.all()):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            made = quote(some, wanted)
        taken.append((made.todo, len(queries)))

    (few, queries_few), (many, queries_many) = taken
    assert (few, many) == (4, 40)
    assert queries_many == queries_few
