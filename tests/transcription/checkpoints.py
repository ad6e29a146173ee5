"""Whisper checkpoints that say what the test wants, on any audio: tiny, and loaded and decoded by the real engines.

One layer whose every residual branch is zero, so that the hidden state is the token's embedding plus the position's.
Position `i` is fifty times the embedding of the token wanted next, and the last layer norm makes it win.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 64
HEADS = 1
FRAMES = 1500
LONGEST = 448
MELS = 80
TEXT_TOKENS = 50257  # where Whisper's multilingual special tokens begin
VOCABULARY = 51865  # at this size the engines take a model for a multilingual one
#: Two letters each, but for Hawaiian.
LANGUAGES = [
    code.strip(".")
    for code in re.findall(
        "...",
        "en.zh.de.es.ru.ko.fr.ja.pt.tr.pl.ca.nl.ar.sv.it.id.hi.fi.vi.he.uk.el.ms.cs.ro.da.hu.ta.no.th.ur.hr."
        "bg.lt.la.mi.ml.cy.sk.te.fa.lv.bn.sr.az.sl.kn.et.mk.br.eu.is.hy.ne.mn.bs.kk.sq.sw.gl.mr.pa.si.km.sn."
        "yo.so.af.oc.ka.be.tg.sd.gu.am.yi.lo.uz.fo.ht.ps.tk.nn.mt.sa.lb.my.bo.tl.mg.as.tt.hawln.ha.ba.jw.su.",
    )
]
START, END, TRANSLATE, TRANSCRIBE = 50258, 50257, 50358, 50359
NO_SPEECH, NO_TIMESTAMPS, FIRST_TIME = 50362, 50363, 50364


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in byte order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    extra = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(extra)) for byte in range(256)]


def vocabulary(words: Sequence[str]) -> list[str]:
    """All tokens, in order of their number: bytes, the script's words, fillers, then Whisper's own."""
    texts = byte_alphabet() + ["Ġ" + word for word in words]
    texts += [f"filler{number}" for number in range(TEXT_TOKENS - 1 - len(texts))]
    texts.append("")  # by this token CTranslate2 knows a multilingual model
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
    special += [f"<|{name}|>" for name in ("translate", "transcribe", "startoflm", "startofprev", "nospeech")]
    special += ["<|notimestamps|>"] + [f"<|{number * 0.02:.2f}|>" for number in range(1501)]
    return texts + special


@dataclass(frozen=True)
class Script:
    """What a checkpoint is to say: tokens by position of the decoder, and when each word is spoken."""

    words: list[str]
    language: int
    said: list[int]
    moments_s: list[float]

    @classmethod
    def of(
        cls,
        segments: Sequence[tuple[float, float, str]],
        language: str,
        number_of: Callable[[str], int] | None = None,
    ) -> "Script":
        """`number_of` gives the token of a word in a vocabulary that is there already."""
        words = sorted({word for _, _, text in segments for word in text.split()})
        number = {word: number_of(word) if number_of else 256 + index for index, word in enumerate(words)}
        said: list[int] = []
        moments_s: list[float] = []
        for start_s, end_s, text in segments:
            parts = text.split()
            said += [FIRST_TIME + round(start_s / 0.02), *(number[word] for word in parts)]
            said.append(FIRST_TIME + round(end_s / 0.02))
            moments_s += [start_s + (end_s - start_s) * (index + 0.5) / len(parts) for index in range(len(parts))]
        return cls(words, START + 1 + LANGUAGES.index(language), [*said, END], moments_s)


@dataclass(frozen=True)
class Weights:
    """The few matrices of the model that are not zero, float32."""

    tokens: np.ndarray
    positions: np.ndarray
    frames: np.ndarray
    queries: np.ndarray


def weights(script: Script) -> Weights:
    """The prompt is three tokens long: the answer at its first is the language, at its last the first time mark."""
    random = np.random.default_rng(7)
    tokens = random.standard_normal((VOCABULARY, WIDTH))
    tokens -= tokens.mean(axis=1, keepdims=True)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    own = random.standard_normal((LONGEST, WIDTH))
    own -= own.mean(axis=1, keepdims=True)
    own *= 0.3 / np.linalg.norm(own, axis=1, keepdims=True)
    targets = np.tile(tokens[END], (LONGEST, 1))
    targets[2 : 2 + len(script.said)] = tokens[script.said]
    targets[0] = tokens[script.language]
    positions = 50 * (targets + own)
    frames = _frame_codes()
    queries = _queries_for(positions, frames, script.moments_s)
    return Weights(*(matrix.astype(np.float32) for matrix in (tokens, positions, frames, queries)))


def _frame_codes() -> np.ndarray:
    """A direction for each frame of the encoder, unlike those of the frames around it."""
    steps = np.array([1, 2, 3, 5, 8, 13, 21, 34, 47, 55, 67, 79, 89, 101, 127, 149])
    angles = 2 * np.pi * np.outer(np.arange(FRAMES), steps) / FRAMES
    return np.concatenate([np.cos(angles), np.sin(angles), -np.cos(angles), -np.sin(angles)], axis=1)


def _queries_for(positions: np.ndarray, frames: np.ndarray, moments_s: Sequence[float]) -> np.ndarray:
    """Cross attention that looks at the frame where the word at this position is spoken, for the word times.

    When words are aligned, the text stands behind the four tokens of the prompt, without time marks.
    """
    count = len(moments_s) + 6
    wanted_s = np.interp(np.arange(count), np.arange(len(moments_s)) + 3, moments_s)
    wanted = frames[np.minimum((wanted_s / 0.02).astype(int), FRAMES - 1)] * np.sqrt(2)
    hidden = positions[:count]
    hidden = hidden / hidden.std(axis=1, keepdims=True)
    found: np.ndarray = np.linalg.lstsq(hidden, wanted, rcond=None)[0]
    return 3 * found.T


def write_faster_whisper(
    folder: Path, segments: Sequence[tuple[float, float, str]], *, language: str = "en", quantization: str = "float32"
) -> Path:
    """A CTranslate2 model folder, as `faster-whisper` wants it; no torch is needed. Returns the folder."""
    from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec

    script = Script.of(segments, language)
    matrices = weights(script)
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    _fill_encoder(spec.encoder, matrices)
    _fill_decoder(spec.decoder, matrices)
    names = vocabulary(script.words)
    spec.register_vocabulary(names)
    spec._config = WhisperConfig(
        suppress_ids=[],
        suppress_ids_begin=[],
        lang_ids=[START + 1 + index for index in range(len(LANGUAGES))],
        alignment_heads=[(0, 0)],
    )
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(names)))
    return folder


def write_openai_whisper(path: Path, segments: Sequence[tuple[float, float, str]], *, language: str = "en") -> Path:
    """A checkpoint of openai-whisper; needs torch. Its words must be single tokens of Whisper's own vocabulary."""
    import torch
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(multilingual=True)
    script = Script.of(segments, language, lambda word: tokenizer.encode(f" {word}")[0])
    matrices = weights(script)
    dims = ModelDimensions(
        n_mels=MELS, n_audio_ctx=FRAMES, n_audio_state=WIDTH, n_audio_head=HEADS, n_audio_layer=1,
        n_vocab=VOCABULARY, n_text_ctx=LONGEST, n_text_state=WIDTH, n_text_head=HEADS, n_text_layer=1,
    )  # fmt: skip
    state = Whisper(dims).state_dict()
    for name, value in state.items():
        is_norm = name.rpartition(".")[0].endswith(("_ln", "ln_post", ".ln")) and name.endswith("weight")
        state[name] = torch.ones_like(value) if is_norm else torch.zeros_like(value)
    state["decoder.ln.weight"] *= 8
    state["encoder.positional_embedding"] = torch.from_numpy(matrices.frames)
    state["decoder.token_embedding.weight"] = torch.from_numpy(matrices.tokens)
    state["decoder.positional_embedding"] = torch.from_numpy(matrices.positions)
    state["decoder.blocks.0.cross_attn.query.weight"] = torch.from_numpy(matrices.queries.copy())
    state["decoder.blocks.0.cross_attn.key.weight"] = torch.eye(WIDTH)
    torch.save({"dims": vars(dims), "model_state_dict": state}, path)
    return path


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float32)


def _fill_norm(norm: Any, scale: float = 1.0) -> None:
    norm.gamma = np.full(WIDTH, scale, dtype=np.float32)
    norm.beta = _zeros(WIDTH)


def _fill_linear(linear: Any, rows: int, columns: int) -> None:
    linear.weight, linear.bias = _zeros(rows, columns), _zeros(rows)


def _fill_attention(attention: Any, *, own: bool) -> None:
    _fill_norm(attention.layer_norm)
    rows = [3 * WIDTH, WIDTH] if own else [WIDTH, 2 * WIDTH, WIDTH]
    for linear, height in zip(attention.linear, rows, strict=True):
        _fill_linear(linear, height, WIDTH)


def _fill_ffn(ffn: Any) -> None:
    _fill_norm(ffn.layer_norm)
    _fill_linear(ffn.linear_0, 4 * WIDTH, WIDTH)
    _fill_linear(ffn.linear_1, WIDTH, 4 * WIDTH)


def _fill_encoder(encoder: Any, matrices: Weights) -> None:
    encoder.conv1.weight, encoder.conv1.bias = _zeros(WIDTH, MELS, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _zeros(WIDTH, WIDTH, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = matrices.frames
    _fill_norm(encoder.layer_norm)
    for layer in encoder.layer:
        _fill_attention(layer.self_attention, own=True)
        _fill_ffn(layer.ffn)


def _fill_decoder(decoder: Any, matrices: Weights) -> None:
    decoder.embeddings.weight = matrices.tokens
    decoder.position_encodings.encodings = matrices.positions
    decoder.projection.weight = matrices.tokens
    _fill_norm(decoder.layer_norm, 8.0)
    for layer in decoder.layer:
        _fill_attention(layer.self_attention, own=True)
        _fill_attention(layer.attention, own=False)
        layer.attention.linear[0].weight = matrices.queries
        layer.attention.linear[1].weight = np.concatenate([np.eye(WIDTH, dtype=np.float32), _zeros(WIDTH, WIDTH)])
        _fill_ffn(layer.ffn)


def _tokenizer(names: Sequence[str]) -> dict[str, Any]:
    """A byte-level BPE without merges, in the form of the `tokenizers` library."""
    added = [
        {"id": number, "content": names[number], "special": number < FIRST_TIME}
        | {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        for number in range(TEXT_TOKENS, len(names))
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {name: number for number, name in enumerate(names[:TEXT_TOKENS])}, "merges": []}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": model,
    }
