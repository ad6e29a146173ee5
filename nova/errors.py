"""Errors of `nova`.

NovaError
├── AnalysisError        an analysis that could not be made
├── NeverAffordableError  a call that no month's cap has room for
├── InBatchError         the same question is on its way in a batch
├── UnknownTypeError     no analysis type of that name
├── BadTypeError         a prompt or schema that cannot be asked
├── NothingToExportError  no result, or none of this kind
├── NotAnalysableError   nothing to analyse in this file
└── ReplyError           a result that is not in its shape
    └── UnreadableReply  a reply that gives no valid result, whatever was corrected
"""

from collections.abc import Sequence

from jobs.errors import WorkError


class NovaError(WorkError):
    """The base of this floor's errors."""

    code = "analysis"


class AnalysisError(NovaError):
    """An analysis could not be made."""


class NeverAffordableError(NovaError):
    """One call may cost more than the cap of a whole month."""

    code = "never_affordable"
    status = 402


class InBatchError(NovaError):
    """The same question is on its way in a batch: it is waited for, not paid again."""

    code = "in_batch"
    status = 409


class UnknownTypeError(NovaError):
    """There is no analysis type of that name."""

    code = "unknown_analysis_type"


class BadTypeError(NovaError):
    """A type of the user's own that cannot be asked as it is."""

    code = "bad_analysis_type"


class NothingToExportError(NovaError):
    """There is no result that could be written in this form."""

    code = "nothing_to_export"
    status = 404


class NotAnalysableError(NovaError):
    """There is nothing in this file that could be analysed."""

    code = "not_analysable"


class ReplyError(NovaError):
    """A result is not in its shape."""

    code = "reply"


class UnreadableReply(ReplyError):  # noqa: N818  (it is a finding about a reply)
    """A reply gives no valid result. `notes` are what was seen and corrected on the way."""

    code = "unreadable_reply"

    def __init__(self, message: str, *, remedy: str, notes: Sequence[str] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.notes = list(notes)
