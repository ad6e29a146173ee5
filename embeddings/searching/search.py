"""The verb that finds the second: keyword, semantic and hybrid search over chunks."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from django.db.models import Q
from django.urls import reverse
from PIL import Image

from bedrock.errors import BedrockError, BusyError, SlowAnswerError
from embeddings.errors import (
    ExtensionUnavailableError,
    MayNotSpendError,
    ProviderError,
    SearchError,
    SpaceMismatchError,
)
from embeddings.indexing import paid_vectors, spaces
from embeddings.models import KIND_CODES, WITHOUT_WORDS, Chunk, Embedding, Space
from embeddings.registry import provider_for
from embeddings.searching import calibration, evidence, keyword, seen, semantic, snippets
from embeddings.searching.evidence import Reach, WordEvidence
from embeddings.searching.fusion import Ranking, as_fraction, reciprocal_rank
from embeddings.searching.moments import HitMoment, Passage, moments_of, one_a_second, passages
from embeddings.searching.semantic import NearestVector, SearchScope
from embeddings.searching.snippets import Match
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.vectors import Floats
from embeddings.words.normalise import fold
from embeddings.words.query import Query, WordFilter, WordQuery, parse
from embeddings.words.registry import word_index
from files.models import File
from files.selection import resolving

MODES = ("hybrid", "semantic", "keyword")
MAX_LIMIT = 200
DEFAULT_LIMIT = 20
#: Candidates that each way of searching may bring. Moments, counts and the answer are made of them.
POOL = 200
#: Chunks that have what is in quotes, of which meaning then chooses.
MAX_QUOTED = 20_000
#: What a moment says that was found by its picture alone.
SEEN = "What is seen here, though it may not be said."
#: Where frames hardly stand out, and nothing else was found.
GUESSED = "Nothing of this was said or written; some of what looks like it is a guess."
#: Where the space in use is empty. What is embedded is found at once, so this passes.
NOT_YET = (
    "Found by words only: nothing is embedded yet. Where that is free it is being done; "
    "“Make searchable” in the library does it by hand."
)
#: Signs alone mean nothing to a model of sentences: what it finds near them is chance.
NO_WORD = "There is no word or number in this question."
#: A job is tried again by itself, a question is not.
ASK_AGAIN = "Ask again in a minute."
#: Ids of files read at once: in Django's own hundreds, half a library takes longer than the search.
IDS_AT_ONCE = 20_000
#: A chunk may be replaced between finding and reading it; then the question is asked again.
MAX_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A moment that answers, and why."""

    chunk_id: int
    file_id: int
    file_name: str
    folder: str
    kind: str
    start_s: float | None
    end_s: float | None
    snippet: str
    score: float
    why: str
    url: str
    also: list[str] = field(default_factory=list)
    #: Address of a JPEG of the frame that was found; None where words were.
    still: str | None = None

    @property
    def kind_label(self) -> str:
        return str(Chunk.Kind(self.kind).label)

    @property
    def also_labels(self) -> list[str]:
        """Where else this second was found."""
        return [str(Chunk.Kind(kind).label) for kind in self.also]


@dataclass(kw_only=True)
class SearchAnswer:
    """What was found. `notice` says in plain words why it may be less than was asked for.

    `counts` says how many moments each kind of source has; a moment that several have counts in each. `is_cut`:
    there may be more than was looked at, so that `total` and `counts` are what there is at least. `has_weaker`: there
    is more that was looked at, but it means something else.
    """

    results: list[Hit] = field(default_factory=list)
    notice: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0
    of_all_kinds: int = 0
    file_count: int = 0
    has_weaker: bool = False
    is_cut: bool = False
    mode: str = "hybrid"
    took_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """Where to look: the filters, in the form that each way of searching needs."""

    where: WordFilter
    vectors: SearchScope
    #: The kinds among which what is seen may answer; none where other kinds are asked for.
    seen_kinds: tuple[str, ...] = WITHOUT_WORDS
    #: Whether who asks may be charged for the question.
    may_pay: bool = True


@dataclass(kw_only=True)
class _Candidates:
    scores: dict[int, float]
    words: frozenset[int] = frozenset()
    similarity: dict[int, float] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    has_weaker: bool = False
    is_cut: bool = False
    notice: str = ""
    #: AWS did not answer in time, so it is not asked anything else.
    is_aws_slow: bool = False


def search(  # noqa: PLR0913  (the contract's parameters)
    q: str,
    *,
    mode: str = "hybrid",
    kind: str = "",
    file_id: int | None = None,
    limit: int = DEFAULT_LIMIT,
    name: str = "",
    filters: Mapping[str, Any] | None = None,
    is_typing: bool = False,
    space: Space | None = None,
    may_pay: bool = True,
) -> SearchAnswer:
    """Find moments by words, by meaning, or by both. Filters hold before ranking; one hit a moment.

    Raises SearchError for a question that cannot be asked. Where meaning cannot be searched, or costs money that who
    asks may not spend, hybrid answers by words and says so; `semantic` alone raises.
    """
    began = perf_counter()
    asked = _checked(q, mode=mode, kind=kind, limit=limit, is_typing=is_typing)
    scope = replace(_scope(file_id=file_id, name=name, filters=filters or {}, kind=kind), may_pay=may_pay)
    answer = SearchAnswer(mode=mode)
    for _ in range(MAX_TRIES):
        candidates = _candidates(asked, mode, scope, space)
        if mode != "keyword" and scope.seen_kinds and asked.wanted and not asked.quoted and space is None:
            candidates = _with_frames(candidates, asked, mode, scope)
        rows = passages(candidates.scores)
        if len(rows) == len(candidates.scores):
            break
    moments = _named_first(one_a_second(moments_of(candidates.scores, rows, asked), asked.telling), asked)
    _fill(answer, moments, asked, candidates, limit=limit)
    answer.took_s = perf_counter() - began
    return answer


def more_like(  # noqa: PLR0913  (those of a search)
    *,
    chunk_id: int | None = None,
    file_id: int | None = None,
    frame: tuple[int, float] | None = None,
    kind: str = "",
    limit: int = DEFAULT_LIMIT,
    name: str = "",
    filters: Mapping[str, Any] | None = None,
    space: Space | None = None,
    may_pay: bool = True,
) -> SearchAnswer:
    """Moments of other files that mean the same as this chunk, or as this file on the whole, or that look like a frame
    (file id, second). It costs nothing but for a frame that was not looked at, in a paid space of pictures.

    Filters hold as in a search. Raises SearchError for what cannot be compared.
    """
    began = perf_counter()
    _check_scope(kind=kind, limit=limit)
    scope = _scope(file_id=None, name=name, filters=filters or {}, kind=kind)
    if looked := _look_to_compare(chunk_id=chunk_id, file_id=file_id, frame=frame, kind=kind, may_pay=may_pay):
        return _answer_of_frames(*looked, scope, limit=limit, began=began)
    space = space or spaces.active()
    own_file, vector = _vector_of(space, chunk_id=chunk_id, file_id=file_id)
    near = semantic.nearest(space, vector, replace(_of_texts(space, scope.vectors), but_file=own_file), limit=POOL)
    candidates = _floored(space, near)
    rows = passages(candidates.scores)
    answer = SearchAnswer(mode="semantic")
    asked = parse("")
    moments = one_a_second(moments_of(candidates.scores, rows, asked), asked.telling)
    _fill(answer, moments, asked, candidates, limit=limit)
    answer.took_s = perf_counter() - began
    return answer


def search_picture(
    picture: Image.Image,
    *,
    limit: int = DEFAULT_LIMIT,
    name: str = "",
    filters: Mapping[str, Any] | None = None,
    may_pay: bool = True,
) -> SearchAnswer:
    """Moments that look like a picture, in RGB, of somebody's own. Raises SearchError, ProviderError, BedrockError."""
    began = perf_counter()
    _check_scope(kind="", limit=limit)
    scope = _scope(file_id=None, name=name, filters=filters or {}, kind="")
    vector = seen.vector_of_picture(picture, file_id=None, may_pay=may_pay)
    return _answer_of_frames(None, vector, scope, limit=limit, began=began)


def frame_of(text: str) -> tuple[int, float] | None:
    """`12@3.5` as (file id, second); None for what is not written so."""
    found = re.fullmatch(r"([1-9]\d{0,17})@(\d{1,7}(?:\.\d{1,6})?)", text.strip())
    return (int(found[1]), float(found[2])) if found else None


def _look_to_compare(
    *, chunk_id: int | None, file_id: int | None, frame: tuple[int, float] | None, kind: str, may_pay: bool
) -> tuple[int, Floats] | None:
    """The file and the vector of what is to be looked like; None where texts are compared."""
    like = like_of(chunk_id=chunk_id, file_id=file_id if frame is None else frame[0])
    if frame is not None and isinstance(like, File):
        return like.pk, seen.vector_of_frame(like, frame[1], may_pay=may_pay)
    if isinstance(like, Chunk) and like.source_kind == Chunk.Kind.SEEN:
        return like.file_id, seen.vector_of_frame(like.file, like.start_s or 0.0, may_pay=may_pay)
    if isinstance(like, File) and kind == Chunk.Kind.SEEN:
        return like.pk, seen.vector_of_file(like)
    return None


def _answer_of_frames(own_file: int | None, vector: Floats, scope: _Scope, *, limit: int, began: float) -> SearchAnswer:
    found = seen.find_like(vector, replace(scope.vectors, but_file=own_file), limit=POOL)
    candidates = _Candidates(scores=dict(found.scores), why=found.why, has_weaker=found.has_weaker, is_cut=found.is_cut)
    rows = passages(candidates.scores)
    answer, asked = SearchAnswer(mode="semantic"), parse("")
    _fill(answer, one_a_second(moments_of(candidates.scores, rows, asked), []), asked, candidates, limit=limit)
    answer.took_s = perf_counter() - began
    return answer


def _checked(q: str, *, mode: str, kind: str, limit: int, is_typing: bool) -> Query:
    if mode not in MODES:
        raise SearchError(f"There is no mode “{mode}”.", remedy=f"Use one of: {', '.join(MODES)}.", field="mode")
    _check_scope(kind=kind, limit=limit)
    asked = parse(q, is_typing=is_typing)
    if not asked.text:
        raise SearchError("The question is empty.", remedy="Say in `q` what you want to see or hear.", field="q")
    if not asked.subject:
        raise SearchError(
            "The question only says what must not be there.", remedy="Add what you want to find.", field="q"
        )
    return asked


def _check_scope(*, kind: str, limit: int) -> None:
    if kind and kind not in KIND_CODES:
        raise SearchError(f"There is no kind “{kind}”.", remedy=f"Use one of: {', '.join(KIND_CODES)}.", field="kind")
    if not 1 <= limit <= MAX_LIMIT:
        raise SearchError(f"The limit must be from 1 to {MAX_LIMIT}.", remedy="Leave it out for 20.", field="limit")


def _scope(*, file_id: int | None, name: str, filters: Mapping[str, Any], kind: str) -> _Scope:
    # What is seen is asked for as one thing, whoever looked.
    code = KIND_CODES.get(Chunk.Kind.VIDEO if kind == Chunk.Kind.SEEN else kind)
    codes = None if code is None else (code,)
    seen_kinds = WITHOUT_WORDS if kind in ("", Chunk.Kind.SEEN) else (kind,) if kind in WITHOUT_WORDS else ()
    if file_id is None and not name and not filters:
        return _Scope(where=WordFilter(kind), vectors=SearchScope(None, codes), seen_kinds=seen_kinds)
    if wrong := {"q", "ordering"} & set(filters):
        raise SearchError(f"Not a filter of a search: {', '.join(sorted(wrong))}.", remedy="Leave it out.")
    files = resolving.apply_filter(File.objects.all(), filters)
    if file_id is not None:
        files = files.filter(pk=file_id)
    if name:
        files = files.filter(name__icontains=name)
    ids = list(files.order_by().values_list("id", flat=True).iterator(chunk_size=IDS_AT_ONCE))
    vectors = SearchScope(np.array(ids, dtype=np.int64), codes)
    return _Scope(where=WordFilter(kind, ids), vectors=vectors, seen_kinds=seen_kinds)


def _candidates(asked: Query, mode: str, scope: _Scope, space: Space | None) -> _Candidates:
    found = keyword.find(asked, scope.where, limit=POOL)
    nats = {**found.whole, **found.partial}
    words = WordEvidence(nats=nats, whole=frozenset(found.whole), exact=found.exact, count=keyword.document_count())
    by_words = _Candidates(
        scores={int(str(key)): score for key, score in reciprocal_rank([Ranking(list(words.nats))]).items()},
        words=words.whole,
        is_cut=len(words.nats) >= POOL,
    )
    if mode == "keyword":
        return by_words
    try:
        near, reach, notice = _by_meaning(asked, scope, space)
    except (ProviderError, BedrockError, ExtensionUnavailableError, SpaceMismatchError, MayNotSpendError) as error:
        if mode == "semantic":
            raise
        notice = f"Found by words only. {error} {error.remedy}".strip()
        return replace(by_words, notice=notice, is_aws_slow=isinstance(error, SlowAnswerError))
    if reach is None:
        return replace(by_words, notice=notice) if mode == "hybrid" else _Candidates(scores={}, notice=notice)
    cosines = {hit.chunk_id: hit.similarity for hit in near}
    if mode == "hybrid":
        scores = evidence.fused(words, cosines, reach)
    else:
        is_answered = evidence.is_answered(words, cosines, reach) and evidence.stands_out(cosines, reach)
        scores = {pk: cosine for pk, cosine in cosines.items() if is_answered and cosine >= reach.tail_floor}
    return _Candidates(
        scores=scores,
        words=words.whole,
        similarity={pk: cosine for pk, cosine in cosines.items() if pk in scores and cosine >= reach.tail_floor},
        has_weaker=any(pk not in scores for pk in cosines),
        is_cut=len(scores) >= POOL,
    )


def _with_frames(others: _Candidates, asked: Query, mode: str, scope: _Scope) -> _Candidates:
    """What was found in words, and the frames that look like the question. They are other chunks: only ranks meet."""
    used = seen.space_in_use()
    if others.is_aws_slow and used is not None and provider_for(used.key).is_paid:
        return others  # whoever asks has waited for AWS once
    try:
        found = seen.find(asked.subject, scope.vectors, limit=POOL, kinds=scope.seen_kinds, may_pay=scope.may_pay)
    except (ProviderError, BedrockError, ExtensionUnavailableError, SpaceMismatchError, MayNotSpendError) as error:
        return replace(others, notice=f"{others.notice} What is seen was not searched. {error} {error.remedy}".strip())
    by_rank = reciprocal_rank([Ranking(list(others.scores)), Ranking(list(found.scores))])
    scores = {int(str(key)): score for key, score in by_rank.items()} if found.scores else others.scores
    if mode == "semantic":
        own = {**others.scores, **found.scores}
        scores = {key: own[key] for key in scores}
    notice = "" if found.scores and others.notice == NOT_YET else others.notice
    if found.has_guesses and not others.scores:
        notice = f"{notice} {GUESSED}".strip()
    return replace(
        others,
        scores=scores,
        why=found.why,
        notice=notice,
        has_weaker=others.has_weaker or found.has_weaker,
        is_cut=others.is_cut or found.is_cut,
    )


def _by_meaning(asked: Query, scope: _Scope, space: Space | None) -> tuple[Sequence[NearestVector], Reach | None, str]:
    """The nearest chunks, and what the question can be expected to reach; None, and why, where it is not asked."""
    if not asked.wanted:
        return [], None, NO_WORD
    space = space or spaces.active()
    provider = spaces.provider_of(space)
    store().require()
    if not len(bit_matrix.snapshot_of(space)):  # a paid question is not asked of nothing
        return [], None, NOT_YET if Chunk.objects.exists() else ""
    vectors = _of_texts(space, scope.vectors)
    if asked.quoted:  # what is in quotes must be there, and a model of meaning does not know
        having = word_index().latest(WordQuery(asked.quoted), scope.where, limit=MAX_QUOTED)
        vectors = replace(vectors, chunks=np.array(list(having), dtype=np.int64))
    try:
        vector = paid_vectors.query_vector(space, provider, asked.subject, may_pay=scope.may_pay)
    except BusyError as error:
        error.remedy = ASK_AGAIN
        raise
    near = semantic.nearest(space, vector, vectors, limit=POOL)
    near = [hit for hit in near if not hit.is_name or hit.similarity >= provider.name_floor]
    return near, calibration.reach_of(space, vector), ""


def _of_texts(space: Space, vectors: SearchScope) -> SearchScope:
    """The same without frames, which a space of Nova's has beside texts: they are judged by themselves."""
    is_frame = bit_matrix.at_hand(space).kinds == KIND_CODES[Chunk.Kind.SEEN]
    if vectors.kind_codes is not None or not is_frame.any():
        return vectors
    others = tuple(code for kind, code in KIND_CODES.items() if kind != Chunk.Kind.SEEN)
    return replace(vectors, kind_codes=others)


def _floored(space: Space, near: Sequence[NearestVector]) -> _Candidates:
    """What is close enough. Below the model's floor the honest answer is that nothing is."""
    provider = provider_for(space.key)
    close = [hit for hit in near if hit.similarity >= (provider.name_floor if hit.is_name else provider.floor)]
    similarity = {hit.chunk_id: hit.similarity for hit in close}
    has_weaker, is_cut = len(close) < len(near), len(close) >= POOL
    return _Candidates(scores=dict(similarity), similarity=similarity, has_weaker=has_weaker, is_cut=is_cut)


def _named_first(moments: list[HitMoment], asked: Query) -> list[HitMoment]:
    """A file whose name is the question comes first, whatever the ranks say."""
    wanted = fold(asked.text)

    def is_named(moment: HitMoment) -> bool:
        if moment.chunk.source_kind != Chunk.Kind.NAME:
            return False
        name = fold(moment.chunk.file_name)
        return wanted in (name, name.rsplit(".", 1)[0])

    return sorted(moments, key=lambda moment: not is_named(moment))


def _fill(
    answer: SearchAnswer, moments: Sequence[HitMoment], asked: Query, candidates: _Candidates, *, limit: int
) -> None:
    answer.counts = dict(Counter(kind for one in moments for kind in (one.chunk.source_kind, *one.also)))
    answer.total = answer.of_all_kinds = len(moments)
    answer.file_count = len({moment.chunk.file_id for moment in moments})
    answer.notice, answer.has_weaker, answer.is_cut = candidates.notice, candidates.has_weaker, candidates.is_cut
    shown = moments[:limit]
    scores: Mapping[int, float] = {moment.chunk.pk: moment.score for moment in shown}
    if answer.mode != "semantic":
        scores = as_fraction(scores)
    answer.results = [_hit(moment, asked, candidates, scores[moment.chunk.pk]) for moment in shown]


def _hit(moment: HitMoment, asked: Query, candidates: _Candidates, score: float) -> Hit:
    chunk = moment.chunk
    match = snippets.find(chunk.text, asked.telling)
    start_s = moment.start_s(asked.telling)
    address = reverse("file-page", args=[chunk.file_id])
    return Hit(
        chunk_id=chunk.pk,
        file_id=chunk.file_id,
        file_name=chunk.file_name,
        folder=chunk.file_path.rpartition("/")[0],
        kind=chunk.source_kind,
        start_s=start_s,
        end_s=moment.end_s,
        snippet=snippets.snippet(chunk.text, match) or SEEN,
        score=round(score, 4),
        why=candidates.why.get(chunk.pk) or _why(chunk, match, asked, candidates),
        url=address if start_s is None else f"{address}?t={start_s:g}",
        also=moment.also,
        still=reverse("vision:frame", args=[chunk.file_id, chunk.ordinal])
        if chunk.source_kind == Chunk.Kind.SEEN
        else None,
    )


def _why(chunk: Passage, match: Match, asked: Query, candidates: _Candidates) -> str:
    parts = []
    total = len(asked.telling)
    if match.terms_found:
        things = "pairs of characters" if all(term.is_pair for term in asked.telling) else "words"
        whole = "the word" if total == 1 else f"all {total} {things}"
        parts.append(whole if match.terms_found == total else f"{match.terms_found} of {total} {things}")
    similarity = candidates.similarity.get(chunk.pk)
    if similarity is not None:
        parts.append(f"close in meaning ({similarity:.0%})")
    return ", ".join(parts) or "the words, written another way"


def _vector_of(space: Space, *, chunk_id: int | None, file_id: int | None) -> tuple[int, Floats]:
    """The file and the vector to compare with: that of the chunk, or the mean of the file's."""
    like = like_of(chunk_id=chunk_id, file_id=file_id)
    compared = Q(chunk=like) if isinstance(like, Chunk) else Q(file=like)
    owners = dict(Embedding.objects.filter(compared, space=space).values_list("id", "file_id")[:POOL])
    if not owners:
        raise SearchError(
            "There is nothing to compare with yet.", remedy="Choose “Make searchable” for this file first."
        )
    ids, vectors = store().fetch(space.pk, list(owners), space.dimension)
    mean = vectors.mean(axis=0)
    return owners[ids[0]], mean / np.linalg.norm(mean)


def like_of(*, chunk_id: int | None, file_id: int | None) -> Chunk | File:
    """The moment or the file that others are to be like. Raises SearchError."""
    if chunk_id is not None:
        chunk = Chunk.objects.in_library().select_related("file").filter(pk=chunk_id).first()
        if chunk is None:
            raise SearchError(f"There is no moment {chunk_id} any more.", remedy="Search for it again.", field="like")
        return chunk
    file = File.objects.filter(pk=file_id).first()
    if file is None:
        raise SearchError(
            f"There is no file {file_id}.", remedy="The library shows those there are.", field="like_file"
        )
    return file
