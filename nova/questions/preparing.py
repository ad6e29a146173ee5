"""From an analysis of a file to the questions that it takes: pieces, keys, what was answered before.

A question is a hash of the source's content, the proxy's spec, the cut, the prompt, the model and what the person
chose; not of names, places or modes. So a renamed, moved, copied or re-imported file asks nothing twice.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bedrock.models import CatalogueModel
from files import conf as files_conf
from files.errors import FilesError
from files.media.pictures import POSTER_SIDE
from files.media.proxy_lookup import is_whole
from files.media.proxying import make_proxy
from files.models import File, Proxy
from files.storage.hashing import ensure_full_hash
from jobs.bulk import sliced
from jobs.progress import NO_PROGRESS, Progress
from nova.errors import NotAnalysableError
from nova.local.clip import SpokenLine
from nova.local.picture import PictureFacts
from nova.models import NovaJob, Question, RawReply
from nova.options import AnalysisRequest
from nova.questions import estimating, prompts
from nova.replies.merging import Span, cut
from nova.types.registry import digest_of, resolve, resolve_versions
from nova.types.spec import IMAGE, VIDEO, TypeSpec
from transcription.models import Transcript

#: What is sent of a picture: the poster that its import made of it.
PICTURE_SPEC = f"poster{POSTER_SIDE}"


@dataclass(frozen=True, kw_only=True)
class QuestionPiece:
    """A piece of a file, and what has to be asked of it: nothing where every type was answered before."""

    span: Span
    content_key: str
    replies: tuple[RawReply, ...]
    missing: tuple[TypeSpec, ...]


def require_visible(file: File) -> None:
    """Raise NotAnalysableError for what Nova cannot look at."""
    if file.media_type == File.MediaType.AUDIO:
        raise NotAnalysableError(
            "Nova looks at pictures and hears nothing: this is sound only.",
            remedy="Transcribe it, then analyse it with the free local model.",
        )


def medium_of(question: Question) -> str:
    """What a question is about: a video or an image. A file that left the library counts as the video that most are."""
    file = question.nova_job.file
    return file.media_type if file else VIDEO


def spans(file: File, model: CatalogueModel) -> list[Span]:
    """The pieces in which the model sees each second: cut at its sampling knee. A picture is one, of no length."""
    if file.media_type == IMAGE:
        return [Span(0.0, 0.0)]
    sampling = model.video_sampling()
    if sampling is None:
        raise NotAnalysableError(f"{model.name} takes no video.", remedy="Choose another model.")
    # A proxy of a damaged source ends where the source could be read no more.
    cut_short = [proxy.duration_s for proxy in file.proxies.all() if proxy.is_partial and proxy.duration_s]
    duration_s = min([*cut_short, *([file.duration_s] if file.duration_s else [])], default=0.0)
    return cut(duration_s, knee_s=sampling.knee_s) if duration_s else [Span(0.0, 0.0)]


def proxy_of(file: File) -> Proxy | None:
    """The proxy that is sent: the one of the profile in use, else the smallest that is whole and of today's content."""
    whole = [proxy for proxy in file.proxies.order_by("size_bytes") if is_whole(proxy) and not proxy.is_outdated]
    usual = files_conf.proxy_profile()
    return next((proxy for proxy in whole if proxy.proxy_spec == usual), whole[0] if whole else None)


def spec_of(file: File) -> str:
    """What is sent, as it stands in a question's key: the proxy's spec, also where it is not made yet."""
    if file.media_type == IMAGE:
        return PICTURE_SPEC
    proxy = proxy_of(file)
    return proxy.proxy_spec if proxy else files_conf.proxy_profile()


def replies_of(content_keys: Sequence[str]) -> dict[str, list[RawReply]]:
    """The answers that are kept, by content key, the newest first."""
    found: dict[str, list[RawReply]] = {}
    for some_keys in sliced(content_keys):
        rows = RawReply.objects.filter(content_key__in=some_keys)
        for reply in rows.order_by("-created_at").defer("message"):
            found.setdefault(reply.content_key, []).append(reply)
    return found


def pieces(file: File, model: CatalogueModel, request: AnalysisRequest, *, spec: str) -> list[QuestionPiece]:
    """What must be asked of a file whose full hash is known, and what was answered before at no cost now."""
    keyed = keyed_spans(file, model, request, spec)
    return pieces_with(keyed, asked_types(request, file.media_type), replies_of([key for _, key in keyed]))


def keyed_spans(file: File, model: CatalogueModel, request: AnalysisRequest, spec: str) -> list[tuple[Span, str]]:
    """The pieces of a file with the key of each: what a question is named by, but for its types."""
    return [(span, content_key(file, model, request, spec, span)) for span in spans(file, model)]


def asked_types(request: AnalysisRequest, medium: str) -> list[tuple[TypeSpec, str]]:
    """What these types ask now of this medium, each with its digest. Slow enough to be done once for many files."""
    return [(spec, digest_of(spec, request.depth)) for spec in resolve(request.types, medium)]


def pieces_with(
    keyed: Sequence[tuple[Span, str]],
    types: Sequence[tuple[TypeSpec, str]],
    known: Mapping[str, Sequence[RawReply]],
) -> list[QuestionPiece]:
    """The same, with everything looked up before; `known` are the answers of each content key, the newest first."""
    return [piece_of(span, key, types, known.get(key, ())) for span, key in keyed]


def content_key(file: File, model: CatalogueModel, request: AnalysisRequest, spec: str, span: Span) -> str:
    """A question's name but for its types: content, proxy, cut, model, prompt, and what the person chose."""
    place = [round(span.start_s, 3), round(span.end_s, 3)]
    return _hash([file.full_hash, spec, place, model.model_id, prompts.PROMPT_VERSION, request.in_key()])


def question_key(content_key: str, types: Mapping[str, str]) -> str:
    """What the ledger calls a question; `types` are names and digests."""
    return _hash([content_key, sorted(types.items())])


def prepare(nova_job: NovaJob, model: CatalogueModel, *, progress: Progress = NO_PROGRESS) -> list[Question]:
    """The questions of an analysis: made once, kept over retries; those that failed wait again.

    Makes the proxy where there is none. Raises FilesError, NovaError.
    """
    file = nova_job.file
    if file is None:
        raise NotAnalysableError("The file left the library before it was analysed.")
    require_visible(file)
    name_content(file, progress)
    if nova_job.content_hash not in ("", file.full_hash):
        if nova_job.questions.filter(state=Question.State.ASKED).exists():
            raise NotAnalysableError(
                "The file has other content by now, and what it was before is still being asked about in a batch.",
                remedy="Retry when the batch is over: its answer is paid for and kept.",
            )
        nova_job.questions.all().delete()  # they were about what the file was then; their answers stay
    if not nova_job.questions.exists():
        if file.media_type != IMAGE and proxy_of(file) is None:
            make_proxy(file, progress=progress)
        cut_up = pieces(file, model, AnalysisRequest.of(nova_job), spec=spec_of(file))
        rows = [row for index, piece in enumerate(cut_up) for row in rows_of(nova_job, model, index, piece)]
        with transaction.atomic():
            NovaJob.objects.filter(pk=nova_job.pk).update(content_hash=file.full_hash)
            nova_job.content_hash = file.full_hash
            Question.objects.bulk_create(rows)
    else:
        failed = nova_job.questions.filter(state=Question.State.FAILED)
        failed.update(state=Question.State.WAITING, error="", bedrock_batch=None, record_id=None, attempts=0)
        for question in Question.objects.open().filter(nova_job=nova_job):
            reply = RawReply.objects.filter(key=question.key).first()  # somebody else's same question was answered
            if reply is not None:
                question.answer(reply)
    return list(nova_job.questions.all())


def name_content(file: File, progress: Progress) -> None:
    """The full hash of the source, which every question is named by. It is kept, so a drive may be away later."""
    if file.full_hash and file.state != File.State.AVAILABLE:
        return
    try:
        ensure_full_hash(file, progress=progress)
    except FilesError:
        if not file.full_hash:
            raise


def rows_of(nova_job: NovaJob, model: CatalogueModel, index: int, piece: QuestionPiece) -> list[Question]:
    """The questions of one piece, not saved: one for each answer that is there, and one for all that is missing."""
    request = AnalysisRequest.of(nova_job)
    place: dict[str, Any] = {
        "nova_job": nova_job,
        "index": index,
        "start_s": piece.span.start_s,
        "end_s": piece.span.end_s or None,
        "content_key": piece.content_key,
        "prompt_version": prompts.PROMPT_VERSION,
    }
    answered = Question.State.ANSWERED
    rows = [Question(**place, key=reply.key, types=reply.types, state=answered, reply=reply) for reply in piece.replies]
    if piece.missing:
        types = {spec.name: digest_of(spec, request.depth) for spec in piece.missing}
        medium = nova_job.file.media_type if nova_job.file else VIDEO
        cost = estimating.of_piece(model, request.mode, piece.span, types, depth=request.depth, medium=medium).usd_low
        rows.append(Question(**place, key=question_key(piece.content_key, types), types=types, estimated_usd=cost))
    return rows


def types_of(question: Question) -> list[TypeSpec]:
    """The types that a question asks, in the versions that it asks them."""
    return resolve_versions(question.types, AnalysisRequest.of(question.nova_job).depth, medium_of(question))


def prompt_of(question: Question) -> prompts.Prompt:
    """What is sent with the piece of video."""
    nova_job = question.nova_job
    file = nova_job.file
    request = AnalysisRequest.of(nova_job)
    return prompts.build_prompt(
        types_of(question),
        language=request.language,
        depth=request.depth,
        duration_s=length_s(question),
        medium=medium_of(question),
        context=_context(file, question) if file else prompts.Context(),
    )


def length_s(question: Question) -> float | None:
    """Seconds of the piece; None where nobody knows."""
    return question.end_s - question.start_s if question.end_s else None


def piece_of(span: Span, key: str, types: Sequence[tuple[TypeSpec, str]], replies: Sequence[RawReply]) -> QuestionPiece:
    """The newest answers that cover as many types as they can."""
    digests = {spec.name: digest for spec, digest in types}
    missing = {spec.name: spec for spec, _ in types}
    used = []
    for reply in replies:
        covers = [name for name in missing if reply.types.get(name) == digests[name]]
        if covers:
            used.append(reply)
            for name in covers:
                del missing[name]
    return QuestionPiece(span=span, content_key=key, replies=tuple(used), missing=tuple(missing.values()))


def _hash(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def picture_facts(file: File) -> PictureFacts:
    """What a picture file says of itself."""
    return PictureFacts(
        width=file.width,
        height=file.height,
        taken_at=file.created_at,
        camera=file.camera,
        latitude=file.latitude,
        longitude=file.longitude,
        folder=file.path.rpartition("/")[0],
    )


def _context(file: File, question: Question) -> prompts.Context:
    folder = file.path.rpartition("/")[0]
    if file.media_type == IMAGE:
        return prompts.Context(name=file.name, folder=folder, facts=picture_facts(file).labelled())
    transcript = Transcript.objects.current_for(file)
    end_s = question.end_s if question.end_s is not None else float("inf")
    spoken = transcript.spoken() if transcript else []
    here = [line for line in spoken if line.end_s > question.start_s and line.start_s < end_s]
    lines = [
        SpokenLine(max(0.0, line.start_s - question.start_s), line.end_s - question.start_s, line.text) for line in here
    ]
    return prompts.Context(name=file.name, folder=folder, transcript=lines)
