"""What was made of a file already, and is whole."""

from pathlib import Path

from files import conf, derived
from files.models import File, Proxy


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
