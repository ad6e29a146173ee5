"""boto3 clients, made here and nowhere else.

Paid calls are never repeated by the client: botocore retries read timeouts, and each repeat of an hour's video is
charged again. Free calls are retried in the standard way. Credentials come from boto3's own chain, and
`AWS_ENDPOINT_URL_*` are honoured.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bedrock import conf

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT_S = 10
#: Calls that only ask or list.
FREE_READ_TIMEOUT_S = 60
FREE_ATTEMPTS = 4
POOL = 32
#: Where keys are written to: the variable that names the place, and the usual one.
KEY_FILES = (("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config"))


def runtime() -> "BedrockRuntimeClient":
    """For calls that cost money: a long read timeout (Nova may take 60 minutes) and one attempt."""
    client: BedrockRuntimeClient = _client("bedrock-runtime", conf.read_timeout_s(), 1)
    return client


def runtime_status() -> "BedrockRuntimeClient":
    """For the runtime's free questions, such as the state of an asynchronous call."""
    client: BedrockRuntimeClient = _client("bedrock-runtime", FREE_READ_TIMEOUT_S, FREE_ATTEMPTS)
    return client


def control() -> "BedrockClient":
    """The control plane: models, profiles, batch jobs. Creating a job is safe to repeat by its client token."""
    client: BedrockClient = _client("bedrock", FREE_READ_TIMEOUT_S, FREE_ATTEMPTS)
    return client


def s3() -> "S3Client":
    client: S3Client = _client("s3", FREE_READ_TIMEOUT_S, FREE_ATTEMPTS)
    return client


def sts() -> "STSClient":
    client: STSClient = _client("sts", FREE_READ_TIMEOUT_S, 2)
    return client


def _client(service: str, read_timeout_s: float, attempts: int) -> Any:
    override = f"AWS_ENDPOINT_URL_{service.replace('-', '_').upper()}"
    endpoint = os.environ.get(override) or os.environ.get("AWS_ENDPOINT_URL") or ""
    return _made(os.getpid(), service, conf.region(), endpoint, _who(), read_timeout_s, attempts)


def _who() -> tuple[object, ...]:
    """What changes when somebody signs in anew: a client keeps the keys that it found when it was made."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SESSION_TOKEN")
    return (*map(os.environ.get, names), *map(_changed_at, KEY_FILES))


def _changed_at(place: tuple[str, str]) -> tuple[int, int] | None:
    name, usual = place
    try:
        found = Path(os.environ.get(name) or usual).expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows the home folder
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _made(
    _pid: int,
    service: str,
    region: str,
    endpoint: str,
    _who: tuple[object, ...],
    read_timeout_s: float,
    attempts: int,
) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=POOL,
        # A stand-in has no host name for each bucket.
        s3={"addressing_style": "path"} if endpoint else {},
    )
    make: Any = boto3.session.Session().client
    return make(service, region_name=region, config=config)
