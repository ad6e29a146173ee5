"""At most so many calls of one model at once, over all workers of this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from files.storage import disk
from jobs.progress import Progress
from nova import conf

PATIENCE_S = 0.2


@contextmanager
def slot(model_key: str, progress: Progress) -> Iterator[None]:
    """Wait for a free slot of this model and hold it. Raises Cancelled while it waits."""
    folder = disk.make_dir(conf.lock_folder())
    while True:
        progress.check()
        for number in range(conf.concurrent_calls()):
            held = disk.try_lock(folder / f"{model_key}-{number}.lock")
            if held is not None:
                with held:
                    yield
                return
        time.sleep(PATIENCE_S)
