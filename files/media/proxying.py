"""Make what the rest works with: one decode of a source gives proxy, sound, poster and scrub sprite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from PIL.Image import Image

from files import conf
from files.errors import FfmpegFailedError, FilesError, MediaError, UnreadableError
from files.media import decoding, derived, ffmpeg, filter_graphs, pictures, probe, profiles, sprites
from files.media.derived import DerivedManifest
from files.media.info import AudioTrack, MediaInfo
from files.media.profiles import Profile
from files.media.proxy_lookup import find_good, has_derived, keep_row
from files.media.sharing import take_from_twin
from files.media.sound_tracks import choose_track, wanted_track
from files.models import DECODED, IS_DAMAGED, File, Proxy
from files.storage import disk, naming
from files.storage.hashing import sampled_hash
from files.storage.originals import as_local_path
from jobs.progress import NO_PROGRESS, Progress

#: A copy may be this much shorter than its source before the source counts as cut short.
TOLERANCE_S, TOLERANCE_PART = 1.0, 0.02
#: A claim that is off by less stays: it counts frames that are finer than a proxy's.
SAME_LENGTH_S = 0.5
#: Containers whose length is the difference between two clock readings.
CLOCKED = frozenset({"mpeg", "mpegts"})
#: The cells of the sprite, one after the other, before they are laid out.
STRIP = "strip.mjpeg"
#: The frame that becomes the poster, unless it shows nothing.
FIRST_POSTER = "first-poster.jpg"


def make_proxy(
    file: File, *, spec: str = "", progress: Progress = NO_PROGRESS, audio_track: int | None = None, token: str = ""
) -> Proxy | None:
    """Make proxy, 16 kHz sound, poster and sprite of `file`, if they are not there for this content already.

    Pictures get a poster and sound files their sound; both have no proxy: None. `audio_track` is the index of a sound
    track (None: by the folder's rule, else the one chosen before, else the default). `token` keeps two attempts'
    temporary files apart.
    """
    wanted = wanted_track(file, audio_track)
    profile = profiles.parse(spec or conf.proxy_profile())
    with as_local_path(file) as source:
        content = sampled_hash(source)
        proxy = find_good(file, profile.name, content, wanted)
        if proxy is None and wanted is None:
            proxy = take_from_twin(file, profile.name, content)
        if proxy and not proxy.is_partial:
            learn_duration(file, proxy.duration_s)
        if proxy or (file.media_type != File.MediaType.VIDEO and has_derived(file, content, wanted)):
            return proxy
        run = _Run(file, source, profile, content, token)
        try:
            if file.media_type == File.MediaType.IMAGE:
                run.make_picture()
                return None
            return run.make(progress, audio_track)
        finally:
            if not File.objects.filter(pk=file.pk).exists():  # removed meanwhile: nothing of it stays
                disk.remove_tree(derived.folder(file.pk))


def remove_attempts(file: File, job_id: int) -> None:
    """Delete what earlier attempts of a job left, whose worker was killed: their names begin with the job's id."""
    for place in (conf.folders().proxies, derived.folder(file.pk)):
        for path in place.glob(f".{job_id}-*.part"):
            disk.remove(path)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One way to convert a file."""

    encoder: str
    can_tonemap: bool
    sound: AudioTrack | None


@dataclass
class _Run:
    """One attempt at one file."""

    file: File
    source: Path
    profile: Profile
    content: str
    token: str

    def make_picture(self) -> None:
        poster = decoding.poster_of_image(self.source)
        disk.write(derived.folder(self.file.pk) / derived.POSTER, poster.content, token=self.token)
        note_damage(self.file, is_damaged=poster.is_damaged)
        derived.write_made(
            self.file.pk, DerivedManifest(source_hash=self.content, names=(derived.POSTER,)), token=self.token
        )

    def make(self, progress: Progress, audio_track: int | None) -> Proxy | None:
        info = decoding.media_info(self.source)
        before = derived.read_made(self.file.pk)
        kept = before.audio_track if before and before.source_hash == self.content else None
        sound = choose_track(self.file, info.audio_tracks, audio_track, kept=kept)
        if info.video is None and sound is None:
            raise UnreadableError(f"{naming.shown(self.file.name)} has neither a picture nor sound that can be read.")
        disk.require_space(conf.folders().proxies, self.profile.expected_bytes(info.duration_s))
        place = derived.folder(self.file.pk)
        targets = filter_graphs.Targets(
            proxy=disk.temporary(self._proxy_target(), self.token) if info.video else None,
            audio=disk.temporary(place / derived.AUDIO, self.token) if sound else None,
            poster=disk.temporary(place / FIRST_POSTER, self.token) if info.video else None,
            sprite=disk.temporary(place / STRIP, self.token) if info.video else None,
        )
        try:
            outcome, sound = self._convert(info, targets, sound, progress)
            progress.check()
            return self._keep(info, targets if sound else replace(targets, audio=None), sound, outcome)
        finally:
            for temp in (targets.proxy, targets.audio, targets.poster, targets.sprite):
                if temp:
                    disk.remove(temp)

    def _proxy_target(self) -> Path:
        return conf.folders().proxies / naming.proxy_name(self.file.name, self.file.pk, self.profile.name)

    def _convert(
        self, info: MediaInfo, targets: filter_graphs.Targets, sound: AudioTrack | None, progress: Progress
    ) -> tuple[ffmpeg.Outcome, AudioTrack | None]:
        """The run, and the sound that came along. If no attempt succeeds, the first one's error is told."""
        first: FfmpegFailedError | None = None
        for attempt in attempts(info, sound):
            look = self._look(info, attempt) if info.video else None
            wanted = targets if attempt.sound else replace(targets, audio=None)
            arguments = filter_graphs.arguments(
                ffmpeg.source_args(self.source), info, wanted, look=look, sound=attempt.sound
            )
            message = f"Making {self.profile.name}"
            try:
                outcome = ffmpeg.run(arguments, duration_s=info.duration_s, progress=progress, message=message)
            except FfmpegFailedError as error:
                self._check_source()
                if error.retryable:
                    raise
                first = first or error
            else:
                # Some versions are content with a sound track without one sample: the proxy is not to bear it.
                if not (attempt.sound and info.video and targets.audio) or _is_written(targets.audio):
                    return outcome, attempt.sound
        raise first or UnreadableError(f"{naming.shown(self.file.name)} has nothing in it that can be converted.")

    def _look(self, info: MediaInfo, attempt: Attempt) -> filter_graphs.PictureTreatment:
        return filter_graphs.PictureTreatment(
            profile=self.profile,
            encoder=attempt.encoder,
            quality=ffmpeg.quality(attempt.encoder),
            size=self.profile.size(info.width or 2, info.height or 2),
            sprite=self._sprite(info),
            can_tonemap=attempt.can_tonemap,
        )

    def _check_source(self) -> None:
        """Whether the source is what it was: a drive that was pulled and a copy still going on are no damage."""
        with as_local_path(self.file) as source:
            if sampled_hash(source) != self.content:
                raise UnreadableError(
                    f"{naming.shown(self.file.name)} changed while it was read.",
                    remedy="It is tried again by itself, when whatever writes it is done.",
                    retryable=True,
                )

    def _keep(
        self, info: MediaInfo, targets: filter_graphs.Targets, sound: AudioTrack | None, outcome: ffmpeg.Outcome
    ) -> Proxy | None:
        """Check what was written, then give it its names, the proxy last."""
        self._check_source()
        try:
            # Exit status 0 says little: a source without one whole frame gives an MP4 without streams (seen).
            copy = probe.probe(targets.proxy or targets.audio or self.source)
        except (MediaError, FileNotFoundError) as error:
            raise UnreadableError(
                f"{naming.shown(self.file.name)} is damaged: not one frame of it could be converted."
            ) from error
        is_partial = is_cut_short(info, copy.duration_s, outcome)
        derived.forget_made(self.file.pk)
        names = self._write_derived(info, targets, copy)
        made = DerivedManifest(
            source_hash=self.content,
            audio_track=sound.index if sound else None,
            sprite=self._sprite(info) if derived.SPRITE in names else None,
            names=tuple(names),
        )
        derived.write_made(self.file.pk, made, token=self.token)
        if not is_partial:
            learn_duration(self.file, copy.duration_s)
        if targets.proxy is None:
            note_damage(self.file, is_damaged=is_partial)
            return None
        facts = {
            "path": self._proxy_target().name,
            "size_bytes": targets.proxy.stat().st_size,
            "duration_s": copy.duration_s,
            "width": copy.width,
            "height": copy.height,
            "is_partial": is_partial,
            "source_hash": self.content,
            "created_at": timezone.now(),
            "metadata": {
                "proxy_spec": self.profile.name,
                "frame_rate": copy.frame_rate,
                "audio_track": sound.index if sound else None,
                "source_duration_s": info.duration_s,
                "damaged_lines": outcome.damaged_lines,
            },
        }
        disk.replace(targets.proxy, self._proxy_target())
        with transaction.atomic():
            File.everything.hold(self.file.pk)
            if not File.objects.filter(pk=self.file.pk).exists():
                disk.remove(self._proxy_target())
                raise FilesError(f"{naming.shown(self.file.name)} left the library meanwhile.")
            return keep_row(self.file, self.profile.name, facts)

    def _write_derived(self, info: MediaInfo, targets: filter_graphs.Targets, copy: MediaInfo) -> list[str]:
        """Sound, poster, sprite and its index, as far as there are any; returns the names written."""
        place, names = derived.folder(self.file.pk), []
        cells = pictures.cells_of(targets.sprite) if targets.sprite and _is_written(targets.sprite) else []
        if targets.audio and _is_written(targets.audio):
            disk.replace(targets.audio, place / derived.AUDIO)
            names.append(derived.AUDIO)
        if poster := self._poster(info, targets, cells):
            disk.write(place / derived.POSTER, poster, token=self.token)
            names.append(derived.POSTER)
        if cells:
            sprite = self._sprite(info)
            disk.write(place / derived.SPRITE, pictures.sheet_of(cells, sprite.columns), token=self.token)
            index = sprites.write_vtt(sprite, copy.duration_s or 0)
            disk.write(place / derived.SPRITE_VTT, index.encode(), token=self.token)
            names += [derived.SPRITE, derived.SPRITE_VTT]
        return names

    def _poster(self, info: MediaInfo, targets: filter_graphs.Targets, cells: Sequence[Image]) -> bytes | None:
        """The frame from the first tenth if it shows something, else the one that shows most; of a sound its cover."""
        if info.video is None:
            return decoding.poster_of_cover(self.source)
        poster = targets.poster.read_bytes() if targets.poster and _is_written(targets.poster) else None
        if poster and targets.proxy and cells and pictures.is_dull(poster):
            liveliest = max(range(len(cells)), key=lambda cell: pictures.liveliness(cells[cell]))
            at_s = liveliest * self._sprite(info).interval_s
            return pictures.frame_at(targets.proxy, at_s) or poster
        return poster

    def _sprite(self, info: MediaInfo) -> sprites.Sprite:
        return sprites.plan(info.duration_s, *self.profile.size(info.width or 2, info.height or 2))


def attempts(info: MediaInfo, sound: AudioTrack | None) -> Iterator[Attempt]:
    """The ways to convert a file, the best first: each gives up something of the one before.

    Colours that no filter takes are labelled anew; a GPU refuses some sizes and has a limit of sessions, so the CPU
    does all; and an empty or broken sound track fails the whole run, so the picture goes alone.
    """
    encoder = ffmpeg.h264_encoder() if info.video else ffmpeg.CPU_ENCODER
    can_tonemap = ffmpeg.has_filter("zscale") and ffmpeg.has_filter("tonemap")
    for track in [sound, None] if sound and info.video else [sound]:
        yield Attempt(encoder=encoder, can_tonemap=can_tonemap, sound=track)
        if info.video and can_tonemap:
            yield Attempt(encoder=encoder, can_tonemap=False, sound=track)
        if encoder != ffmpeg.CPU_ENCODER:
            yield Attempt(encoder=ffmpeg.CPU_ENCODER, can_tonemap=False, sound=track)


def learn_duration(file: File, decoded_s: float | None) -> None:
    """What was decoded is what there is: the length that a container claims may be missing, guessed or wrong."""
    if not decoded_s or (file.duration_s is not None and abs(file.duration_s - decoded_s) <= SAME_LENGTH_S):
        return
    file.duration_s = decoded_s
    file.metadata = {**file.metadata, DECODED: decoded_s}
    file.save(update_fields=["duration_s", "metadata"])


def note_damage(file: File, *, is_damaged: bool) -> None:
    """Mark a picture or a sound, which have no proxy that could say it, as one of which only a part can be read."""
    if is_damaged != bool(file.metadata.get(IS_DAMAGED)):
        file.metadata = {**file.metadata, IS_DAMAGED: is_damaged}
        file.save(update_fields=["metadata"])


def is_cut_short(info: MediaInfo, copy_s: float | None, outcome: ffmpeg.Outcome) -> bool:
    """Whether some of the source is not there: it is shorter than it says to be, and ffmpeg came upon its end.

    What is measured by its clock alone (DVD, broadcast) says nothing of how long it is.
    """
    if info.duration_s is None or info.container in CLOCKED or not outcome.damaged_lines:
        return False
    return info.duration_s - (copy_s or 0) > max(TOLERANCE_S, TOLERANCE_PART * info.duration_s)


def _is_written(temp: Path) -> bool:
    """Whether there is something in it; an empty sound track leaves a FLAC without one sample."""
    try:
        return bool(probe.probe(temp))
    except (MediaError, FileNotFoundError):
        return False
