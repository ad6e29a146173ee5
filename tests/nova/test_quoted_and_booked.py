"""What is shown before is never less than what is reserved, nor than what is booked after."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bedrock.models import Entry
from files.models import File
from nova.options import AnalysisRequest
from nova.quoting import quote
from nova.tasks import request_analysis
from nova.types.registry import add_version
from tests.nova.clips import make_clip, work_off
from tests.standin.world import World
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db(transaction=True)
#: A firm's own taxonomy: forty questions with their explanations.
LONG = {
    "type": "object",
    "properties": {
        f"feature_{number}": {"type": "string", "description": f"What is seen of feature number {number}. " * 6}
        for number in range(40)
    },
}


@pytest.fixture
def clip(aws: World, folders: Path, tmp_path: Path, settings: Any) -> File:
    settings.IMPORT_STEPS = []
    return make_clip(tmp_path / "media")


def say(file: File, line: str, times: int) -> None:
    lines = [SpokenSegment(start_s=20 * n / times, end_s=20 * (n + 1) / times, text=line) for n in range(times)]
    save_transcript(file, NewTranscript(provider="whisper", model="base", segments=lines))


@pytest.mark.parametrize("what", ["plain", "all types", "english", "japanese", "a type of one's own", "copies, again"])
def test_the_high_figure_holds(aws: World, clip: File, tmp_path: Path, what: str) -> None:
    types: tuple[str, ...] = ("summary",)
    if what == "all types":
        types = ("summary", "chapters", "elements")
    elif what == "english":
        say(clip, "We pour the concrete for the basin now.", 100)
    elif what == "japanese":
        say(clip, "それでは、これから池の底にコンクリートを流し込みます。", 100)
    elif what == "a type of one's own":
        add_version("taxonomy", prompt="Look closely. " * 50, schema=LONG)
        types = ("taxonomy",)
    force = what == "copies, again"
    files = [clip]
    if force:
        files.append(make_clip(tmp_path / "media", "copy.mp4", root=clip.root, seed="a clip.mp4"))
        for file in files:
            request_analysis(file, AnalysisRequest(model="lite", types=types))
            work_off()
        Entry.objects.all().delete()
    wanted = AnalysisRequest(model="lite", types=types)
    shown = quote(File.objects.all(), wanted, force=force)

    for file in files:
        request_analysis(File.objects.get(pk=file.pk), wanted, force=force)
        work_off()

    reserved = [entry.reserved_usd or Decimal(0) for entry in Entry.objects.all()]
    booked = [entry.actual_usd or Decimal(0) for entry in Entry.objects.all()]
    assert shown.records == len(reserved)
    assert shown.usd_high is not None
    assert sum(booked) <= sum(reserved) <= shown.usd_high
