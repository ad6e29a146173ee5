"""What the doctor and the setup page say of ffmpeg: which is used, why, and whether it is too old."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from files.media import ffmpeg
from novaproject.setup.doctor import Check, Level, checks
from tests import media

pytestmark = pytest.mark.django_db


def told() -> Check:
    return next(check for check in checks() if check.name == "ffmpeg")


def test_it_says_which_is_used_and_why(settings: Settings, admin_client: Client) -> None:
    settings.FFMPEG_PATH = media.ffmpeg()
    named = told()
    settings.FFMPEG_PATH = ""
    found = told()

    number = ".".join(map(str, ffmpeg.version(media.ffmpeg())))
    assert named.level is Level.READY
    assert f"Version {number}, named by FFMPEG_PATH" in named.text
    assert media.ffmpeg() in named.text
    assert "5.1 is the oldest that is supported" in found.text or "PATH has none" in found.text
    assert ffmpeg.program() in admin_client.get("/setup/").content.decode()


def test_one_that_is_named_and_too_old_is_told(settings: Settings, tmp_path: Path) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu'\n")
    old.chmod(0o755)
    settings.FFMPEG_PATH = str(old)

    check = told()

    assert (check.level, "Version 4.4" in check.text) == (Level.WARN, True)
    assert "5.1 is the oldest that is supported" in check.remedy
