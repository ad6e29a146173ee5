"""Exact duplicates share what was made of one of them: no second decode, and no second copy on the disk."""

from files import conf
from files.media import derived
from files.media.proxy_lookup import find_good, has_derived, keep_row, proxy_path
from files.models import File, Proxy
from files.storage import disk, naming

#: What the rows of a shared proxy have in common.
SHARED = ("size_bytes", "duration_s", "width", "height", "is_partial", "source_hash", "metadata")


def take_from_twin(file: File, spec: str, content: str) -> Proxy | None:
    """Give `file` what an exact duplicate (equal full hash) has. None if there is none, or nothing to take.

    `content` is the sampled hash of what lies there now; where it is not what was imported, the full hash is old.
    """
    if not file.full_hash or content != file.sampled_hash:
        return None
    for twin in File.objects.filter(full_hash=file.full_hash).exclude(pk=file.pk).order_by("pk"):
        proxy = find_good(twin, spec, content)
        if proxy:
            _share_derived(twin, file)
            target = conf.folders().proxies / naming.proxy_name(file.name, file.pk, proxy.proxy_spec)
            disk.share(proxy_path(proxy), target)
            facts = {name: getattr(proxy, name) for name in SHARED}
            return keep_row(file, proxy.proxy_spec, {**facts, "path": target.name})
        if file.media_type != File.MediaType.VIDEO and has_derived(twin, content):
            _share_derived(twin, file)
            return None
    return None


def _share_derived(twin: File, file: File) -> None:
    made = derived.read_made(twin.pk)
    if made is None:
        return
    derived.forget_made(file.pk)
    for name in made.names:
        disk.share(derived.folder(twin.pk) / name, derived.folder(file.pk) / name)
    derived.write_made(file.pk, made)
