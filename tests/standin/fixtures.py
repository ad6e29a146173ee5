"""Pytest fixtures: `aws` gives a test its own empty Bedrock, bucket and settings.

Used by `pytest_plugins` in the tests' conftest. The app's real boto3 clients talk to both over HTTP.
"""

import os
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.standin.server import Server
from tests.standin.world import REGION, ROLE, WAYS, WORLDS, World

#: Modules about money and about taking in what Bedrock answers: their tests run in another world of AWS too.
MONEY = frozenset(
    {
        "tests.nova.test_batch_line", "tests.nova.test_batch_cap", "tests.nova.test_paid_once",
        "tests.nova.test_realtime", "tests.nova.test_quoted_and_booked", "tests.nova.test_pictures",
        "tests.nova.test_long_videos", "tests.nova.test_batch_doors", "tests.nova.test_rekeying",
        "tests.nova.test_lease", "tests.bedrock.test_paying", "tests.bedrock.test_batch_line",
        "tests.bedrock.test_daily_quotas",
    }
)  # fmt: skip
#: Names one way (or world) for all tests that use `aws`.
ONE_WAY = os.environ.get("STANDIN_WAY", "")
USUAL = "as the pages say"
BUCKET = "standin-staging"
INPUT_PREFIX, OUTPUT_PREFIX = "nova-batch/in", "nova-batch/out"


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """S3 and STS."""
    from moto.server import ThreadedMotoServer  # takes a second, which most test runs need not spend

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def bedrock_server(moto_url: str) -> Iterator[Server]:
    server = Server(World(moto_url)).start()
    yield server
    server.stop()


def environment(s3_url: str, bedrock_url: str) -> dict[str, str]:
    """The variables that point boto3 at the stand-ins."""
    return {
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_ENDPOINT_URL_STS": s3_url,
        "AWS_ENDPOINT_URL_BEDROCK": bedrock_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_ENDPOINT_URL_SERVICE_QUOTAS": bedrock_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def our_settings() -> dict[str, str]:
    """The settings that switch S3 and batch mode on."""
    return {
        "AWS_REGION": REGION,
        "S3_BUCKET_NAME": BUCKET,
        "BEDROCK_BATCH_ROLE_ARN": ROLE,
        "NOVA_BATCH_INPUT_PREFIX": INPUT_PREFIX,
        "NOVA_BATCH_OUTPUT_PREFIX": OUTPUT_PREFIX,
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of money runs in the world of AWS's pages, and in one that differs in all that they leave open.

    There are two of these, which the tests share between them by their names; FULL=1 runs every test in both. What is
    about the pages' own words is marked `as_the_pages_say`, and what compares sums to the last digit `usage_told`.
    """
    names = metafunc.fixturenames
    if ONE_WAY or metafunc.module.__name__ not in MONEY or "aws" not in names or "any_aws" in names:
        return
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    others = [] if "as_the_pages_say" in marks else list(WORLDS)
    if "usage_told" in marks:
        others = [name for name in others if WORLDS[name].usage != "missing"]
    if len(others) > 1 and not os.environ.get("FULL"):
        others = [others[zlib.crc32(metafunc.definition.nodeid.encode()) % len(others)]]
    metafunc.parametrize("aws", [USUAL, *others], indirect=True)


@pytest.fixture
def aws(
    request: pytest.FixtureRequest,
    moto_url: str,
    bedrock_server: Server,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """An empty AWS of the test's own: `world.break_next(…)`, `world.bill`, `world.clock.advance(minutes=30)`."""
    with urlopen(Request(f"{moto_url}/moto-api/reset", method="POST")):
        pass
    world = bedrock_server.world
    world.reset(speed=0)
    for name, value in environment(moto_url, bedrock_server.url).items():
        monkeypatch.setenv(name, value)
    for name, value in our_settings().items():
        setattr(settings, name, value)
    world.s3.create_bucket(Bucket=BUCKET)
    world.ways = {**WAYS, **WORLDS}[ONE_WAY or getattr(request, "param", USUAL)]
    return world


@pytest.fixture(params=sorted(WAYS))
def any_aws(request: pytest.FixtureRequest, aws: World) -> World:
    """An AWS that behaves in each way that its pages leave open, in turn.

    `STANDIN_WAY="usage is missing" pytest …` runs any other test in one of them.
    """
    aws.ways = WAYS[request.param]
    return aws
