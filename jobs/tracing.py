"""Which request and which job a line of the log belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: The id of the request that is being answered; empty = none.
request_id: ContextVar[str] = ContextVar("request_id", default="")
#: The id of the job that is being done; None = none.
job_id: ContextVar[int | None] = ContextVar("job_id", default=None)


@contextmanager
def within_job(pk: int) -> Iterator[None]:
    """Lines of the log belong to this job."""
    token = job_id.set(pk)
    try:
        yield
    finally:
        job_id.reset(token)
