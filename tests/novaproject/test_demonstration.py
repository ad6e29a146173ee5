"""The demonstration clips: real videos with cuts, sound and subtitles, made here."""

from pathlib import Path

from django.conf import settings

from files.media.probe import probe
from novaproject.setup import demonstration
from transcription.subtitles import reader


def test_makes_three_clips_each_with_its_subtitles(folders: Path) -> None:
    folder = demonstration.make_clips(settings.DATA_DIR / "demo")

    assert len(list(folder.glob("*.mp4"))) == 3
    for clip in folder.glob("*.mp4"):
        info = probe(clip)
        assert abs((info.duration_s or 0) - 3 * demonstration.SCENE_S) < 0.5
        assert (info.width, info.height) == demonstration.SIZE
        assert info.audio_codec == "aac"
        cues = reader.read(clip.with_suffix(".en.vtt")).segments
        assert len(cues) == 6
        assert cues[-1].end_s <= (info.duration_s or 0)
    assert {path.suffix for path in folder.iterdir()} == {".mp4", ".vtt"}
