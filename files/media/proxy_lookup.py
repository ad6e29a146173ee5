"""What was made of a file already, and is whole."""

from pathlib import Path
from typing import Any

from django.db import transaction

from files import conf
from files.media import derived
from files.models import File, Proxy
from files.storage import disk


def proxy_path(proxy: Proxy) -> Path:
    return conf.folders().proxies / proxy.path


def is_whole(proxy: Proxy) -> bool:
    """Whether its file is there, in its size."""
    path = proxy_path(proxy)
    return path.is_file() and path.stat().st_size == proxy.size_bytes


def find_good(file: File, spec: str, content: str, audio_track: int | None = None) -> Proxy | None:
    """The proxy of this spec, if it and all beside it are whole and made from this content and this sound track."""
    proxy = file.proxies.filter(proxy_spec=spec, source_hash=content).first()
    return proxy if proxy and is_whole(proxy) and has_derived(file, content, audio_track) else None


def has_derived(file: File, content: str, audio_track: int | None = None) -> bool:
    """Whether sound, poster and sprite are there, as far as this content has them."""
    made = derived.read_made(file.pk)
    return bool(made and made.source_hash == content and audio_track in (None, made.audio_track))


def keep_row(file: File, spec: str, facts: dict[str, Any]) -> Proxy:
    """Write the row of a proxy that was just made; one under an older name of the file goes."""
    with transaction.atomic():
        before = file.proxies.filter(proxy_spec=spec).values_list("path", flat=True).first()
        proxy, _is_new = Proxy.objects.update_or_create(file=file, proxy_spec=spec, defaults=facts)
        if before is not None and before != proxy.path:
            old = conf.folders().proxies / before
            transaction.on_commit(lambda: disk.remove(old))
    return proxy
