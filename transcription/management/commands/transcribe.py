"""`manage.py transcribe 12 13`"""

from typing import ClassVar

from django.core.management.base import CommandParser

from files.action_command import ActionCommand


class Command(ActionCommand):
    help = (
        "Transcribe files, by id or by filter. A file that has such a transcript is left as it is, unless forced."
        "  Example: .venv/bin/python manage.py transcribe --filter has_transcript=false --model small"
    )
    action: ClassVar = "transcribe"
    option_names: ClassVar = ("provider", "model", "engine", "language", "audio_track")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--provider", default="whisper")
        parser.add_argument("--model", default="", help="size such as small, or a path in WHISPER_MODEL_DIR")
        parser.add_argument("--engine", default="auto", help="faster-whisper or openai-whisper")
        parser.add_argument("--language", default="", help="such as en; default: detect")
        parser.add_argument("--audio-track", type=int, help="counted from 0")
