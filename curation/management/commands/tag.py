"""`manage.py tag`: put tags on files, or take them off."""

from django.core.management.base import CommandParser

from files.action_command import ActionCommand


class Command(ActionCommand):
    help = "Put tags on files, or take them off. Example: manage.py tag --filter directory=2026/09 --add interview"
    action = "tag"
    option_names = ("add", "remove")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--add", action="append", metavar="TAG", help="put this tag on; repeatable")
        parser.add_argument("--remove", action="append", metavar="TAG", help="take this tag off; repeatable")
