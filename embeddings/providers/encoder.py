"""Sentence encoders run by CTranslate2: BERT and XLM-R models as sentence-transformers saves them.

The weights are read once from their safetensors file into CTranslate2's own form, which is kept beside other models of
this machine; it needs no torch. Layers and names are those of `ctranslate2.converters.transformers.BertLoader`.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embeddings.vectors import Floats

if TYPE_CHECKING:
    import ctranslate2
    from tokenizers import Tokenizer

#: Grows when the same weights would be written another way.
FORM = 1
#: Positions before the first token that XLM-R keeps for its own use.
_POSITION_OFFSETS = {"bert": 0, "xlm-roberta": 2}


@dataclass(frozen=True)
class SentenceEncoder:
    """A model in memory. `takes_first`: its vector is the first token's and not the mean of all."""

    model: "ctranslate2.Encoder"
    tokenizer: "Tokenizer"
    takes_first: bool

    @classmethod
    def load(
        cls, folder: Path, converted: Path, *, max_tokens: int, takes_first: bool, compute_type: str, threads: int
    ) -> Self:
        """The model of a folder, in the form that is kept in `converted` (made there where it lacks).

        Raises whatever tokenizers, safetensors and CTranslate2 raise for a model that is damaged or of another kind.
        """
        import ctranslate2
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(max_length=max_tokens)
        tokenizer.no_padding()
        if not (converted / "model.bin").is_file():
            convert(folder, converted, tokenizer)
        model = ctranslate2.Encoder(str(converted), device="cpu", compute_type=compute_type, intra_threads=threads)
        return cls(model, tokenizer, takes_first)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Float32 (len(texts), width), not normalised. Texts beyond the model's limit are cut."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        hidden = np.array(self.model.forward_batch(ids).last_hidden_state)
        if self.takes_first:
            first: Floats = hidden[:, 0]
            return first
        lengths = np.array([len(row) for row in ids])
        is_token = np.arange(hidden.shape[1])[None, :] < lengths[:, None]
        pooled: Floats = np.einsum("btw,bt->bw", hidden, is_token.astype(np.float32)) / lengths[:, None]
        return pooled.astype(np.float32)


def convert(folder: Path, target: Path, tokenizer: "Tokenizer") -> None:
    """Write a model's weights in CTranslate2's form: whole, or not at all."""
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text("utf-8"))
    weights = {
        name.removeprefix("bert.").removeprefix("roberta."): array.astype(np.float32)
        for name, array in load_file(folder / "model.safetensors").items()
        if array.ndim
    }
    spec = _spec(config, weights)
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    size = len(weights["embeddings.word_embeddings.weight"])
    spec.register_vocabulary([*tokens[:size], *(f"<extra_id_{n}>" for n in range(size - len(tokens)))])
    spec.config.layer_norm_epsilon = config.get("layer_norm_eps", 1e-12)
    spec.config.unk_token = "[UNK]"  # noqa: S105  (a token of the vocabulary)
    spec.validate()
    spec.optimize(quantization=None)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    partial.mkdir(parents=True, exist_ok=True)
    try:
        spec.save(str(partial))
        if not (target / "model.bin").is_file():
            shutil.rmtree(target, ignore_errors=True)
            partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _spec(config: dict[str, Any], weights: dict[str, Floats]) -> Any:
    """CTranslate2's description of the model, filled with its weights. Raises KeyError for another kind of model."""
    from ctranslate2.specs import common_spec, transformer_spec

    offset = _POSITION_OFFSETS[config["model_type"]]
    encoder = transformer_spec.TransformerEncoderSpec(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        pre_norm=False,
        activation={"gelu": common_spec.Activation.GELU, "relu": common_spec.Activation.RELU}[config["hidden_act"]],
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )

    def fill(part: Any, name: str, *, bias: str = "bias", weight: str = "weight") -> None:
        setattr(part, weight, weights[f"{name}.weight"])
        setattr(part, bias, weights[f"{name}.bias"])

    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"][offset:]
    fill(encoder.layernorm_embedding, "embeddings.LayerNorm", weight="gamma", bias="beta")
    for number, layer in enumerate(encoder.layer):
        name = f"encoder.layer.{number}"
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        fused, output = layer.self_attention.linear
        fused.weight = np.concatenate([weights[f"{part}.weight"] for part in parts])
        fused.bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
        fill(output, f"{name}.attention.output.dense")
        fill(layer.self_attention.layer_norm, f"{name}.attention.output.LayerNorm", weight="gamma", bias="beta")
        fill(layer.ffn.linear_0, f"{name}.intermediate.dense")
        fill(layer.ffn.linear_1, f"{name}.output.dense")
        fill(layer.ffn.layer_norm, f"{name}.output.LayerNorm", weight="gamma", bias="beta")
    return transformer_spec.TransformerEncoderModelSpec(encoder)
