"""Verbs over spaces: the one in use, one built beside it, the switch and the way back."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bedrock.models import Entry
from embeddings import registry
from embeddings.errors import PaidVectorsError, SpaceError, SpaceMismatchError
from embeddings.models import KIND_CODES, PICTURE, TEXT, WITHOUT_WORDS, Chunk, Embedding, Space, Viewing
from embeddings.stores.registry import store
from embeddings.vectors import EmbeddingProvider, MediaEmbeddingProvider, PictureProvider, SpaceKey
from embeddings.words.registry import word_index
from vision.models import Frame

#: The kinds of vectors that a space has of texts, and of pictures.
CODES_OF = {
    TEXT: [code for kind, code in KIND_CODES.items() if kind not in WITHOUT_WORDS],
    PICTURE: [KIND_CODES[kind] for kind in WITHOUT_WORDS],
}


def active() -> Space:
    """The space in use. A fresh library gets the one that the settings ask for."""
    found = Space.objects.active()
    if found is not None:
        return found
    space = get_or_make(registry.default_key())
    if not Space.objects.filter(is_active=True).exists():
        switch_to(space)
    return Space.objects.active() or space


def get_or_make(key: SpaceKey) -> Space:
    """The space with this identity, with its table where sqlite-vec can be loaded."""
    space, _ = Space.objects.get_or_create(
        provider=key.provider,
        model=key.model,
        dimension=key.dimension,
        request_format=key.request_format,
        is_normalised=key.is_normalised,
        defaults=contents_of(registry.provider_for(key)),
    )
    if not store().problem():
        store().create_table(space.pk, space.dimension)
    return space


def known(key: SpaceKey) -> Space | None:
    """The space with this identity, if it was made."""
    return Space.objects.filter(**asdict(key)).first()


def contents_of(provider: EmbeddingProvider) -> dict[str, bool]:
    """What a space of this provider holds: texts, pictures, or both."""
    holds_pictures = isinstance(provider, PictureProvider) or (
        isinstance(provider, MediaEmbeddingProvider) and not provider.why_text_only()
    )
    return {"holds_texts": not isinstance(provider, PictureProvider), "holds_pictures": holds_pictures}


def for_pictures() -> Space | None:
    """The space that search asks for what is seen: the one in use, else the one that the settings ask for.

    None where nobody sees: PICTURE_PROVIDER is `off`, or its model is not here.
    """
    found = Space.objects.for_pictures()
    if found is not None:
        return found
    key = registry.picture_key()
    if key is None:
        return None
    space = get_or_make(key)
    if not Space.objects.filter(is_used_for_pictures=True).exists():
        use_for_pictures(space)
    return Space.objects.for_pictures() or space


def use_for_pictures(space: Space) -> None:
    """Search what is seen with this space from the next question on. Raises SpaceError for one of texts only."""
    require_content(space, PICTURE)
    with transaction.atomic():
        Space.objects.filter(is_used_for_pictures=True).exclude(pk=space.pk).update(is_used_for_pictures=False)
        Space.objects.filter(pk=space.pk).update(is_used_for_pictures=True, activated_at=timezone.now())
    space.refresh_from_db()


def switch_to(space: Space) -> None:
    """Search texts with this space from the next question on. The other stays as it is, to switch back to."""
    require_content(space, TEXT)
    with transaction.atomic():
        Space.objects.filter(is_active=True).exclude(pk=space.pk).update(is_active=False)
        Space.objects.filter(pk=space.pk).update(is_active=True, activated_at=timezone.now())
    space.refresh_from_db()


def what_it_lacks(space: Space, content: str = TEXT) -> str:
    """What would not be found after a switch to this space, in words; empty where nothing."""
    count = waiting_count(space) if content == TEXT else waiting_frame_count(space)
    if count <= 0:
        return ""
    if content == PICTURE:
        said = "1 frame has" if count == 1 else f"{count:,} frames have"
        return f"{said} no vector in “{space}” yet: what is seen there is not found."
    said = "1 text has" if count == 1 else f"{count:,} texts have"
    return f"{said} no vector in “{space}” yet, and can be found by words only."


def choose(space: Space, content: str = TEXT) -> str:
    """Switch to a space that was filled, for texts or for pictures; returns what it still lacks, in words.

    Raises SpaceError for an empty one, and for one that does not hold such content.
    """
    require_content(space, content)
    lacking = what_it_lacks(space, content)
    made = space.embeddings.filter(kind_code__in=CODES_OF[content])
    if lacking and not made.exists():
        finds = "meaning would find nothing" if content == TEXT else "nothing would be found by what is seen"
        raise SpaceError(
            f"“{space}” is empty: {finds}.",
            remedy=f"Fill it first: `.venv/bin/python manage.py embed --space {space.pk} --for {content}`.",
        )
    (switch_to if content == TEXT else use_for_pictures)(space)
    return lacking


def require_content(space: Space, content: str) -> None:
    """Raises SpaceError where this space has no vectors of texts, or of pictures."""
    if content in space.contents:
        return
    if content == TEXT:
        raise SpaceError(f"“{space}” holds pictures only.", remedy="Choose a space that holds texts.")
    raise SpaceError(f"“{space}” holds texts only.", remedy="Choose a space that holds pictures.")


def paid_in(space: Space) -> tuple[int, Decimal]:
    """(how many vectors were paid for in this space, what they cost): gone with it."""
    texts = space.paid_vectors.all()
    looks = Viewing.objects.filter(space=space, state=Viewing.State.DONE)
    entries = Entry.objects.filter(
        Q(question__startswith=f"embed:{space.pk}:") | Q(pk__in=looks.values("entry_id")), purpose="embedding"
    )
    total: Any = entries.counted_usd()
    return texts.count() + looks.count(), Decimal(total)


def delete(space: Space, *, with_paid: bool = False) -> None:
    """Forget a space and its vectors. One in use cannot go; one with vectors that were paid for only `with_paid`."""
    if space.in_use_for:
        raise SpaceError("This space is in use.", remedy="Switch to another one first.")
    count, usd = paid_in(space)
    if count and not with_paid:
        raise PaidVectorsError(
            f"{count:,} vectors of “{space}” were paid for (${usd:.4f}); to have them again is to pay again.",
            remedy=f"If they may go: `.venv/bin/python manage.py embed --delete-space {space.pk} --yes`, or over HTTP "
            "with `forget_paid=true`.",
        )
    viewings = Viewing.objects.filter(space=space)
    if viewings.filter(state=Viewing.State.SENT).exists():
        raise SpaceError("Bedrock is looking at videos for this space now.", remedy="Wait until that is done.")
    with transaction.atomic():
        if not store().problem():
            store().drop_table(space.pk)
        Embedding.objects.filter(space=space)._raw_delete(using="default")  # no signal: the whole table is gone
        seen = Chunk.objects.filter(source_kind=Chunk.Kind.VIDEO, source_id__in=viewings.values("pk"))
        word_index().remove((pk, "") for pk in seen.values_list("pk", flat=True))
        seen._raw_delete(using="default")
        space.delete()


def provider_of(space: Space) -> EmbeddingProvider:
    """The provider that makes this space's vectors. Raises SpaceMismatchError when its model is another one now."""
    provider = registry.provider_for(space.key)
    current = provider.fingerprint()
    if space.fingerprint and space.fingerprint != current:
        raise SpaceMismatchError(f"The model behind “{space}” is not the one that its vectors were made with.")
    if not space.fingerprint:
        Space.objects.filter(pk=space.pk, fingerprint="").update(fingerprint=current)
        space.fingerprint = current
    return provider


def waiting_count(space: Space) -> int:
    """How many texts have no vector in this space yet."""
    made = Embedding.objects.filter(space=space, file__removed_at=None)
    made = made.exclude(kind_code__in=[KIND_CODES[kind] for kind in WITHOUT_WORDS])
    return Chunk.objects.in_library().of_text().count() - made.count()


def waiting_frame_count(space: Space) -> int:
    """How many frames have no vector in this space yet."""
    made = Embedding.objects.filter(space=space, kind_code=KIND_CODES[Chunk.Kind.SEEN], file__removed_at=None)
    return max(0, Frame.objects.filter(file__removed_at=None).count() - made.count())
