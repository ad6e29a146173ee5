"""What asking Nova would take: tokens and US dollars, a low and a high figure. Sends nothing."""

from collections.abc import Iterable

from bedrock import catalogue, pricing
from bedrock.models import CatalogueModel
from bedrock.pricing import Range, TokenEstimate
from nova.questions.prompts import TRANSCRIPT_CHARS, Prompt
from nova.replies.merging import Span
from nova.types.built_in import BUILT_IN
from nova.types.spec import IMAGE, OWN_TOKENS, VIDEO

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
    medium: str = VIDEO,
) -> TokenEstimate:
    """One question. Its high figure is the worst case that the ledger reserves; it is sharper with the prompt known.

    `material` are the tokens of what is known of the file, where the prompt is without it; by itself a long transcript.
    """
    sampling = model.video_sampling()
    if medium == IMAGE:
        media = Range(low=pricing.IMAGE_TOKENS, high=pricing.IMAGE_TOKENS)
    else:
        media = sampling.tokens(span.end_s - span.start_s) if sampling else Range(low=0, high=0)
    if prompt is None:
        text = Range(low=PROMPT_LOW, high=PROMPT_HIGH) + (material or pricing.text_tokens("a" * TRANSCRIPT_CHARS))
    else:
        text = pricing.text_tokens(prompt.system + prompt.text_without_tool) + (material or Range(low=0, high=0))
    limit = max_tokens(model, types, depth, medium)
    return pricing.estimate(
        price=catalogue.price(model, mode),
        input_tokens=media + text,
        output_tokens=Range(low=max(1, limit // USUAL_PART), high=limit),
    )


def max_tokens(model: CatalogueModel, types: Iterable[str], depth: str, medium: str = VIDEO) -> int:
    """The longest answer to one question that is asked for."""
    longest = 0
    for name in types:
        spec = BUILT_IN[name].for_medium(medium) if name in BUILT_IN else None
        longest += spec.max_tokens(depth) if spec else OWN_TOKENS
    return min(longest, model.max_output_tokens or longest)
