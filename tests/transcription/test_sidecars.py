"""Which subtitle files belong to which media file, and which of them is used."""

import os
import unicodedata
from pathlib import Path

import pytest

from transcription import sidecar_names
from transcription.languages import language_name, language_tag
from transcription.sidecar_names import SidecarKind, sidecars_of


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"), ("EN", "en"), ("eng", "en"), ("English", "en"), ("pt-br", "pt-BR"), ("pt_BR", "pt-BR"),
        ("por-BR", "pt-BR"), ("zh-hans-cn", "zh-Hans-CN"), ("zh-Hant", "zh-Hant"), ("es-419", "es-419"), ("ger", "de"),
        ("deu", "de"), ("Deutsch", "de"), ("日本語", "ja"), ("hi", "hi"), ("iw", "he"), ("sl-rozaj", "sl-rozaj"),
        ("cut", None), ("final", None), ("", None), ("en-", None), ("director notes", None), ("2", None),
    ],
)  # fmt: skip
def test_languages_have_one_tag_however_they_are_named(text: str, tag: str | None) -> None:
    assert language_tag(text) == tag


def test_a_tag_has_a_name_for_people() -> None:
    assert [language_name(tag) for tag in ("de", "pt-BR", "tlh")] == ["German", "Portuguese (BR)", "tlh"]


@pytest.mark.parametrize(
    ("name", "language", "kind"),
    [
        ("talk.srt", "", SidecarKind.FULL),
        ("Talk.SRT", "", SidecarKind.FULL),
        ("talk.ass", "", SidecarKind.FULL),
        ("talk.mp4.srt", "", SidecarKind.FULL),
        ("talk.mp4.de.srt", "de", SidecarKind.FULL),
        ("talk.EN.vtt", "en", SidecarKind.FULL),
        ("talk.English.srt", "en", SidecarKind.FULL),
        ("talk.eng.srt", "en", SidecarKind.FULL),
        ("talk.pt-BR.srt", "pt-BR", SidecarKind.FULL),
        ("talk.zh-Hans-CN.srt", "zh-Hans-CN", SidecarKind.FULL),
        ("talk.en.2.srt", "en", SidecarKind.FULL),
        ("talk.2.en.srt", "en", SidecarKind.FULL),
        ("talk.en.default.srt", "en", SidecarKind.FULL),
        ("talk.hi.srt", "hi", SidecarKind.FULL),
        ("talk.hi.hi.srt", "hi", SidecarKind.IMPAIRED),
        ("talk.en.hi.srt", "en", SidecarKind.IMPAIRED),
        ("talk.hi.en.srt", "en", SidecarKind.IMPAIRED),
        ("talk.en.sdh.srt", "en", SidecarKind.IMPAIRED),
        ("talk.en.forced.srt", "en", SidecarKind.FORCED),
        ("talk.forced.srt", "", SidecarKind.FORCED),
        ("talk.en.Director Notes.srt", "en", SidecarKind.TITLED),
        ("talk.part2.final.srt", "", SidecarKind.TITLED),
        ("talk (German).srt", "de", SidecarKind.FULL),
        ("talk [en].srt", "en", SidecarKind.FULL),
        ("talk.English (SDH).srt", "en", SidecarKind.IMPAIRED),
        ("talk_en.srt", "en", SidecarKind.FULL),
        ("talk-pt-BR.forced.srt", "pt-BR", SidecarKind.FORCED),
        ("talk German.srt", "de", SidecarKind.FULL),
    ],
)
def test_a_name_says_language_and_kind(tmp_path: Path, name: str, language: str, kind: SidecarKind) -> None:
    (tmp_path / name).write_text("")

    (sidecar,) = sidecars_of(tmp_path / "talk.mp4")

    assert (sidecar.language, sidecar.kind) == (language, kind)


def test_a_name_that_another_file_bears_is_that_files(tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk_en.mp4", "talk_en.srt"):
        (tmp_path / name).write_text("")

    assert sidecars_of(tmp_path / "talk.mp4") == []
    assert [sidecar.language for sidecar in sidecars_of(tmp_path / "talk_en.mp4")] == [""]


@pytest.mark.parametrize("name", ["talk-2.srt", "talk.txt", "talker.srt", "my talk.srt", "talk"])
def test_other_names_are_other_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")

    assert sidecars_of(tmp_path / "talk.mp4") == []


def test_a_longer_name_takes_its_own(tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.part2.mp4", "talk.srt", "talk.part2.srt", "talk.part2.en.srt", "talk.mp4.de.srt"):
        (tmp_path / name).write_text("")

    assert [car.name for car in sidecars_of(tmp_path / "talk.mp4")] == ["talk.srt", "talk.mp4.de.srt"]
    assert [car.name for car in sidecars_of(tmp_path / "talk.part2.mp4")] == ["talk.part2.srt", "talk.part2.en.srt"]


@pytest.mark.parametrize("media_form", ["NFC", "NFD"])
@pytest.mark.parametrize("sidecar_form", ["NFC", "NFD"])
def test_accents_are_the_same_however_they_are_composed(tmp_path: Path, media_form: str, sidecar_form: str) -> None:
    media, sidecar = (
        unicodedata.normalize(form, name)  # type: ignore[arg-type]
        for form, name in ((media_form, "Café Zürich.mp4"), (sidecar_form, "CAFÉ Zürich.en.srt"))
    )
    (tmp_path / sidecar).write_text("")

    assert [car.language for car in sidecars_of(tmp_path / media)] == ["en"]


@pytest.mark.parametrize(
    ("names", "languages"),
    [
        (["talk.srt", "talk.vtt", "talk.de.srt", "talk.en.vtt"], ()),
        (["talk.de.srt", "talk.srt", "talk.en.srt"], ("de",)),
        (["talk.de-CH.srt", "talk.en.srt", "talk.srt"], ("de", "en")),
        (["talk.en.srt", "talk.en.sdh.srt", "talk.en.forced.srt"], ()),
        (["talk.pt-BR.srt", "talk.pt-BR.forced.srt"], ()),
        (["talk.de.sdh.srt", "talk.en.srt"], ("de",)),
        (["talk.en.srt", "talk.en.2.srt", "talk.en.Notes.srt"], ()),
        (["talk.en.srt", "talk.sub", "talk.en.sup"], ()),
    ],
)
def test_the_best_comes_first(tmp_path: Path, names: list[str], languages: tuple[str, ...]) -> None:
    for name in reversed(names):
        (tmp_path / name).write_text("")

    found = [car.name for car in sidecars_of(tmp_path / "talk.mp4", languages=languages)]

    assert found == names


def test_none_where_there_is_none_or_the_folder_is_gone(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").mkdir()

    assert sidecars_of(tmp_path / "talk.mp4") == []
    assert sidecars_of(tmp_path / "gone" / "talk.mp4") == []


def test_a_settled_folder_is_listed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk.srt").write_text("")
    os.utime(tmp_path, (1, 1))
    listed: list[Path] = []
    real = sidecar_names._listed

    def counting(folder: Path) -> sidecar_names._Listing:
        listed.append(folder)
        return real(folder)

    monkeypatch.setattr(sidecar_names, "_listed", counting)

    for number in range(5):
        sidecars_of(tmp_path / f"{number}.mp4")
    assert len(sidecars_of(tmp_path / "talk.mp4")) == 1
    assert len(listed) == 1
    (tmp_path / "talk.en.srt").write_text("")

    assert len(sidecars_of(tmp_path / "talk.mp4")) == 2
    assert len(listed) == 2
