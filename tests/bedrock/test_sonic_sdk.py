"""The vendor's real SDK, on Python 3.12 or newer, against scripted streams over HTTP/2 and TLS."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bedrock.profiles import KEYS, home_with_profiles

ROOT = Path(__file__).resolve().parents[2]
NEEDS = "import sys, boto3, django, h2, aws_sdk_bedrock_runtime, awscrt; assert sys.version_info >= (3, 12)"
ANSWERED = {
    "closed in good order", "completion told, and left open", "closed without a word", "left open without a word",
    "reset", "given up by the model", "refused after all", "completed after each turn", "counting in text",
    "counting nothing",
}  # fmt: skip
LOST = {"broken in the middle", "mute"}


@pytest.fixture(scope="module")
def python() -> str:
    for name in (os.environ.get("SONIC_PYTHON", ""), "python3.12", "python3.13"):
        path = shutil.which(name) if name else None
        if path and subprocess.run([path, "-c", NEEDS], capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("not run: no Python 3.12 with the streaming SDK and h2 (SONIC_PYTHON can name one)")


@pytest.fixture
def certificate(tmp_path: Path) -> list[str]:
    """Of localhost, for a day: its file and that of its key."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = [tmp_path / "certificate.pem", tmp_path / "key.pem"]
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return [str(path) for path in paths]


def streams(python: str, certificate: list[str], environment: dict[str, str], *names: str) -> dict[str, dict[str, Any]]:
    """What came of each stream, by its name."""
    command = [python, "-m", "tests.bedrock.sonic_over_http2", *certificate, *names]
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DJANGO_"))}
    done = subprocess.run(
        command, cwd=ROOT, env={**known, **environment}, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_an_answer_that_arrived_whole_is_never_lost_and_a_broken_one_is_told(
    python: str, certificate: list[str]
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}

    rows = streams(python, certificate, keys)

    assert set(rows) == ANSWERED | LOST
    assert {name for name, row in rows.items() if row.get("words") == ["Ask not", "what"]} == ANSWERED
    assert {name for name, row in rows.items() if row.get("error") == "LostAnswerError"} == LOST
    assert {row["path"].rstrip("?") for row in rows.values()} == {
        "/model/amazon.nova-2-sonic-v1%3A0/invoke-with-bidirectional-stream"
    }
    assert {name for name, row in rows.items() if row.get("usage") == {}} == {"counting nothing"}


@pytest.mark.parametrize("profile", KEYS)
def test_a_stream_is_signed_with_the_keys_of_each_kind_of_profile(
    python: str, certificate: list[str], moto_url: str, tmp_path: Path, profile: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with home_with_profiles(home, moto_url) as environment:
        rows = streams(python, certificate, {**environment, "AWS_PROFILE": profile}, "closed in good order")

    (row,) = rows.values()
    assert row["words"] == ["Ask not", "what"]
    assert row["key"] == KEYS[profile] or (profile == "role" and row["key"].startswith("ASIA"))
    assert bool(row["token"]) is (profile in {"role", "sso"})


def test_without_credentials_no_stream_is_opened_and_none_hangs(
    python: str, certificate: list[str], tmp_path: Path
) -> None:
    with home_with_profiles(tmp_path, "http://127.0.0.1:1") as environment:
        rows = streams(python, certificate, environment, "closed in good order")

    (row,) = rows.values()
    assert row["error"] == "AccessError"
    assert "path" not in row
