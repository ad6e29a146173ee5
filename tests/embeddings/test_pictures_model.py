"""The local picture model: what its files say is what is done, and what is wrong with them is told."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embeddings import registry
from embeddings.errors import ProviderUnavailableError, SpaceError, SpaceMismatchError
from embeddings.indexing import spaces
from embeddings.providers.onnx_pictures import OnnxPictureProvider
from embeddings.providers.picture_preprocessing import PicturePreprocessing, TextPreprocessing
from embeddings.vectors import PictureProvider, SpaceKey
from tests.embeddings.tiny_clip import DIMENSION, THINGS, view, write_tiny_clip


def provider() -> OnnxPictureProvider:
    return OnnxPictureProvider(OnnxPictureProvider.default_key())


class TestVectors:
    def test_words_are_nearest_to_the_picture_that_they_mean(self, picture_model: Path) -> None:
        seen = [("apple", "snow"), ("lemon", "night"), ("frog", "snow"), ("whale", "meadow")]

        pictures = provider().embed_pictures([view(*one) for one in seen])
        questions = provider().embed([f"{thing} in the {scene}" for thing, scene in seen], purpose="query")

        assert pictures.shape == questions.shape == (4, DIMENSION)
        assert pictures.dtype == np.float32
        assert np.allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-6)
        assert (questions @ pictures.T).argmax(axis=1).tolist() == [0, 1, 2, 3]

    def test_one_at_a_time_and_many_at_once_give_the_same(
        self, picture_model: Path, tmp_path: Path, settings: Any
    ) -> None:
        write_tiny_clip(tmp_path / "single", fixed_batch=True)
        pictures = [view(thing, "sea") for thing in THINGS] * 2
        many = provider().embed_pictures(pictures)

        settings.PICTURE_MODEL = "single"
        single = provider().embed_pictures(pictures)

        assert np.abs(many - single).max() < 1e-6
        assert provider().embed(["rose", "bear"], purpose="query").shape == (2, DIMENSION)

    def test_nothing_gives_nothing(self, picture_model: Path) -> None:
        assert provider().embed([], purpose="query").shape == (0, DIMENSION)
        assert provider().embed_pictures([]).shape == (0, DIMENSION)

    def test_is_a_provider_of_pictures_on_the_cpu(self, picture_model: Path) -> None:
        assert isinstance(provider(), PictureProvider)
        assert provider().side() == 32
        assert provider().runs_on() == "CPU"


class TestPreprocessing:
    def test_the_shorter_side_is_scaled_and_the_middle_kept(self) -> None:
        told = {"size": [224, 224], "mean": [0, 0, 0], "std": [1, 1, 1]}
        picture = Image.new("RGB", (640, 320), "black")
        picture.paste("white", (0, 0, 160, 320))  # outside the middle square

        tensor = PicturePreprocessing.of(told).apply(picture)

        assert tensor.shape == (3, 224, 224)
        assert tensor[:, :, 4:].max() < 0.02

    def test_squashing_keeps_everything(self) -> None:
        told = {"size": 64, "mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
        picture = Image.new("RGB", (640, 320), "black")
        picture.paste("white", (0, 0, 160, 320))

        tensor = PicturePreprocessing.of(told).apply(picture)

        assert tensor[:, :, :12].min() > 0.9
        assert tensor[:, :, 20:].max() < -0.9

    @pytest.mark.parametrize(
        "told",
        [
            {},
            {"size": 224},
            {"size": 10**6, "mean": [0] * 3, "std": [1] * 3},
            {"size": 224, "mean": [0], "std": [1]},
            {"size": 224, "mean": [0] * 3, "std": [1] * 3, "resize_mode": "longest"},
            {"size": 224, "mean": [0] * 3, "std": [1] * 3, "interpolation": "magic"},
        ],
    )
    def test_what_makes_no_sense_is_refused(self, told: dict[str, Any]) -> None:
        with pytest.raises((KeyError, ValueError)):
            PicturePreprocessing.of(told)

    def test_texts_are_folded_and_made_plain_where_the_model_wants_that(self) -> None:
        usual = TextPreprocessing.of({}, {})
        plain = TextPreprocessing.of({"text_cfg": {"tokenizer_kwargs": {"clean": "canonicalize"}}}, {})

        assert usual.apply("  A  Dog,\n running! ") == "A Dog, running!"
        assert plain.apply("  A  Dog,\n running! ") == "a dog running"
        assert usual.context_length == 77

    def test_the_padding_token_may_be_told_in_either_form(self) -> None:
        assert TextPreprocessing.of({}, {"pad_token": {"content": "<pad>"}}).pad_token == "<pad>"
        assert TextPreprocessing.of({}, {"pad_token": "!"}).pad_token == "!"

    def test_a_model_of_many_tongues_is_told_one(self) -> None:
        told = TextPreprocessing.of({"text_cfg": {"hf_tokenizer_name": "facebook/nllb-200-distilled-600M"}}, {})

        assert told.apply("a dog") == "eng_Latna dog"


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def no_json(path: Path) -> None:
    path.write_text("{")


def the_other_half(path: Path) -> None:
    other = {"visual": "textual", "textual": "visual"}[path.parent.name]
    shutil.copy(path.parent.parent / other / "model.onnx", path)


class TestAGraphicsCard:
    """Simulated: a session that is said to run on CUDA, and fails there."""

    class Session:
        def __init__(self, real: Any, error: str) -> None:
            self.real, self.error, self.asked = real, error, 0

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def get_inputs(self) -> Any:
            return self.real.get_inputs()

        def run(self, outputs: object, feed: dict[str, Any]) -> list[Any]:
            self.asked += 1
            raise RuntimeError(self.error)

    def test_out_of_memory_goes_on_on_the_cpu_and_stays_there(
        self, picture_model: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        looking = provider()
        alone = looking.embed_pictures([view("apple", "snow")])
        model = looking._picture_half().model
        card = self.Session(model._session, "CUDA failure 2: out of memory; GPU=0")
        model._session = card

        first = looking.embed_pictures([view("apple", "snow")])
        looking.embed_pictures([view("lemon", "sea")])

        assert np.array_equal(first, alone)
        assert (looking.runs_on(), card.asked) == ("CPU", 1)
        assert "out of memory" in caplog.text

    def test_one_that_does_not_load_is_told_in_the_log_and_the_cpu_does_it(
        self, picture_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        import onnxruntime

        load = onnxruntime.InferenceSession

        def refuses(path: str, options: object, providers: list[str]) -> object:
            if providers[0] != "CPUExecutionProvider":
                raise RuntimeError("libcublasLt.so.12: cannot open shared object file")
            return load(path, options, providers=providers)

        monkeypatch.setattr(onnxruntime, "InferenceSession", refuses)
        monkeypatch.setattr(
            onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
        )

        assert provider().embed_pictures([view("apple", "snow")]).shape == (1, DIMENSION)
        assert "does not load on CUDAExecutionProvider" in caplog.text


class TestBadFiles:
    @pytest.mark.parametrize(
        ("name", "spoil", "words"),
        [
            ("visual/model.onnx", damaged, "cannot be loaded"),
            ("visual/model.onnx", the_other_half, "does not take one picture"),
            ("visual/preprocess_cfg.json", no_json, "cannot be used"),
        ],
    )
    def test_of_the_half_that_looks_are_told_with_what_to_do(
        self, picture_model: Path, name: str, spoil: Any, words: str
    ) -> None:
        spoil(picture_model / name)

        with pytest.raises(ProviderUnavailableError, match=words) as caught:
            provider().embed_pictures([view("apple", "snow")])

        assert "etch" in caught.value.remedy

    @pytest.mark.parametrize(
        ("name", "spoil", "words"),
        [
            ("textual/model.onnx", damaged, "cannot be loaded"),
            ("textual/model.onnx", the_other_half, "does not take tokens"),
            ("textual/tokenizer.json", no_json, "cannot be used"),
        ],
    )
    def test_of_the_half_that_reads_are_told_with_what_to_do(
        self, picture_model: Path, name: str, spoil: Any, words: str
    ) -> None:
        spoil(picture_model / name)

        with pytest.raises(ProviderUnavailableError, match=words):
            provider().embed(["apple"], purpose="query")

    def test_a_model_of_another_shape_is_refused(self, picture_model: Path) -> None:
        key = SpaceKey(provider="pictures", model="tiny", dimension=512)

        with pytest.raises(ProviderUnavailableError, match=re.escape(f"(1, {DIMENSION}) where (1, 512)")):
            OnnxPictureProvider(key).embed(["apple"], purpose="query")

    def test_a_config_without_a_dimension_is_told(self, picture_model: Path) -> None:
        (picture_model / "config.json").write_text(json.dumps({"text_cfg": {}}))

        with pytest.raises(ProviderUnavailableError, match="embed_dim"):
            OnnxPictureProvider.default_key()

    def test_what_is_missing_is_named_with_where_it_goes(self, picture_model: Path, settings: Any) -> None:
        (picture_model / "visual" / "model.onnx").unlink()
        assert "has no visual/model.onnx" in provider().problem()

        settings.PICTURE_MODEL = "ViT-B-32__openai"
        problem = provider().problem()

        assert "is not here yet" in problem
        assert "download_model ViT-B-32__openai --kind picture" in problem
        assert f"{settings.PICTURE_MODEL_DIR}/ViT-B-32__openai/" in problem

    def test_another_version_of_the_model_is_another_fingerprint(self, picture_model: Path) -> None:
        before = provider().fingerprint()
        (picture_model / "visual" / "model.onnx").write_bytes(
            (picture_model / "visual" / "model.onnx").read_bytes() + b"\0"
        )

        assert provider().fingerprint() != before


@pytest.mark.django_db
class TestSpaces:
    def test_of_texts_and_of_pictures_are_in_use_side_by_side(self, picture_model: Path) -> None:
        texts, pictures = spaces.active(), spaces.for_pictures()

        assert pictures is not None
        assert (texts.contents, texts.in_use_for) == (["text"], ["text"])
        assert (pictures.contents, pictures.in_use_for) == (["picture"], ["picture"])
        assert pictures.key.dimension == DIMENSION
        assert spaces.for_pictures() == pictures

    def test_neither_takes_the_place_of_the_other(self, picture_model: Path) -> None:
        texts, pictures = spaces.active(), spaces.for_pictures()
        assert pictures is not None

        with pytest.raises(SpaceError, match="pictures only"):
            spaces.switch_to(pictures)
        with pytest.raises(SpaceError, match="texts only"):
            spaces.use_for_pictures(texts)
        with pytest.raises(SpaceError, match="in use"):
            spaces.delete(pictures)

    def test_a_space_of_novas_holds_both(self) -> None:
        space = spaces.get_or_make(registry.default_key("nova"))

        assert space.contents == ["text", "picture"]
        spaces.use_for_pictures(space)
        spaces.switch_to(space)
        assert space.in_use_for == ["text", "picture"]

    @pytest.mark.parametrize("told", ["off", "local"])
    def test_nobody_sees_where_it_is_off_or_the_model_is_not_here(
        self, settings: Any, tmp_path: Path, told: str
    ) -> None:
        settings.PICTURE_MODEL_DIR, settings.PICTURE_PROVIDER = tmp_path, told

        assert spaces.for_pictures() is None

    def test_a_name_that_is_none_is_told(self, settings: Any) -> None:
        settings.PICTURE_PROVIDER = "clip"

        with pytest.raises(ProviderUnavailableError, match="no picture provider named “clip”"):
            registry.picture_key()

    def test_other_weights_under_the_same_name_do_not_answer_for_the_old_vectors(self, picture_model: Path) -> None:
        space = spaces.for_pictures()
        assert space is not None
        spaces.provider_of(space)
        (picture_model / "textual" / "model.onnx").write_bytes(
            (picture_model / "textual" / "model.onnx").read_bytes() + b"\0"
        )

        with pytest.raises(SpaceMismatchError):
            spaces.provider_of(space)
