"""boto3 clients, made here and nowhere else.

Paid calls are never repeated by the client: botocore retries read timeouts, and each repeat of an hour's video is
charged again. Free calls are retried in the standard way. Credentials come from boto3's own chain, and
`AWS_ENDPOINT_URL_*` are honoured.
"""

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError

from bedrock import conf, faults, recording
from bedrock.errors import AccessError, BedrockError
from jobs.tracing import request_id

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT_S = 10
#: A page or a program waits for us meanwhile, so AWS gets seconds, and is asked once.
IN_REQUEST_CONNECT_S, IN_REQUEST_READ_S = 3, 20
#: Calls that only ask or list.
FREE_READ_TIMEOUT_S = 60
FREE_ATTEMPTS = 4
POOL = 32
#: So long is the answer kept to whether there are credentials: a dialog asks with every change of a field.
CREDENTIALS_KEPT_S = 60.0
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


def quotas() -> Any:
    """The quotas of the account."""
    return _client("service-quotas", FREE_READ_TIMEOUT_S, 2)


def frozen_credentials() -> "ReadOnlyCredentials":
    """The credentials of boto3's own chain as they are now, refreshed where they are of the kind that ends.

    They come from the environment, a profile with keys, a role, a process, SSO, `aws login`, or the machine. Asks the
    network where that kind needs it. Raises AccessError where there are none, or they cannot be had.
    """
    with faults.told("Looking for AWS credentials"):
        credentials = _session(os.getpid(), _who(), conf.region()).get_credentials()
        if credentials is None:
            raise AccessError("There are no AWS credentials on this machine.", remedy=faults.SIGN_IN_REMEDY)
        frozen: ReadOnlyCredentials = credentials.get_frozen_credentials()
    return frozen


def credentials_fault() -> str:
    """Why there are no credentials to call AWS with; empty = there are. Asked anew at most once a minute."""
    return _credentials_fault(os.getpid(), _who(), int(time.monotonic() // CREDENTIALS_KEPT_S))


@lru_cache(maxsize=8)
def _credentials_fault(_pid: int, _who: tuple[object, ...], _moment: int) -> str:
    try:
        frozen_credentials()
    except BedrockError as error:
        return str(error)
    return ""


def has_credentials() -> bool:
    """Whether boto3's own chain finds some in files and in the environment, without asking the network."""
    import botocore.session  # botocore and boto3 take 12 MB and a tenth of a second: here they are needed

    session = botocore.session.get_session()
    try:
        resolver: Any = session.get_component("credential_provider")
        resolver.remove("iam-role")
        resolver.remove("container-role")
        return resolver.load_credentials() is not None
    except BotoCoreError:  # a profile that is named and not there
        return False


def _client(service: str, read_timeout_s: float, attempts: int) -> Any:
    override = f"AWS_ENDPOINT_URL_{service.replace('-', '_').upper()}"
    endpoint = os.environ.get(override) or os.environ.get("AWS_ENDPOINT_URL") or ""
    timeouts = (CONNECT_TIMEOUT_S, read_timeout_s)
    if request_id.get():
        timeouts, attempts = (IN_REQUEST_CONNECT_S, min(IN_REQUEST_READ_S, read_timeout_s)), 1
    return _cached_client(os.getpid(), service, conf.region(), endpoint, _who(), timeouts, attempts)


def _who() -> tuple[object, ...]:
    """What changes when somebody signs in anew: a client keeps the keys that it found when it was made."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SESSION_TOKEN")
    changes: list[tuple[int, int] | None] = []
    for name, default in KEY_FILES:
        try:
            status = Path(os.environ.get(name) or default).expanduser().stat()
            changes.append((status.st_mtime_ns, status.st_size))
        except (OSError, RuntimeError):  # RuntimeError: nobody knows the home folder
            changes.append(None)
    return (*map(os.environ.get, names), *changes)


@lru_cache(maxsize=8)
def _session(_pid: int, _who: tuple[object, ...], region: str) -> Any:
    """A session of this process and sign-in: its credentials refresh themselves."""
    import botocore.session

    session = botocore.session.get_session()
    session.set_config_variable("metadata_service_num_attempts", 1)
    session.set_config_variable("region", region)
    return session


@lru_cache(maxsize=32)
def _cached_client(
    _pid: int,
    service: str,
    region: str,
    endpoint: str,
    _who: tuple[object, ...],
    timeouts: tuple[float, float],
    attempts: int,
) -> Any:
    import boto3
    from botocore.config import Config

    connect_s, read_s = timeouts
    config = Config(
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=POOL,
        # A stand-in has no host name for each bucket.
        s3={"addressing_style": "path"} if endpoint else {},
    )
    # A profile that assumes a role asks STS, in the region of its session.
    make: Any = boto3.session.Session(region_name=region).client
    client = make(service, region_name=region, config=config)
    recording.watch(client)
    return client
