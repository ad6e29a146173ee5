"""Files that a tag could be meant for, found by its words and by the files that have it. A suggestion is no tag until a
person accepts it; what is accepted and refused shows how often they were right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from bedrock.models import Entry
from curation.errors import NotSuggestedError
from curation.models import FileTag, Moment, Tag, TagRefusal
from curation.tagging import add_tag, take_tag
from embeddings.models import Chunk
from embeddings.searching import likeness
from embeddings.searching.likeness import Examples, Likeness, Range
from embeddings.words.normalise import words_of
from files.models import File
from nova.models import LOCAL, AnalysisResult
from nova.options import AnalysisRequest
from nova.questions.estimating import PURPOSE
from nova.quoting import quote
from nova.types.built_in import BUILT_IN

#: Shown at once.
DEFAULT_LIMIT, MAX_LIMIT = 40, 200
#: Labels that suggestions are measured by: each is left out once, and asked about.
MOST_JUDGED = 100
#: Below this a suggestion is in doubt, and these models are asked what it would cost to have none.
SURE, ASKED_MODEL = 0.7, "lite"
#: Of fewer labels no share is told.
LEAST_JUDGED = 4
NOTHING_LIKE_WORDS = "Nothing looks like these words. Put the tag on a few files: what is like them is suggested then."
NOTHING_LIKE_THEM = "Nothing else is like the files that have this tag, as far as they were looked at and embedded."


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A file that a tag could be meant for: `n` is the file's id, `at_s` its second (None: a picture, or the whole)."""

    n: int
    file: File
    at_s: float | None
    confidence: float
    reason: str
    still: str | None

    @property
    def url(self) -> str:
        address = reverse("file-page", args=[self.file.pk])
        return address if self.at_s is None else f"{address}?t={self.at_s:g}"


@dataclass(frozen=True, kw_only=True)
class LabelScore:
    """How often somebody was right about files that a person labelled: with the tag, or refused."""

    positive: int
    negative: int
    found: int
    wrong: int

    @property
    def count(self) -> int:
        return self.positive + self.negative

    @property
    def right(self) -> int:
        return self.found + self.negative - self.wrong


@dataclass(frozen=True, kw_only=True)
class NovaScore:
    """The same for what Nova said of these files, and what its analyses of them cost."""

    score: LabelScore
    usd: Decimal


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Suggestions that are not sure: what Nova would likely cost for these alone, and what that saves beside all of
    them. None where the model is unpriced.
    """

    file_ids: list[int]
    usd_likely: Decimal | None
    usd_saved: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """What could be of a tag, best first, how often such suggestions were right, and what Nova said."""

    suggestions: list[Suggestion]
    own: LabelScore | None
    nova: NovaScore | None
    doubt: Doubt | None
    notice: str


def suggest(tag: Tag, *, words: str = "", limit: int = DEFAULT_LIMIT) -> Suggestions:
    """Files that are like the tag, best first: none that has it, and none for which it was refused.

    `words` describes it better than its name. In a paid picture space only words that were given are asked for.
    Raises ProviderError, BedrockError.
    """
    examples = examples_of(tag)
    found = likeness.by_example(examples) if examples.positive else {}
    for pk, other in likeness.by_words(words or tag.name, may_pay=bool(words)).items():
        if pk not in found or other.lead > found[pk].lead:
            found[pk] = other
    labelled = {*FileTag.objects.filter(tag=tag).values_list("file_id", flat=True), *examples.negative}
    best = sorted((one for pk, one in found.items() if pk not in labelled), key=lambda one: -one.lead)
    shown = _shown(best[:limit], words or tag.name)
    return Suggestions(
        suggestions=shown,
        own=score_of(tag, examples),
        nova=nova_score_of(tag, examples),
        doubt=doubt_of(shown),
        notice="" if best else NOTHING_LIKE_THEM if examples.positive else NOTHING_LIKE_WORDS,
    )


def accept(tag: Tag, file: File) -> None:
    """Put the tag on the file, also where it was refused before."""
    with transaction.atomic():
        TagRefusal.objects.filter(tag=tag, file=file).delete()
        add_tag(file, tag.name)


def refuse(tag: Tag, file: File) -> None:
    """Say that the file is not of this tag: it is not suggested again. Raises NotSuggestedError where it has it."""
    if FileTag.objects.filter(tag=tag, file=file).exists():
        raise NotSuggestedError(f"{file.name} has the tag “{tag.name}”.", remedy="Take the tag off instead.")
    TagRefusal.objects.get_or_create(tag=tag, file=file)


def take_back(tag: Tag, file: File) -> None:
    """Undo what was accepted or refused: the file is neither, and may be suggested again."""
    with transaction.atomic():
        TagRefusal.objects.filter(tag=tag, file=file).delete()
        take_tag(file, tag.name)


def examples_of(tag: Tag) -> Examples:
    """What a person said of this tag: files and moments that have it, and files for which it was refused."""
    positive: dict[int, list[Range]] = {}
    for file_id, start_s, end_s in (
        Moment.objects.in_library().filter(tags=tag).order_by("-id").values_list("file_id", "start_s", "end_s")
    ):
        positive.setdefault(file_id, []).append((start_s, end_s))
    tagged = FileTag.objects.filter(tag=tag, file__removed_at=None).order_by("-id")
    for file_id in tagged.values_list("file_id", flat=True):
        positive.setdefault(file_id, [None])
    refused = TagRefusal.objects.filter(tag=tag, file__removed_at=None)
    return Examples(positive=positive, negative=list(refused.values_list("file_id", flat=True)))


def score_of(tag: Tag, examples: Examples) -> LabelScore | None:
    """How often the suggestions would have been right on labels that were held out, each in turn; None of too few."""
    chosen = _judged_by(examples)
    if len(chosen) < LEAST_JUDGED:
        return None
    verdicts = likeness.judged(examples, chosen)
    for pk in likeness.by_words(tag.name, may_pay=False):
        if pk in verdicts:
            verdicts[pk] = True
    return _score(examples, verdicts)


def nova_score_of(tag: Tag, examples: Examples) -> NovaScore | None:
    """How often Nova's results on these files named the tag where a person put it, and what its analyses cost.

    None where it analysed none of them.
    """
    results = AnalysisResult.objects.current().filter(file__in=_judged_by(examples)).exclude(nova_job__model=LOCAL)
    analysed = list(results.order_by().values_list("file_id", flat=True).distinct())
    if not analysed:
        return None
    wanted = set(words_of(tag.name))
    verdicts: dict[int, bool] = {pk: False for pk in analysed if pk is not None}
    texts = Chunk.objects.filter(
        Exists(results.filter(pk=OuterRef("source_id"))),
        file__in=analysed,
        source_kind__in=[Chunk.Kind.CHAPTER, Chunk.Kind.SUMMARY, Chunk.Kind.ELEMENT],
    )
    for file_id, text in texts.values_list("file_id", "text"):
        verdicts[file_id] |= wanted <= set(words_of(text))
    paid: Any = Entry.objects.filter(file_id__in=analysed, purpose=PURPOSE).counted_usd()
    return NovaScore(score=_score(examples, verdicts), usd=Decimal(paid))


def doubt_of(suggestions: Sequence[Suggestion]) -> Doubt | None:
    """Where the free signals leave doubt, so that Nova is asked about no more than that; None where all is sure."""
    in_doubt = [one.n for one in suggestions if one.confidence < SURE]
    if not in_doubt:
        return None
    request = AnalysisRequest(model=ASKED_MODEL, types=tuple(BUILT_IN))
    usd, of_all = (
        quote(File.objects.filter(pk__in=ids), request).usd_likely for ids in (in_doubt, [one.n for one in suggestions])
    )
    return Doubt(file_ids=in_doubt, usd_likely=usd, usd_saved=None if usd is None or of_all is None else of_all - usd)


def _judged_by(examples: Examples) -> list[int]:
    half = MOST_JUDGED // 2
    return [*list(examples.positive)[:half], *examples.negative[:half]]


def _score(examples: Examples, verdicts: Mapping[int, bool]) -> LabelScore:
    positive = [pk for pk in verdicts if pk in examples.positive]
    return LabelScore(
        positive=len(positive),
        negative=len(verdicts) - len(positive),
        found=sum(verdicts[pk] for pk in positive),
        wrong=sum(is_suggested for pk, is_suggested in verdicts.items() if pk not in examples.positive),
    )


def _shown(found: Sequence[Likeness], words: str) -> list[Suggestion]:
    ids = {one.file_id for one in found} | {one.example for one in found if one.example is not None}
    files = File.objects.select_related("root").in_bulk(list(ids))
    chunks = Chunk.objects.only("start_s", "ordinal", "source_kind").in_bulk([one.chunk_id for one in found])
    shown = []
    for one in found:
        file, chunk = files.get(one.file_id), chunks.get(one.chunk_id)
        if file is None or chunk is None:  # it went while this was worked out
            continue
        is_frame = chunk.source_kind == Chunk.Kind.SEEN
        example = files.get(one.example or 0)
        name = example.name if example is not None else "a file that has it"
        reasons = {"words": f"looks like “{words}”", "picture": f"looks like {name}", "text": f"says what {name} says"}
        shown.append(
            Suggestion(
                n=file.pk,
                file=file,
                at_s=chunk.start_s,
                confidence=one.confidence,
                reason=reasons[one.by],
                still=reverse("vision:frame", args=[file.pk, chunk.ordinal]) if is_frame else None,
            )
        )
    return shown
