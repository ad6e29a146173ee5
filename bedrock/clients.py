"""boto3 clients, made here and nowhere else.

Paid calls are never repeated by the client: botocore retries read timeouts, and each repeat of an hour's video is
charged again. Free calls are retried in the standard way. Credentials come from boto3's own chain, and
`AWS_ENDPOINT_URL_*` are honoured.
"""

import os
from functools import lru_cache
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
    who = (os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_PROFILE"), os.environ.get("AWS_SESSION_TOKEN"))
    return _made(os.getpid(), service, conf.region(), endpoint, who, read_timeout_s, attempts)


@lru_cache(maxsize=32)
def _made(
    _pid: int,
    service: str,
    region: str,
    endpoint: str,
    _who: tuple[str | None, ...],
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
