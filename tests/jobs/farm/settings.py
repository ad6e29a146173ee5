"""Settings of the worker processes in the tests: the test's own database, and the farm's kinds."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

DATABASES["default"]["NAME"] = os.environ["FARM_DATABASE"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobs.farm.apps.FarmConfig"]
JOB_TICK_SECONDS = 0.3
JOB_IDLE_SECONDS = 0  # the tests look into clusters that stay
JOB_LEASE_SECONDS = 4.0
JOB_WEDGE_SECONDS = 5.0
JOB_CANCEL_GRACE_SECONDS = 1.0
JOB_BACK_OFF_SECONDS = 0.5
if folders := os.environ.get("FARM_FOLDERS"):
    DATA_DIR, UPLOAD_DIR, PROXY_DIR = (Path(folders) / name for name in ("data", "uploads", "proxy_video"))
    HOST_DIR = DATA_DIR
    IMPORT_STEPS = ["proxy"]
