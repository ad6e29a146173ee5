"""Kinds whose work leaves traces on disk: a line per start, a temporary file, a result."""

import os
import subprocess
import sys
import time
from pathlib import Path

from django.apps import AppConfig

from jobs import registry
from jobs.work import Work

#: Where the traces go.
YARD_ENV = "FARM_YARD"


def yard() -> Path:
    return Path(os.environ[YARD_ENV])


def plough(work: Work) -> str:
    """Takes `seconds`, in steps that report; writes `<subject>.done` at the end."""
    temporary = yard() / f".{work.subject}.{work.job_id}.{work.attempt}.part"
    (yard() / f"{work.subject}.started.{work.attempt}").write_text(str(os.getpid()))
    seconds = float(work.options.get("seconds", 0))
    until = time.monotonic() + seconds
    try:
        temporary.write_text("half")
        while (left := until - time.monotonic()) > 0:
            work.progress.update(1 - left / seconds)
            time.sleep(0.02)
        with (yard() / f"{work.subject}.done").open("a") as done:
            done.write("done\n")
    finally:
        temporary.unlink(missing_ok=True)
    return "ploughed"


def sulk(work: Work) -> None:
    """Never reports and never looks whether it should stop; has a child."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (yard() / f"{work.subject}.started.{work.attempt}").write_text(f"{os.getpid()} {child.pid}")
    child.wait()


class FarmConfig(AppConfig):
    name = "tests.jobs.farm"
    label = "farm"

    def ready(self) -> None:
        for run in (plough, sulk):
            registry.register(
                registry.Kind(
                    name=run.__name__,
                    label=run.__name__.capitalize(),
                    queue="long",
                    subject_kind="field",
                    run=run,
                    permission="jobs.change_job",
                )
            )
