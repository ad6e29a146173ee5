"""The web server's own lines go where all others go: same form, same file, and without secrets.

They can hold some: gunicorn quotes a header that it cannot read, and may do so before Django is set up.
"""

import os
from typing import Any

from django.conf import settings
from django.utils.log import configure_logging
from gunicorn.glogging import Logger


class WebLogger(Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
        configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
