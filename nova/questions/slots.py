"""At most so many calls of one model at once, over all workers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from files.storage import locks
from jobs.progress import Progress
from nova import conf

PATIENCE_S = 0.2


@contextmanager
def slot(model_key: str, progress: Progress) -> Iterator[None]:
    """Wait for a free slot of this model and hold it. Raises Cancelled while it waits."""
    while True:
        progress.check()
        for number in range(conf.concurrent_calls()):
            with locks.tried(f"{model_key}-{number}") as is_held:
                if is_held:
                    yield
                    return
        time.sleep(PATIENCE_S)
