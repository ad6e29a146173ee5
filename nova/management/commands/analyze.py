"""`manage.py analyze 12 13 --model lite --mode flex`"""

from typing import ClassVar

from django.core.management.base import CommandParser

from files.action_command import ActionCommand
from nova.models import NovaJob
from nova.options import SKIPPED
from nova.serializers import MODELS
from nova.types.built_in import BUILT_IN
from nova.types.spec import DEPTHS


class Command(ActionCommand):
    help = (
        "Analyse videos and pictures: by the free local model, or by Nova at once, in flex or in a batch (both half"
        " price). The price is said first.  Example:"
        " .venv/bin/python manage.py analyze --filter has_nova_analysis=false --model lite --mode batch"
    )
    action: ClassVar = "nova"
    option_names: ClassVar = ("model", "mode", "analysis_types", "summary_depth", "language", "skip")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--model", default="local", choices=[key for key, _ in MODELS])
        parser.add_argument("--mode", default="realtime", choices=NovaJob.Mode.values)
        parser.add_argument(
            "--types",
            dest="analysis_types",
            type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
            default=list(BUILT_IN),
            help="separated by commas: summary, chapters, elements, picture_text, or types of your own",
        )
        parser.add_argument("--depth", dest="summary_depth", default="standard", choices=DEPTHS)
        parser.add_argument(
            "--skip", nargs="+", default=[], choices=list(SKIPPED), help="leave out, by what is known for free"
        )
        parser.add_argument("--language", default="auto", help="of the answer, such as en; auto: the one spoken")
