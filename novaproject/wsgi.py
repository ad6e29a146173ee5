"""WSGI entry point of the web server. It refuses settings that cannot be right, as every command does."""

import os

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from jobs.conf import SETTINGS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novaproject.settings")
application = get_wsgi_application()
refusals = [
    f"{message.msg} {message.hint or ''}".strip() for message in run_checks(tags=[SETTINGS]) if message.is_serious()
]
if refusals:
    raise ImproperlyConfigured("\n  ".join(["These settings cannot be right:", *refusals]))
