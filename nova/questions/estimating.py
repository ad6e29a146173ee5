"""What asking Nova would take: tokens and US dollars, a low and a high figure. Sends nothing."""

from collections.abc import Iterable

from bedrock import catalogue, pricing
from bedrock.models import CatalogueModel
from bedrock.pricing import Range, TokenEstimate
from nova.questions.prompts import TRANSCRIPT_CHARS, Prompt
from nova.replies.merging import Span
from nova.types.built_in import BUILT_IN
from nova.types.spec import OWN_TOKENS

#: What the ledger calls what is spent here.
PURPOSE = "analysis"
#: A usual answer is no shorter than this part of the longest one.
USUAL_PART = 40
#: Prompt and schema beside the video; a transcript comes on top.
PROMPT_LOW, PROMPT_HIGH = 500, 2500


def of_piece(  # noqa: PLR0913  (a call has these parts)
    model: CatalogueModel,
    mode: str,
    span: Span,
    types: Iterable[str],
    *,
    depth: str,
    prompt: Prompt | None = None,
    material: Range | None = None,
) -> TokenEstimate:
    """One question. Its high figure is the worst case that the ledger reserves; it is sharper with the prompt known.

    `material` are the tokens of what is known of the file, where the prompt is without it; by itself a long transcript.
    """
    sampling = model.video_sampling()
    video = sampling.tokens(span.end_s - span.start_s) if sampling else Range(low=0, high=0)
    if prompt is None:
        text = Range(low=PROMPT_LOW, high=PROMPT_HIGH) + (material or pricing.text_tokens("a" * TRANSCRIPT_CHARS))
    else:
        text = pricing.text_tokens(prompt.system + prompt.text_without_tool) + (material or Range(low=0, high=0))
    limit = max_tokens(model, types, depth)
    return pricing.estimate(
        price=catalogue.price(model, mode),
        input_tokens=video + text,
        output_tokens=Range(low=max(1, limit // USUAL_PART), high=limit),
    )


def max_tokens(model: CatalogueModel, types: Iterable[str], depth: str) -> int:
    """The longest answer to one question that is asked for."""
    wanted = sum(BUILT_IN[name].max_tokens(depth) if name in BUILT_IN else OWN_TOKENS for name in types)
    return min(wanted, model.max_output_tokens or wanted)
