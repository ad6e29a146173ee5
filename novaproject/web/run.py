"""The web server's process: `python -m novaproject.web.run HOST PORT`, started and kept by `manage.py serve`."""

import ctypes
import logging
import resource
import signal
import sys
import tempfile
import threading
from importlib import import_module
from types import FrameType

#: The model that embeds questions (100 MB) goes when nobody searched for so long.
MODEL_IDLE_S = 300.0


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

    def release_memory() -> None:
        if release_unused(MODEL_IDLE_S) and sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server = Server(application, (host, port), limits, tidy=release_memory)
    # Whoever searches first does not wait for the model; it goes again where nobody does.
    threading.Thread(target=warm, name="warm search", daemon=True).start()
    try:
        server.asyncore.loop(timeout=1, map=server._map, use_poll=True)
    except SystemExit:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
