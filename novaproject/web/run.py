"""The web server's process: `python -m novaproject.web.run HOST PORT`, started and kept by `manage.py serve`."""

import ctypes
import logging
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from types import FrameType
from typing import Any

#: The model that embeds questions (100 MB) goes when nobody searched for so long.
MODEL_IDLE_S = 300.0
#: What a machine asks for again and again, with nobody in front of it.
WITHOUT_VISITOR = ("/api/health", "/metrics", "/static/")


class Visitors:
    """The application, which makes search ready while the first page is looked at: not before somebody comes, because
    the model takes a hundred megabytes, and anew after it was let go.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], warm: Callable[[], None]) -> None:
        self.application, self.warm = application, warm
        self.are_expected = threading.Event()
        self.are_expected.set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.are_expected.is_set() and not environ.get("PATH_INFO", "").startswith(WITHOUT_VISITOR):
            self.are_expected.clear()
            threading.Thread(target=self.warm, name="warm search", daemon=True).start()
        return self.application(environ, start_response)


def main(host: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    application = import_module("novaproject.wsgi").application  # sets Django up; what follows needs that
    from django.conf import settings

    from embeddings.providers.local import release_unused
    from embeddings.searching.warming import warm
    from novaproject.web.limits import Limits
    from novaproject.web.server import Server

    # What does not fit into memory of an upload has no name, beside its place: it goes with this process.
    tempfile.tempdir = settings.FILE_UPLOAD_TEMP_DIR
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
    # Behind a proxy all connections come from one address: there the proxy counts (docs/running.md).
    limits = Limits(per_client=0) if settings.TRUST_FORWARDED else Limits()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)

    visitors = Visitors(application, warm)

    def release_memory() -> None:
        if release_unused(MODEL_IDLE_S):
            visitors.are_expected.set()
            if sys.platform == "linux":
                ctypes.CDLL(None).malloc_trim(0)

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server = Server(visitors, (host, port), limits, tidy=release_memory)
    try:
        server.asyncore.loop(timeout=1, map=server._map, use_poll=True)
    except SystemExit:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
