"""`manage.py frames --all`"""

from typing import ClassVar

from files.action_command import ActionCommand


class Command(ActionCommand):
    help = (
        "Choose the frames of videos and pictures that are worth looking at: what search, text on screen and"
        " near-duplicates work with. Free."
        "  Example: .venv/bin/python manage.py frames --filter has_frames=false"
    )
    action: ClassVar = "frames"
    option_names: ClassVar = ()
