"""The base of every app's errors, and those of this one.

WorkError
├── files.errors, bedrock.errors, transcription.errors, nova.errors, embeddings.errors
└── JobError
    ├── UnknownKindError    nothing is registered under this name
    ├── NotCancellableError
    └── NotRetryableError
Cancelled                   not an error: somebody asked to stop
└── LeaseLost               not ours any more: somebody else does this job, or did
Interrupted                 the worker is being ended: the job is given back
"""


class WorkError(Exception):
    """Something that a person can be told: what went wrong, what to do, and which `field` of a request it is about."""

    retryable = False
    remedy = ""
    code = "error"
    status = 400
    field = ""

    def __init__(
        self, message: str, *, remedy: str | None = None, retryable: bool | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        if field is not None:
            self.field = field
        if remedy is not None:
            self.remedy = remedy
        if retryable is not None:
            self.retryable = retryable


class JobError(WorkError):
    """Something about a job itself."""


class UnknownKindError(JobError):
    """A job of a kind that nothing here can do."""

    code = "unknown_kind"
    remedy = "Was a part of the project removed or renamed? Cancel the job."


class NotCancellableError(JobError):
    """A job that is over cannot be cancelled."""

    code = "not_cancellable"
    status = 409


class NotRetryableError(JobError):
    """Only what failed or was cancelled can be tried again."""

    code = "not_retryable"
    status = 409


class Cancelled(Exception):  # noqa: N818  (it is a request that was obeyed, not an error)
    """Raised out of a progress report when the work was asked to stop."""


class LeaseLost(Cancelled):
    """Raised out of a progress report when the job is no longer this worker's."""


class Interrupted(BaseException):
    """Raised in a worker that is asked to end in the middle of a job."""
