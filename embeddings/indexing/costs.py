"""What embedding texts, videos and pictures would cost."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from django.db.models import Count, Sum
from django.db.models.functions import Length

from bedrock import catalogue
from bedrock.pricing import Price, Usage
from embeddings.models import ChunkQuerySet, Space
from files.models import File, FileQuerySet

#: Characters to a token: about five in English, two at worst (see `bedrock.pricing.text_tokens`).
CHARS_PER_TOKEN_LOW, CHARS_PER_TOKEN_HIGH = 5, 2


@dataclass(frozen=True, kw_only=True)
class MediaCost:
    """An estimate of media embedding; the upper end has the sound charged too. 0 where the model is unpriced."""

    pictures: int
    video_s: Decimal
    usd_low: Decimal
    usd_high: Decimal


@dataclass(frozen=True, kw_only=True)
class TextCost:
    """An estimate; both ends are 0 where the model is unpriced, and a warning says so."""

    texts: int
    tokens: int
    usd_low: Decimal
    usd_high: Decimal
    warnings: tuple[str, ...] = ()


def price_of(space: Space) -> Price | None:
    """The price of this space's model; None = unpriced."""
    model = catalogue.by_model_id(space.model)
    return catalogue.price(model, "realtime") if model is not None else None


def cost_of_texts(space: Space, chunks: ChunkQuerySet) -> TextCost:
    """The cost of embedding these chunks; equal texts are paid once at most."""
    sums = chunks.order_by().aggregate(texts=Count("content_hash", distinct=True), chars=Sum(Length("text")))
    chars = sums["chars"] or 0
    low, high = ceil(chars / CHARS_PER_TOKEN_LOW), ceil(chars / CHARS_PER_TOKEN_HIGH)
    price = price_of(space)
    if price is None:
        warning = f"No price is known for {space.model}: enter it in the catalogue to see an estimate."
        return TextCost(texts=sums["texts"], tokens=low, usd_low=Decimal(0), usd_high=Decimal(0), warnings=(warning,))
    return TextCost(
        texts=sums["texts"],
        tokens=low,
        usd_low=price.cost(Usage(input_tokens=low)),
        usd_high=price.cost(Usage(input_tokens=high)),
    )


def cost_of_frames(space: Space, frames: int) -> Decimal:
    """What so many frames cost, one by one; 0 where the model is unpriced."""
    price = price_of(space)
    return price.cost(Usage(images=frames)) if price is not None else Decimal(0)


def cost_of_media(space: Space, files: FileQuerySet) -> MediaCost:
    """The cost of embedding these videos and pictures."""
    videos = files.order_by().filter(media_type=File.MediaType.VIDEO)
    seconds = _seconds(videos)
    sound = _seconds(videos.exclude(audio_codec=""))
    pictures = files.order_by().filter(media_type=File.MediaType.IMAGE).count()
    price = price_of(space) or Price(
        rates={"per_image": Decimal(0), "per_video_s": Decimal(0), "per_audio_s": Decimal(0)}
    )
    return MediaCost(
        pictures=pictures,
        video_s=seconds,
        usd_low=price.cost(Usage(images=pictures, video_s=seconds)),
        usd_high=price.cost(Usage(images=pictures, video_s=seconds, audio_s=sound)),
    )


def _seconds(files: FileQuerySet) -> Decimal:
    return Decimal(str(round(files.aggregate(total=Sum("duration_s"))["total"] or 0, 3)))
