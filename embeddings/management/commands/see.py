"""`manage.py see --all`"""

from typing import ClassVar

from django.core.management.base import CommandParser

from embeddings.ways_of_seeing import LABELS
from files.action_command import ActionCommand


class Command(ActionCommand):
    help = (
        "Look at the frames of videos and pictures, so that words find what nobody said: free with the local picture"
        " model, or paid with Nova. What was looked at already is left as it is, unless forced."
        "  Example: .venv/bin/python manage.py see --filter is_seen=false"
        "  What each way costs: .venv/bin/python manage.py see --all --dry-run"
    )
    action: ClassVar = "see"
    option_names: ClassVar = ("how",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--how", choices=list(LABELS), help="who looks; by default the space in use")
