"""Errors of `nova`.

NovaError
├── AnalysisError        an analysis that could not be made
├── UnknownTypeError     no analysis type of that name
├── NotAnalysableError   nothing to analyse in this file
└── ReplyError           a reply that gives no valid result
"""

from jobs.errors import WorkError


class NovaError(WorkError):
    """The base of this floor's errors."""

    code = "analysis"


class AnalysisError(NovaError):
    """An analysis could not be made."""


class UnknownTypeError(NovaError):
    """There is no analysis type of that name."""

    code = "unknown_analysis_type"


class NotAnalysableError(NovaError):
    """There is nothing in this file that could be analysed."""

    code = "not_analysable"


class ReplyError(NovaError):
    """A reply gives no valid result."""

    code = "reply"
