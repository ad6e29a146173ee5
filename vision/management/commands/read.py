"""`manage.py read --all`"""

from typing import ClassVar

from files.action_command import ActionCommand


class Command(ActionCommand):
    help = (
        "Read the text on screen of videos and pictures: signs, slides, titles, numbers. Free; needs `make run OCR=1`"
        " once. --dry-run says how long it takes."
        "  Example: .venv/bin/python manage.py read --filter is_read=false"
    )
    action: ClassVar = "read"
    option_names: ClassVar = ()
