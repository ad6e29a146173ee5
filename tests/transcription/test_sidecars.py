"""Which subtitle files belong to which media file."""

import os
from pathlib import Path

import pytest

from transcription import sidecar_names
from transcription.sidecar_names import sidecar_of, sidecars_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.srt", ""),
        ("Talk.SRT", ""),
        ("talk.en.vtt", "en"),
        ("talk.pt-BR.srt", "pt-BR"),
        ("talk.en.forced.srt", "en"),
        ("talk.ass", ""),
        ("talk-2.srt", None),
        ("talk.part2.final.srt", None),
        ("talk.txt", None),
        ("talker.srt", None),
    ],
)
def test_knows_its_own_by_name(tmp_path: Path, name: str, language: str | None) -> None:
    (tmp_path / name).write_text("")

    found = sidecars_of(tmp_path / "talk.mp4")

    assert [car.language for car in found] == ([] if language is None else [language])


def test_prefers_the_wanted_language_then_the_plain_one(tmp_path: Path) -> None:
    for name in ("talk.de.srt", "talk.en.vtt", "talk.vtt", "talk.srt"):
        (tmp_path / name).write_text("")

    best, german = sidecar_of(tmp_path / "talk.mp4"), sidecar_of(tmp_path / "talk.mp4", language="DE")

    assert best is not None
    assert best.path.name == "talk.srt"
    assert german is not None
    assert german.path.name == "talk.de.srt"


def test_none_where_there_is_none_or_the_folder_is_gone(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").mkdir()

    assert sidecar_of(tmp_path / "talk.mp4") is None
    assert sidecar_of(tmp_path / "gone" / "talk.mp4") is None


def test_a_settled_folder_is_listed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk.srt").write_text("")
    os.utime(tmp_path, (1, 1))
    listed: list[Path] = []
    real = sidecar_names._listed

    def counting(folder: Path) -> tuple[Path, ...]:
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
