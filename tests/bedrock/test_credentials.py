"""Credentials of every kind, as botocore's own chain finds them: for boto3's clients and for Nova Sonic's stream."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedrock import clients
from bedrock.errors import AccessError
from tests.bedrock.profiles import KEYS, home_with_profiles

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What was found for other tests is asked for anew."""
    for cached in (clients._session, clients._credentials_fault):
        cached.cache_clear()
    yield
    for cached in (clients._session, clients._credentials_fault):
        cached.cache_clear()


def enter(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], profile: str = "") -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
        # botocore takes the home folder of the moment when it is imported.
        cache = Path(environment["HOME"]) / ".aws" / "sso" / "cache"
        monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))


@pytest.mark.parametrize("profile", KEYS)
def test_a_profile_of_each_kind_gives_keys(
    moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    with home_with_profiles(tmp_path, moto_url) as environment:
        enter(monkeypatch, environment, profile)

        keys = clients.frozen_credentials()

        assert clients.credentials_fault() == ""
        assert keys.access_key == KEYS[profile] or (profile == "role" and str(keys.access_key).startswith("ASIA"))
        assert bool(keys.token) is (profile in {"role", "sso"})
        assert clients.has_credentials()


def test_a_sign_in_that_has_run_out_is_told_and_what_to_do(
    moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home_with_profiles(tmp_path, moto_url, signed_in_until="2020-01-01T00:00:00Z") as environment:
        enter(monkeypatch, environment, "sso")

        with pytest.raises(AccessError) as caught:
            clients.frozen_credentials()

        assert "sign in" in caught.value.remedy.lower()
        assert "expired" in clients.credentials_fault()


def test_a_role_that_may_not_be_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with home_with_profiles(tmp_path, "http://127.0.0.1:1") as environment:
        enter(monkeypatch, environment, "role")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

        assert "could not be reached" in clients.credentials_fault()


def test_without_any_nothing_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with home_with_profiles(tmp_path, "http://127.0.0.1:1") as environment:
        enter(monkeypatch, environment)

        with pytest.raises(AccessError, match="There are no AWS credentials"):
            clients.frozen_credentials()
        assert clients.credentials_fault()
        assert not clients.has_credentials()


def test_keys_that_were_changed_are_taken_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, {"AWS_ACCESS_KEY_ID": "first", "AWS_SECRET_ACCESS_KEY": "x"})
    assert clients.frozen_credentials().access_key == "first"

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "second")

    assert clients.frozen_credentials().access_key == "second"
