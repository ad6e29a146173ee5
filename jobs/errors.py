"""The base of every app's errors.

WorkError
├── files.errors, bedrock.errors, transcription.errors, nova.errors, embeddings.errors
└── jobs.errors
Cancelled                   not an error: somebody asked to stop
"""


class WorkError(Exception):
    """Something that a person can be told: what went wrong, and what to do."""

    retryable = False
    remedy = ""
    code = "error"
    status = 400

    def __init__(self, message: str, *, remedy: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy
        if retryable is not None:
            self.retryable = retryable


class Cancelled(Exception):  # noqa: N818  (it is a request that was obeyed, not an error)
    """Raised out of a progress report when the work was asked to stop."""
