"""Which files lack what a proxy run makes, and which have it from older content or another profile."""

from dataclasses import dataclass, field

from files import conf
from files.media import derived
from files.media.proxy_lookup import is_whole
from files.models import File, FileQuerySet
from jobs.bulk import ROWS_PER_STATEMENT


@dataclass
class Needs:
    """File ids, by what is to be done."""

    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    unavailable: list[int] = field(default_factory=list)
    fine: int = 0

    def ids(self, *, with_stale: bool) -> list[int]:
        return self.missing + (self.stale if with_stale else [])


def find_needs(files: FileQuerySet, spec: str = "") -> Needs:
    """Look at rows and at the disk. Stale: there is a proxy, but of another profile, or of what the file was before."""
    spec = spec or conf.proxy_profile()
    needs = Needs()
    for file in files.order_by("pk").prefetch_related("proxies").iterator(chunk_size=ROWS_PER_STATEMENT):
        proxies = list(file.proxies.all())
        wanted = next((proxy for proxy in proxies if proxy.proxy_spec == spec), None)
        if file.state != File.State.AVAILABLE:
            needs.unavailable.append(file.pk)
        elif file.media_type != File.MediaType.VIDEO:
            _sort_by_derived(needs, file)
        elif wanted is not None and not is_whole(wanted):
            needs.missing.append(file.pk)
        elif wanted is None:
            (needs.stale if any(map(is_whole, proxies)) else needs.missing).append(file.pk)
        elif file.sampled_hash and wanted.source_hash != file.sampled_hash:
            needs.stale.append(file.pk)
        else:
            _sort_by_derived(needs, file)
    return needs


def _sort_by_derived(needs: Needs, file: File) -> None:
    made = derived.read_made(file.pk)
    if made is None:
        needs.missing.append(file.pk)
    elif file.sampled_hash and made.source_hash != file.sampled_hash:
        needs.stale.append(file.pk)
    else:
        needs.fine += 1
