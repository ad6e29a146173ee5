"""Errors of `bedrock`.

WorkError
└── BedrockError                 what AWS, its settings or its bill stand in the way of
    ├── NotConfiguredError       a setting is missing: says which
    ├── ModelRefusedError        past its end of life, wrong mode, not offered in this region
    ├── NotOfferedError          an estimate, or a profile, that there is not
    ├── FolderNeverSentError     the rule of a folder: nothing of it goes to AWS
    ├── UnpricedError            nobody knows the price, and there is a cap
    ├── OverBudgetError          the month's cap would be passed
    │   └── DailyQuotaError      AWS answers this model no more today
    ├── AlreadyPaidError         this question was answered (or twice possibly paid) before
    ├── QuestionInFlightError    somebody else is asking the same question now        (retryable)
    ├── BadRequestError          AWS refuses the request as it is
    ├── AccessError              credentials, permissions, model access, roles
    ├── MissingObjectError       a bucket, an object, a job that is not there
    ├── BusyError                throttled, not ready, 5xx, could not connect           (retryable)
    ├── SpoiltAnswerError        it was answered, and the answer is of no use: possibly paid
    │   └── MalformedAnswerError the model lost itself in the form of its answer: in words it may manage
    ├── LostAnswerError          it was sent and no answer came: possibly paid
    └── SlowAnswerError          nobody waits for it any longer: possibly paid
"""

from collections.abc import Mapping
from typing import Any

from jobs.errors import WorkError


class BedrockError(WorkError):
    """`may_be_charged`: AWS had the request, so that its bill may hold it; the ledger counts its worst case then."""

    code = "bedrock_error"
    may_be_charged = False

    def __init__(
        self, message: str, *, remedy: str | None = None, retryable: bool | None = None, aws_code: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, retryable=retryable)
        self.aws_code = aws_code


class NotConfiguredError(BedrockError):
    code = "not_configured"
    status = 409


class ModelRefusedError(BedrockError):
    code = "model_refused"
    remedy = "Choose another model."


class NotOfferedError(BedrockError):
    """A choice of how a model is priced or called that its region does not have."""

    code = "not_offered"
    status = 409


class FolderNeverSentError(BedrockError):
    code = "never_send"
    status = 409
    remedy = "Use the free local engines, or change the rule on the page of the folder."


class UnpricedError(BedrockError):
    code = "unpriced"
    remedy = "Enter the price in the admin (Bedrock, Models), or choose a model whose price is known."


class OverBudgetError(BedrockError):
    code = "over_budget"
    status = 402
    remedy = "Raise NOVA_MONTHLY_BUDGET_USD, wait for the next month (UTC), or use the free local model."


class DailyQuotaError(OverBudgetError):
    """The account has used up what AWS allows it of a model a day. What waits goes on by itself."""

    code = "daily_quota"
    status = 429
    remedy = (
        "It goes on by itself, tried once an hour. A new account has small quotas: AWS raises them on request (Service "
        "Quotas, Amazon Bedrock)."
    )


class AlreadyPaidError(BedrockError):
    code = "already_paid"
    status = 409


class QuestionInFlightError(BedrockError):
    code = "in_flight"
    status = 409
    retryable = True
    remedy = "Wait until it is answered: its result will be used here too."


class BadRequestError(BedrockError):
    code = "bad_request"


class AccessError(BedrockError):
    code = "aws_access"
    status = 403


class MissingObjectError(BedrockError):
    code = "aws_missing"
    status = 404


class BusyError(BedrockError):
    code = "aws_busy"
    status = 503
    retryable = True
    remedy = "It is tried again by itself, later and later."


class SpoiltAnswerError(BedrockError):
    """An answer came that cannot be used. Asking the same again would give the same."""

    code = "answer_spoilt"
    status = 502
    may_be_charged = True


class MalformedAnswerError(SpoiltAnswerError):
    """The model did not manage to fill in the tool. `usage` is what AWS told (`Usage.as_json`), empty where nothing."""

    code = "answer_malformed"
    remedy = "The model wrote a malformed answer: run it once more, with fewer analysis types or another model."

    def __init__(
        self, message: str, *, usage: Mapping[str, Any] | None = None, remedy: str | None = None, aws_code: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, aws_code=aws_code)
        self.usage = dict(usage or {})


class SlowAnswerError(BedrockError):
    """Nobody waits any longer for an answer that is still to come. The ledger books it as possibly paid."""

    code = "aws_slow"
    status = 504
    may_be_charged = True
    retryable = True
    remedy = "Ask again in a minute: what comes late is kept for that."


class LostAnswerError(BedrockError):
    """The request was sent and its answer never came. The ledger books it as possibly paid."""

    code = "answer_lost"
    status = 504
    may_be_charged = True
    remedy = "It may have been charged. It is asked again once."
