"""Settings for the tests: a place of their own, and never a person's `.env`."""

import os
import tempfile
from pathlib import Path

_shared = Path(os.environ.get("NOVAPROJECT_TEST_DIR") or tempfile.mkdtemp(prefix="novaproject-tests-"))
# Each process of a run that is spread over the cores has folders of its own.
_place = _shared / os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ.update(
    NOVAPROJECT_ENV_FILE="",
    NOVAPROJECT_TEST_DIR=str(_shared),
    SECRET_KEY="only-for-tests-" + "x" * 50,
    DEBUG="False",
    LOG_KEEP_DAYS="0",
    DATA_DIR=str(_place / "data"),
    UPLOAD_DIR=str(_place / "uploads"),
    PROXY_DIR=str(_place / "proxy_video"),
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_place / 'data' / 'app.db'}",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE="/dev/null",
    AWS_SHARED_CREDENTIALS_FILE="/dev/null",
)
for name in [key for key in os.environ if key.startswith(("NOVA_", "WHISPER_", "S3_BUCKET", "BEDROCK_", "IMPORT_"))]:
    if name != "NOVA_TEST_MEDIA":
        del os.environ[name]
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "PORT", "EMBEDDING_PROVIDER"):
    os.environ.pop(name, None)

from novaproject.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
AXES_ENABLED = False
API_COSTLY_RATE = ""
FETCH_WEIGHTS = []
WATCH_FOLDERS = "off"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 - whitenoise warns without it
if not DATABASES["default"].get("TEST"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": "test_novaproject"}  # noqa: F405
