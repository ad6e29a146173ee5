"""`manage.py see --all`"""

from typing import ClassVar

from files.action_command import ActionCommand


class Command(ActionCommand):
    help = (
        "Look at the frames of videos and pictures with the local picture model, so that words find what nobody said."
        " Free; what was looked at already is left as it is, unless forced."
        "  Example: .venv/bin/python manage.py see --filter is_seen=false"
    )
    action: ClassVar = "see"
    option_names: ClassVar = ()
