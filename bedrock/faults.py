"""What botocore raises, in our errors: AWS's own words, what they mean, and what to do.

    with faults.told("Asking Nova 2 Lite", paid=True):
        client.converse(…)

Only throttling, 5xx, "not ready" and calls that never left this machine are retryable. A paid call that was sent and
not answered is a LostAnswerError. Sources: botocore's error shapes and the messages seen in public issue threads.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from bedrock.errors import (
    AccessError,
    BadRequestError,
    BedrockError,
    BusyError,
    DailyQuotaError,
    LostAnswerError,
    MalformedAnswerError,
    MissingObjectError,
    ModelRefusedError,
)

DOCS = "docs/aws.md has the policies."
#: What the policy of docs/aws.md grants.
DOCUMENTED_ACTIONS = frozenset(
    {
        "bedrock:CreateModelInvocationJob", "bedrock:GetAsyncInvoke", "bedrock:GetModelInvocationJob",
        "bedrock:InvokeModel", "bedrock:ListAsyncInvokes", "bedrock:ListFoundationModels",
        "bedrock:ListInferenceProfiles", "bedrock:ListModelInvocationJobs", "bedrock:StopModelInvocationJob",
        "iam:PassRole", "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetBucketLocation",
        "s3:GetLifecycleConfiguration", "s3:GetObject", "s3:ListBucket", "s3:PutLifecycleConfiguration", "s3:PutObject",
        "servicequotas:ListServiceQuotas",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hint:
    """Words of AWS, the error they mean here, and the remedy."""

    pattern: str
    error: type[BedrockError]
    remedy: str
    retryable: bool = False

    def fits(self, text: str) -> bool:
        return re.search(self.pattern, text, re.IGNORECASE | re.DOTALL) is not None


#: Matched in order against "Code: message".
HINTS = (
    Hint(
        pattern=r"on-demand throughput isn.t supported|inference profile",
        error=BadRequestError,
        remedy="The model must be called through an inference profile of your region (us., eu., jp., global.): "
        "check AWS_REGION, and the model's ids in the admin.",
    ),
    Hint(
        pattern=r"\blegacy\b",
        error=ModelRefusedError,
        remedy="AWS calls this model a legacy one: whoever has not used it for 15 days, or never, cannot have it any "
        "more. Choose another model, and run `.venv/bin/python manage.py refresh_models`.",
    ),
    Hint(
        pattern=r"end of (its )?life|no longer (available|supported)",
        error=ModelRefusedError,
        remedy="AWS has ended this model: choose another one, and run `.venv/bin/python manage.py refresh_models`.",
    ),
    Hint(
        pattern=r"iam:PassRole",
        error=AccessError,
        remedy=f"Allow your AWS user iam:PassRole on the role in BEDROCK_BATCH_ROLE_ARN. {DOCS}",
    ),
    Hint(
        pattern=r"create a support case|not authorized to perform this action",
        error=AccessError,
        remedy="AWS has not enabled batch inference for this account: open a support case with AWS, and use realtime "
        "or flex (the same price as batch) meanwhile.",
    ),
    Hint(
        pattern=r"assume.*role|role.*(assume|trust|does not exist|not found|cannot be found)|could not assume",
        error=AccessError,
        remedy="Bedrock cannot use the role in BEDROCK_BATCH_ROLE_ARN: check that it exists and that it trusts "
        f"bedrock.amazonaws.com. {DOCS}",
    ),
    Hint(
        pattern=r"don.t have access to the model|model access|access to the model",
        error=AccessError,
        remedy="AWS gives access to its own models by itself, without a page to ask for it: look whether a policy "
        "denies this model, wait some minutes with a new account, and then ask AWS Support.",
    ),
    Hint(
        pattern=r"Expired|\bSSO|refresh",
        error=AccessError,
        remedy="Your AWS sign-in has run out: sign in again (`aws sso login`, `aws login`, or new keys), then retry.",
    ),
    Hint(
        pattern=r"InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidAccessKeyId|AuthFailure"
        r"|IncompleteSignature",
        error=AccessError,
        remedy="AWS does not know these credentials: check the access key and its secret, and this machine's clock.",
    ),
    Hint(
        pattern=r"format.*failed to satisfy constraint|enum value set",
        error=BadRequestError,
        remedy="Nova does not take this container: make a proxy (MP4) of the file and analyse that.",
    ),
    Hint(
        pattern=r"doesn.t support the (video|image|audio) content block",
        error=BadRequestError,
        remedy="This model does not take such media: choose another model.",
    ),
    Hint(
        pattern=r"invalid sequence as part of ToolUse",
        error=MalformedAnswerError,
        remedy=MalformedAnswerError.remedy,
    ),
    Hint(
        pattern=r"Malformed input request|required key",
        error=BadRequestError,
        remedy="The request has a shape that this model does not take: see the analysis type's schema in the admin.",
    ),
    Hint(
        pattern=r"NoSuchBucket",
        error=MissingObjectError,
        remedy="Create the bucket in the region of AWS_REGION, or set S3_BUCKET_NAME to one that exists.",
    ),
    Hint(
        pattern=r"NoSuchKey|Unable to find.*S3|S3.*(not exist|not found)|HeadObject",
        error=MissingObjectError,
        remedy="The staged copy is gone: start the work again, it is uploaded anew.",
    ),
    Hint(
        pattern=r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint",
        error=BadRequestError,
        remedy="The bucket is in another region: set AWS_REGION to the bucket's region, or use a bucket here.",
    ),
    Hint(
        pattern=r"service control policy|ResourceOrgI|explicit deny",
        error=AccessError,
        remedy="A policy of your organisation forbids this: ask its administrator (foundation models belong to no "
        "organisation, so a condition on aws:ResourceOrgID denies them).",
    ),
)
#: Who asks, as AWS names whoever signed in by a role: no word of it is about what went wrong.
CALLER = re.compile(r"arn:aws[\w-]*:sts::\d*:assumed-role/\S+")
#: Where the words give no hint, the code decides.
BUSY = frozenset(
    {
        "ThrottlingException", "Throttling", "TooManyRequestsException", "ModelNotReadyException", "SlowDown",
        "InternalServerException", "InternalServerError", "InternalError", "InternalFailure", "ServiceUnavailable",
        "ServiceUnavailableException", "RequestLimitExceeded", "500", "502", "503", "504", "429",
    }
)  # fmt: skip
#: "Too many tokens per day, please wait before trying again."
PER_DAY = re.compile(r"per[ -]day|daily", re.IGNORECASE)
#: The model had the request, and began.
MODEL_FAILED = frozenset({"ModelTimeoutException", "ModelErrorException"})
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "403", "Forbidden"})
MISSING = frozenset({"ResourceNotFoundException", "404", "NotFound"})
#: A call that ended with these never reached AWS, so nothing can have been charged.
UNSENT = (aws.ConnectTimeoutError, aws.EndpointConnectionError, aws.ProxyConnectionError)
#: How TLS fails before anything is sent. Whatever else it says came after the handshake, when AWS may have the request.
HANDSHAKE = re.compile(r"certificate|hostname|handshake|wrong.version|protocol|alert|unknown.ca", re.IGNORECASE)
LOST = (
    aws.ReadTimeoutError, aws.ConnectionClosedError, aws.HTTPClientError, aws.ResponseStreamingError,
    aws.IncompleteReadError, aws.SSLError, ResponseParserError,
)  # fmt: skip
SIGN_IN = (
    aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.TokenRetrievalError,
    aws.SSOError, aws.NoAuthTokenError, aws.ProfileNotFound, aws.UnauthorizedSSOTokenError,
)  # fmt: skip


SIGN_IN_REMEDY = "Sign in to AWS: `aws sso login` with AWS_PROFILE set, or `aws configure`, or set access keys."


@contextmanager
def told(action: str, *, paid: bool = False) -> Iterator[None]:
    """Raise what botocore raises inside as a BedrockError that says what `action` met. `paid`: it may be charged."""
    try:
        yield
    except aws.ClientError as exc:
        error = of_answer(exc, action)
        # AWS's pages do not say whether what a model began is charged.
        error.may_be_charged = paid and (error.may_be_charged or error.aws_code in MODEL_FAILED)
        raise error from exc
    except (aws.BotoCoreError, ResponseParserError) as exc:
        raise of_client(exc, action, paid=paid) from exc


def of_answer(exc: aws.ClientError, action: str) -> BedrockError:
    """The error for an answer of AWS that is one."""
    error = exc.response.get("Error", {})
    code, words = str(error.get("Code", "")), str(error.get("Message", "")).strip()
    status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = f"{code}: {words}" if words else code
    message = f"{action}: AWS answered {text}"
    if (code in BUSY or status == 429) and PER_DAY.search(words):
        return DailyQuotaError(message, aws_code=code)
    if code in BUSY or status >= 500 or status == 429:
        return BusyError(message, aws_code=code)
    about = CALLER.sub("caller", text)
    hint = next((hint for hint in HINTS if hint.fits(about)), None)
    if hint:
        return hint.error(message, remedy=hint.remedy, aws_code=code)
    if code in DENIED or status == 403:
        return AccessError(message, remedy=denied_remedy(words), aws_code=code)
    if code in MISSING or status == 404:
        return MissingObjectError(message, remedy="Check the id, AWS_REGION and S3_BUCKET_NAME.", aws_code=code)
    if code == "ServiceQuotaExceededException":
        remedy = "Wait for other work to end, or ask AWS to raise the quota (Service Quotas, Amazon Bedrock)."
        return BadRequestError(message, remedy=remedy, aws_code=code)
    if code in MODEL_FAILED:
        remedy = "The model could not finish: try a shorter video or fewer analysis types, or another model."
        return BadRequestError(message, remedy=remedy, aws_code=code)
    remedy = "See AWS's words above; `.venv/bin/python manage.py doctor` checks the setup."
    return BadRequestError(message, remedy=remedy, aws_code=code)


def account_of(arn: str) -> str:
    """The account in an ARN; empty where there is none."""
    return next((part for part in arn.split(":") if re.fullmatch(r"\d{12}", part)), "")


def denied_remedy(words: str) -> str:
    """What to do about a denial in these words of AWS."""
    match = re.search(r"not authorized to perform: ([\w-]+:\w+)", words)
    if match and match[1] in DOCUMENTED_ACTIONS:
        who = re.search(r"(arn:aws[\w-]*:(?:iam|sts)::\S+)", words)
        return (
            f"Allow your AWS user {match[1]}. The policy in docs/aws.md has it: see that it is attached to "
            f"{who[1] if who else 'whoever is signed in'}, with your account and bucket in it, and with `*` as the "
            "resource of what only lists. Else a permissions boundary, the policy of a session, or one of your "
            "organisation takes the right away again."
        )
    if match:
        return (
            f"Allow your AWS user {match[1]}: docs/aws.md does not list it, so AWS may have changed what it asks for."
        )
    if not words:
        return (
            "AWS gave no reason: besides a missing permission this is how it answers when an operation is not offered "
            "to the account or in the region, or was retired."
        )
    return f"Check the permissions of your AWS user. {DOCS}"


def of_client(exc: aws.BotoCoreError | ResponseParserError, action: str, *, paid: bool) -> BedrockError:
    """The error for a call that got no answer."""
    words = str(exc)
    if isinstance(exc, SIGN_IN):
        return AccessError(f"{action}: {words}", remedy=SIGN_IN_REMEDY)
    if isinstance(exc, UNSENT) or (isinstance(exc, aws.SSLError) and HANDSHAKE.search(words)):
        return BusyError(f"{action}: AWS could not be reached ({words})")
    if isinstance(exc, LOST):
        if paid:
            return LostAnswerError(f"{action}: it was sent, and no answer came ({words})")
        return BusyError(f"{action}: the connection broke ({words})")
    return BadRequestError(
        f"{action}: {words}", remedy="The request was not sent: `.venv/bin/python manage.py doctor` checks the setup."
    )
