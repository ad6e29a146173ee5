"""Words, names, settings and answers as nobody would write them: each is read or refused in words, none is a fault.

`make fuzz` tries more (FUZZ_EXAMPLES).
"""

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from bedrock.batch.records import output_record
from embeddings.words.query import parse
from files.storage import naming
from files.storage.paths import shown_path
from nova.replies import lenient_json
from novaproject.environment import Env

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5")) * 10
ODD = st.text(max_size=120) | st.text(alphabet='"*^:()[]{}+-~\\%_/. \t\0\u202e\u200d😀ÄßİſΩ漢ก', max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD, inner, max_size=4),
    max_leaves=12,
)
tried = hypothesis_settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.django_db
@tried
@example(words='"" * OR NEAR( : ^ -')
@given(words=ODD)
def test_any_question_is_answered_or_refused(words: str, admin_user: User) -> None:
    api = APIClient()
    api.force_authenticate(admin_user)

    answer = api.get("/api/search", {"q": words, "mode": "keyword"})
    listed = api.get("/api/files", {"q": words})

    assert answer.status_code in (200, 400), answer.content
    assert listed.status_code in (200, 400), listed.content
    parse(words)


@tried
@example(name="." * 300)
@example(name="漢" * 300 + ".MP4")
@given(name=ODD)
def test_any_name_becomes_one_that_every_disk_takes(name: str, tmp_path: Path) -> None:
    for made in (naming.upload_name(name, 7), naming.proxy_name(name, 7, "720p15")):
        assert "/" not in made
        assert not made.startswith((".", "-"))
        assert len(os.fsencode(made)) <= 255
        (tmp_path / made).touch()
        (tmp_path / made).unlink()
    naming.shown(name).encode()


@tried
@given(raw=st.binary(min_size=1, max_size=80))
def test_any_bytes_of_a_path_can_be_stored_and_shown(raw: bytes) -> None:
    shown_path(os.fsdecode(raw)).encode()


@tried
@given(text=ODD.filter(lambda text: "\0" not in text))
def test_any_setting_is_read_or_refused_by_its_name(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for name in ("PORT", "NOVA_MONTHLY_BUDGET_USD", "USE_TLS", "API_COSTLY_RATE", "TIME_ZONE", "FRAME_SECONDS"):
            patched.setenv(name, text)
        env = Env()
        port, seconds = env.int("PORT", 5700), env.float("FRAME_SECONDS", 4.0)
        env.bool("USE_TLS", False)
        for name in ("NOVA_MONTHLY_BUDGET_USD", "API_COSTLY_RATE", "TIME_ZONE"):
            env.str(name, "")

    assert 0 <= port <= 65_535
    assert math.isfinite(seconds)
    if env.problems:
        with pytest.raises(ImproperlyConfigured, match="These settings cannot be right"):
            env.refuse()


@tried
@example(text="[" * 5000)
@example(text='{"a":' * 5000)
@given(text=ODD | JSON.map(repr))
def test_any_reply_is_read_or_called_no_json(text: str) -> None:
    ends = [0]
    with suppress(lenient_json.NotJsonError):
        ends.append(lenient_json.read(text).end)

    assert max(ends) <= len(text)


@tried
@given(
    line=st.dictionaries(st.sampled_from(["modelOutput", "error", "modelInput", "x"]), JSON, max_size=4), number=JSON
)
def test_any_line_of_a_batch_is_an_answer_or_an_error(line: dict[str, Any], number: Any) -> None:
    record = output_record({"recordId": number, **line})

    assert record.reply is not None or record.error
