"""What is ready, what is not, and what to do about it. One list for the set-up page and for `manage.py doctor`.

Each floor says for itself whether it is ready; here the answers are put in order and into words. Nothing here asks AWS
unless `ask_aws` is given.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from bedrock import checks as bedrock_checks
from embeddings import registry as spaces
from embeddings.indexing import languages, repair
from embeddings.models import Space
from files import conf as files_conf
from files.errors import FilesError
from files.media import ffmpeg
from files.storage import disk
from jobs import clock, no_network, owners
from jobs.errors import WorkError
from jobs.execution.claims import is_paused
from jobs.registry import QUEUES
from jobs.workers import clusters
from novaproject.sqlite_module import can_load_extensions
from transcription import registry as transcription_providers
from transcription.providers.base import EngineRequest

#: Below this much room, proxies of a library will soon not fit.
LOW_DISK_BYTES = 5 * 10**9
#: Measured: about 2.5 MB a minute of 720p15.
PROXY_BYTES_PER_HOUR = 150 * 10**6
#: A clock that is off by more misleads whoever reads dates.
CLOCKS_APART_S = 5.0
LOCAL, AWS = "Needed", "Only for Amazon Nova"


class Level(StrEnum):
    """How a check ended."""

    READY = "ready"
    MEND = "mend"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True)
class Check:
    """One finding: a name, what was found, and, where something is missing, the remedy."""

    name: str
    level: Level
    text: str
    remedy: str = ""
    group: str = LOCAL

    @property
    def is_bad(self) -> bool:
        return self.level is Level.MEND


def checks(*, ask_aws: bool = False, read_index: bool = False) -> list[Check]:
    """Everything, in the order in which a person would mend it."""
    looks = [*LOCAL_CHECKS, _index] if read_index else LOCAL_CHECKS
    checks = [check for look in looks for check in look()]
    of_aws = [*bedrock_checks.local(), *(bedrock_checks.remote() if ask_aws else [])]
    levels = {True: Level.READY, False: Level.WARN, None: Level.OFF}
    for check in {check.name: check for check in of_aws}.values():  # what AWS says stands for what the settings say
        checks.append(Check(check.name, levels[check.ok], check.text, check.remedy, AWS))
    return sorted(checks, key=lambda check: check.group != LOCAL)


def _database() -> Iterator[Check]:
    name = "Database"
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as exc:
        yield Check(name, Level.MEND, f"The database cannot be read: {exc}", "Run: .venv/bin/python manage.py migrate")
        return
    if waiting:
        text = f"{len(waiting)} changes of the database are waiting."
        yield Check(name, Level.MEND, text, "Run: .venv/bin/python manage.py migrate")
    else:
        yield Check(name, Level.READY, f"{connection.settings_dict['NAME']} is up to date.")


def _vector_search() -> Iterator[Check]:
    name = "Vector search"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extversion, current_setting('server_version') FROM pg_extension WHERE extname='vector'"
            )
            version, server = cursor.fetchone() or ("nothing", "unknown")
        yield Check(name, Level.READY, f"Works, by pgvector {version} and PostgreSQL {server}.")
        return
    if not can_load_extensions(sqlite3):
        text = "This Python's sqlite3 cannot load extensions, so search is by keyword only."
        yield Check(name, Level.WARN, text, "Install pysqlite3-binary in .venv, or use a Python built with extensions.")
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT vec_version()")
            version = cursor.fetchone()[0]
    except DatabaseError as exc:
        text = f"sqlite-vec cannot be loaded ({exc}), so search is by keyword only."
        yield Check(name, Level.WARN, text, "Install sqlite-vec in .venv, or set SQLITE_VEC_PATH to a build of it.")
        return
    yield Check(name, Level.READY, f"Works, by sqlite-vec {version} and SQLite {sqlite3.sqlite_version}.")


def _host() -> Iterator[Check]:
    """Where several hosts share a database: who this one is, and whether its clock agrees."""
    if connection.vendor != "postgresql":
        return
    apart_s = abs((clock.now() - timezone.now()).total_seconds())
    text = f"Known as {owners.host_id()}; its clock and the database's are {apart_s:.1f} s apart."
    if apart_s < CLOCKS_APART_S:
        yield Check("This host", Level.READY, text)
    else:
        remedy = "Leases go by the database's, dates and logs do not: put this one right (timedatectl set-ntp true)."
        yield Check("This host", Level.WARN, text, remedy)


def _index() -> Iterator[Check]:
    """Reads the whole index: seconds for a hundred thousand chunks."""
    findings = repair.check()
    for finding in findings:
        yield Check("Search index", Level.WARN, finding.text, "Run: .venv/bin/python manage.py embed --repair")
    if not findings:
        yield Check("Search index", Level.READY, "Words and vectors agree with what they stand for.")


def _ffmpeg() -> Iterator[Check]:
    try:
        chosen = ffmpeg.find_program(files_conf.ffmpeg_path())
        version = ffmpeg.version(chosen.path)
        encoder = ffmpeg.h264_encoder()
    except FilesError as exc:
        yield Check("ffmpeg", Level.MEND, str(exc), exc.remedy)
        return
    by = "the processor encodes" if encoder == "libx264" else f"{encoder} encodes on the graphics card"
    number, least = (".".join(map(str, parts)) for parts in (version, ffmpeg.MINIMUM_VERSION))
    text = f"Version {number}, {chosen.reason}; {by}. {chosen.path}"
    if version < ffmpeg.MINIMUM_VERSION:  # only one that the settings name can be so old
        yield Check(
            "ffmpeg",
            Level.WARN,
            text,
            f"{least} is the oldest that is supported: name a newer one, or empty FFMPEG_PATH.",
        )
    else:
        yield Check("ffmpeg", Level.READY, text)


def _decoders() -> Iterator[Check]:
    name = "Opening strangers' files"
    how = "in processes of their own, with limits on memory, time and pixels"
    if no_network.is_deniable():
        yield Check(name, Level.READY, f"Done {how}, and without a network.")
    else:
        text = f"Done {how}; this system cannot deny them the network (seccomp is not there)."
        yield Check(name, Level.OFF, text)


def _sentence_model() -> Iterator[Check]:
    name = "Sentence model"
    try:
        wanted = spaces.default_key()
        used = Space.objects.active()
        key = used.key if used else wanted
        problem = spaces.provider_for(key).problem()
    except WorkError as exc:
        yield Check(name, Level.WARN, str(exc), exc.remedy)
        return
    except DatabaseError:
        return  # said by the check of the database
    if problem:
        yield Check(name, Level.WARN, problem, "Run `make run` again, or search by keyword.")
    elif key != wanted:
        text = f"Search uses “{key}”, the settings ask for “{wanted}”."
        remedy = (
            "Fill that space and switch to it: .venv/bin/python manage.py embed --new-space, then embed --switch. "
            "Or let the settings (EMBEDDING_PROVIDER and what goes with it) name the one in use."
        )
        yield Check(name, Level.WARN, text, remedy)
    else:
        yield Check(name, Level.READY, f"{key.model}, {key.dimension} numbers per text.")
    if used and (spoken := languages.unread(used)):
        text = (
            f"{spoken.count:,} of {spoken.total:,} transcripts are in languages that {spoken.model} does not read, "
            f"most in {spoken.name}: there only words find what is said."
        )
        remedy = (
            "Fetch a model that does: .venv/bin/python manage.py download_model multilingual-e5-small --kind text. "
            "Then make its space on the page Embedding spaces, build it, compare, and use it."
        )
        yield Check("Languages of the sentence model", Level.WARN, text, remedy)


def _picture_model() -> Iterator[Check]:
    name = "Picture model"
    try:
        if settings.PICTURE_PROVIDER == "off":
            yield Check(name, Level.OFF, "Looking at pictures is switched off (PICTURE_PROVIDER=off).")
            return
        wanted = spaces.wanted_picture_key()
        used = Space.objects.for_pictures()
        key = used.key if used else wanted
        problem = spaces.provider_for(key).problem()
    except WorkError as exc:
        yield Check(name, Level.WARN, str(exc), exc.remedy)
        return
    except DatabaseError:
        return  # said by the check of the database
    if problem:
        text, _, remedy = problem.partition(". ")
        yield Check(name, Level.OFF if used is None else Level.WARN, f"{text}.", remedy)
    elif key != wanted:
        text = f"What is seen is searched by “{key}”, the settings ask for “{wanted}”."
        remedy = "Choose the space in the admin's list of spaces, or let PICTURE_MODEL name the one in use."
        yield Check(name, Level.WARN, text, remedy)
    else:
        yield Check(name, Level.READY, f"{key.model}, {key.dimension} numbers per frame.")


def _transcription() -> Iterator[Check]:
    for provider in transcription_providers.all_providers():
        ready = provider.readiness(EngineRequest())
        group = AWS if provider.is_paid else LOCAL
        if ready.is_ready:
            yield Check(provider.label, Level.READY, "Ready.", group=group)
        else:
            level = Level.OFF if provider.is_paid else Level.WARN
            yield Check(provider.label, level, ready.reason, ready.remedy, group)


def _disk() -> Iterator[Check]:
    free = disk.free_bytes(settings.PROXY_DIR)
    hours = free // PROXY_BYTES_PER_HOUR
    text = f"{filesizeformat(free)} are free for proxies: room for about {hours:,} h of video."
    level = Level.READY if free > LOW_DISK_BYTES else Level.WARN
    yield Check(
        "Disk", level, text, "" if level is Level.READY else "Free some space, or set PROXY_DIR to another disk."
    )


def _workers() -> Iterator[Check]:
    try:
        count = sum(cluster.workers for cluster in clusters.standing())
        paused = [name for name in QUEUES if is_paused(name)]
    except DatabaseError:
        return  # said by the check of the database
    if not count:
        remedy = "Start them: make run, or .venv/bin/python manage.py work. Jobs wait."
        yield Check("Workers", Level.WARN, "None is running.", remedy)
    elif paused:
        names = " and ".join(paused)
        yield Check("Workers", Level.WARN, f"{count} are running; paused: {names}.", "Resume it on the jobs page.")
    else:
        yield Check("Workers", Level.READY, f"{count} are running.")


LOCAL_CHECKS: list[Callable[[], Iterator[Check]]] = [
    _database,
    _host,
    _ffmpeg,
    _decoders,
    _vector_search,
    _sentence_model,
    _picture_model,
    _transcription,
    _workers,
    _disk,
]
