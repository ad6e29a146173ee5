"""Which model at AWS turns speech into text, whether it can be asked here, and what it may cost."""

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from bedrock import catalogue, clients, conf
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import CatalogueModel
from bedrock.pricing import Price, Usage
from bedrock.speech import sonic, sonic_sdk

PURPOSE = "transcription"
#: Part of what makes a question the same: what the model is told.
VERSION = "sonic-1"
#: The prompt, and room for its frame.
PROMPT_TOKENS = 200
#: The low end of an estimate: this share of the tokens that are reserved.
LOW_SHARE = 5

OpenStream = Callable[[str, str], Awaitable[sonic.Stream]]


@dataclass(frozen=True, kw_only=True)
class AudioDescription:
    """Which file the audio is of, for the ledger."""

    file_id: int | None = None
    file_name: str = ""
    holder: str = ""


@dataclass(frozen=True, kw_only=True)
class SonicTranscriber:
    """Who is asked, and how: Sonic by its duplex stream, any other id by Converse."""

    model_id: str
    runtime_id: str
    max_tokens: int
    tokens_per_s: int
    settings: sonic.StreamSettings = field(default_factory=sonic.StreamSettings)
    open_stream: OpenStream = sonic_sdk.open_stream

    @property
    def is_stream(self) -> bool:
        return "sonic" in self.runtime_id

    def missing(self) -> list[str]:
        """What keeps it from being asked, in words; empty = nothing. Credentials of some kinds are fetched for that."""
        reasons = sonic_sdk.missing() if self.is_stream else []
        if not conf.bucket():
            reasons.append("S3_BUCKET_NAME (the staging bucket)")
        model = catalogue.by_model_id(self.runtime_id)
        refusal = catalogue.refuse_reason(model, "realtime") if model else ""
        if refusal:
            regions = ", ".join(model.direct_regions) if model and model.direct_regions and not model.is_past() else ""
            reasons.append(refusal.rstrip(".") + (f" (only in {regions})" if regions else ""))
        fault = clients.credentials_fault()
        if fault:
            reasons.append(f"AWS credentials ({fault.rstrip('.')})")
        return reasons

    def model(self) -> CatalogueModel | None:
        """Whose prices hold, and whose money it is: the model that is called."""
        return catalogue.by_model_id(self.runtime_id) or catalogue.by_model_id(self.model_id)

    def price(self) -> Price | None:
        """What it costs in our region; None = unpriced."""
        model = self.model()
        return catalogue.price(model, "realtime") if model else None

    def worst(self, duration_s: float, price: Price | None) -> Usage:
        """What a piece of this length could use at most, by the labelled setting."""
        if self.is_stream:
            return Usage(
                input_tokens=PROMPT_TOKENS,
                speech_input_tokens=ceil((duration_s + sonic.LONGEST_TAIL_S) * self.tokens_per_s),
                output_tokens=self.max_tokens,
                speech_output_tokens=self.max_tokens,
            )
        return converse_usage(PROMPT_TOKENS + ceil(duration_s * self.tokens_per_s), self.max_tokens, price)

    def question_of(self, content: bytes) -> str:
        """The same for the same audio, model and parameters."""
        parts = [VERSION, self.runtime_id, self.max_tokens, hashlib.sha256(content).hexdigest()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def reservation(self, question: str, duration_s: float, audio: AudioDescription) -> ReservationRequest:
        """What the ledger is told of a piece of this length."""
        price, model = self.price(), self.model()
        return ReservationRequest(
            question=question,
            purpose=PURPOSE,
            model_key=model.key if model else self.model_id,
            mode="realtime",
            usd=price.cost(self.worst(duration_s, price)) if price else None,
            price=price,
            file_id=audio.file_id,
            file_name=audio.file_name,
            holder=audio.holder,
        )

    def estimate(self, durations_s: list[float]) -> tuple[Decimal, Decimal] | None:
        """(low, high) USD of pieces of these lengths; None = unpriced."""
        price = self.price()
        if price is None:
            return None
        low = high = Decimal(0)
        for seconds, times in Counter(durations_s).items():
            tokens = ceil(seconds * self.tokens_per_s / LOW_SHARE)
            least = Usage(speech_input_tokens=tokens) if self.is_stream else converse_usage(tokens, 0, price)
            low += price.cost(least) * times
            high += price.cost(self.worst(seconds, price)) * times
        return low, high


def converse_usage(tokens_in: int, tokens_out: int, price: Price | None) -> Usage:
    """Converse counts sound and text together: all of it is booked as sound where sound has a rate of its own."""
    if price is not None and "speech_input_per_1k" in price.rates:
        return Usage(speech_input_tokens=tokens_in, output_tokens=tokens_out)
    return Usage(input_tokens=tokens_in, output_tokens=tokens_out)
