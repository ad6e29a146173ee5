"""What a file's content is called: a quick sample for guessing, a full hash for knowing."""

import os
from pathlib import Path

from blake3 import blake3

from files.models import File
from files.storage.originals import as_local_path
from files.storage.sampling import SAMPLE_BYTES, sampled_hash
from jobs.progress import NO_PROGRESS, Progress

__all__ = ["SAMPLE_BYTES", "ensure_full_hash", "full_hash", "sampled_hash"]

#: Read, not mapped: a mapped file that shrinks or whose drive goes away kills the process with SIGBUS.
CHUNK_BYTES = 8 * 1024 * 1024


def full_hash(path: Path, *, progress: Progress = NO_PROGRESS) -> str:
    """BLAKE3 over every byte, on all cores; can be cancelled between chunks."""
    digest = blake3(max_threads=blake3.AUTO)
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    done = 0
    with path.open("rb", buffering=0) as source:
        size = max(1, os.fstat(source.fileno()).st_size)
        while count := source.readinto(buffer):
            digest.update(view[:count])
            done += count
            progress.update(min(1.0, done / size), "Reading the file")
    return str(digest.hexdigest())


def ensure_full_hash(file: File, *, progress: Progress = NO_PROGRESS) -> str:
    """The full hash of an original, computed once per content. Raises OriginalUnavailableError."""
    with as_local_path(file) as path:
        facts = path.stat()
        if not file.full_hash or (facts.st_size, facts.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
            file.full_hash = full_hash(path, progress=progress)
            remember_full_hash(file)
    return file.full_hash


def remember_full_hash(file: File) -> None:
    """Keep a hash that took minutes to make, unless a scan has found other content there meanwhile."""
    same = {"size_bytes": file.size_bytes, "mtime_ns": file.mtime_ns, "sampled_hash": file.sampled_hash}
    File.everything.filter(pk=file.pk, **same).update(full_hash=file.full_hash)
