"""Make what the rest works with: one decode of a source gives proxy, sound, poster and scrub sprite."""

from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from files import conf
from files.errors import FfmpegFailedError, FilesError, MediaError, UnreadableError
from files.media import derived, ffmpeg, filter_graphs, pictures, probe, profiles, sprites
from files.media.derived import DerivedManifest
from files.media.info import AudioTrack, MediaInfo, default_audio
from files.media.profiles import Profile
from files.media.proxy_lookup import find_good, has_derived, keep_row
from files.media.sharing import take_from_twin
from files.models import File, Proxy
from files.storage import disk, naming
from files.storage.hashing import sampled_hash
from files.storage.originals import as_local_path
from jobs.progress import NO_PROGRESS, Progress

#: A copy may be this much shorter than its source before the source counts as cut short.
TOLERANCE_S, TOLERANCE_PART = 1.0, 0.02
#: The cells of the sprite, one after the other, before they are laid out.
STRIP = "strip.mjpeg"


class NoSuchTrackError(FilesError):
    code = "no_such_track"


def make_proxy(
    file: File, *, spec: str = "", progress: Progress = NO_PROGRESS, audio_track: int | None = None, token: str = ""
) -> Proxy | None:
    """Make proxy, 16 kHz sound, poster and sprite of `file`, if they are not there for this content already.

    Pictures get a poster and sound files their sound; both have no proxy: None. `audio_track` is the index of a sound
    track (None: keep the one chosen before, else the default). `token` keeps two attempts' temporary files apart.
    """
    profile = profiles.parse(spec or conf.proxy_profile())
    with as_local_path(file) as source:
        content = sampled_hash(source)
        proxy = find_good(file, profile.name, content, audio_track)
        if proxy is None and audio_track is None:
            proxy = take_from_twin(file, profile.name, content)
        if proxy or (file.media_type != File.MediaType.VIDEO and has_derived(file, content, audio_track)):
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


@dataclass
class _Run:
    """One attempt at one file."""

    file: File
    source: Path
    profile: Profile
    content: str
    token: str

    def make_picture(self) -> None:
        poster = pictures.poster_of_image(self.source)
        disk.write(derived.folder(self.file.pk) / derived.POSTER, poster.content, token=self.token)
        derived.write_made(
            self.file.pk, DerivedManifest(source_hash=self.content, names=(derived.POSTER,)), token=self.token
        )

    def make(self, progress: Progress, audio_track: int | None) -> Proxy | None:
        info = probe.probe(self.source)
        sound = self._choose_sound(info, audio_track)
        if info.video is None and sound is None:
            raise UnreadableError(f"{naming.shown(self.file.name)} has neither a picture nor sound that can be read.")
        disk.require_space(conf.folders().proxies, self.profile.expected_bytes(info.duration_s))
        targets = self._targets(info, sound)
        try:
            outcome, sound = self._convert(info, targets, sound, progress)
            progress.check()
            return self._keep(info, targets if sound else replace(targets, audio=None), sound, outcome)
        finally:
            for temp in (targets.proxy, targets.audio, targets.poster, targets.sprite):
                if temp:
                    disk.remove(temp)

    def _choose_sound(self, info: MediaInfo, wanted: int | None) -> AudioTrack | None:
        if wanted is None:
            before = derived.read_made(self.file.pk)
            kept = before.audio_track if before and before.source_hash == self.content else None
            chosen = next((track for track in info.audio_tracks if track.index == kept), None)
            return chosen or default_audio(info.audio_tracks)
        for track in info.audio_tracks:
            if track.index == wanted:
                return track
        raise NoSuchTrackError(
            f"{naming.shown(self.file.name)} has no sound track {wanted}.",
            remedy=f"It has {len(info.audio_tracks)}, counted from 0.",
        )

    def _targets(self, info: MediaInfo, sound: AudioTrack | None) -> filter_graphs.Targets:
        place = derived.folder(self.file.pk)
        return filter_graphs.Targets(
            proxy=disk.temporary(self._proxy_target(), self.token) if info.video else None,
            audio=disk.temporary(place / derived.AUDIO, self.token) if sound else None,
            poster=disk.temporary(place / derived.POSTER, self.token) if info.video else None,
            sprite=disk.temporary(place / STRIP, self.token) if info.video else None,
        )

    def _proxy_target(self) -> Path:
        return conf.folders().proxies / naming.proxy_name(self.file.name, self.file.pk, self.profile.name)

    def _convert(
        self, info: MediaInfo, targets: filter_graphs.Targets, sound: AudioTrack | None, progress: Progress
    ) -> tuple[ffmpeg.Outcome, AudioTrack | None]:
        """The run, and the sound that came along: an empty or broken track fails it all, and the picture goes alone."""
        try:
            return self._convert_by_any(info, targets, sound, progress), sound
        except FfmpegFailedError as error:
            if error.retryable or sound is None or info.video is None:
                raise
            return self._convert_by_any(info, replace(targets, audio=None), None, progress), None

    def _convert_by_any(
        self, info: MediaInfo, targets: filter_graphs.Targets, sound: AudioTrack | None, progress: Progress
    ) -> ffmpeg.Outcome:
        encoder = ffmpeg.h264_encoder() if info.video else ffmpeg.CPU_ENCODER
        try:
            return self._run(info, targets, sound, encoder, progress)
        except FfmpegFailedError:
            # A GPU refuses some sizes and has a limit of sessions: the CPU does all.
            if encoder == ffmpeg.CPU_ENCODER:
                raise
            return self._run(info, targets, sound, ffmpeg.CPU_ENCODER, progress)

    def _run(
        self,
        info: MediaInfo,
        targets: filter_graphs.Targets,
        sound: AudioTrack | None,
        encoder: str,
        progress: Progress,
    ) -> ffmpeg.Outcome:
        look = self._look(info, encoder) if info.video else None
        arguments = filter_graphs.arguments(ffmpeg.source_args(self.source), info, targets, look=look, sound=sound)
        try:
            return ffmpeg.run(
                arguments, duration_s=info.duration_s, progress=progress, message=f"Making {self.profile.name}"
            )
        except FfmpegFailedError:
            self._check_source()
            raise

    def _look(self, info: MediaInfo, encoder: str) -> filter_graphs.PictureTreatment:
        size = self.profile.size(info.width or 2, info.height or 2)
        return filter_graphs.PictureTreatment(
            profile=self.profile,
            encoder=encoder,
            quality=ffmpeg.quality(encoder),
            size=size,
            sprite=self._sprite(info),
            can_tonemap=ffmpeg.has_filter("zscale") and ffmpeg.has_filter("tonemap"),
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
        copy = self._check_copy(targets.proxy or targets.audio)
        place = derived.folder(self.file.pk)
        derived.forget_made(self.file.pk)
        names = []
        for temp, name in ((targets.audio, derived.AUDIO), (targets.poster, derived.POSTER)):
            if temp and _is_written(temp):
                disk.replace(temp, place / name)
                names.append(name)
        if targets.sprite and _is_written(targets.sprite):
            sheet = pictures.sheet_of(targets.sprite, self._sprite(info).columns)
            disk.write(place / derived.SPRITE, sheet, token=self.token)
            names.append(derived.SPRITE)
        names += self._write_pictures(info, copy, names)
        derived.write_made(
            self.file.pk,
            DerivedManifest(
                source_hash=self.content,
                audio_track=sound.index if sound else None,
                sprite=self._sprite(info) if derived.SPRITE in names else None,
                names=tuple(names),
            ),
            token=self.token,
        )
        self._learn_duration(copy)
        return self._keep_proxy(info, targets.proxy, copy, sound, outcome) if targets.proxy else None

    def _check_copy(self, written: Path | None) -> MediaInfo:
        """Exit status 0 says little: a source without one whole frame gives an MP4 without streams (seen)."""
        try:
            return probe.probe(written or self.source)
        except (MediaError, FileNotFoundError) as error:
            raise UnreadableError(
                f"{naming.shown(self.file.name)} is damaged: not one frame of it could be converted."
            ) from error

    def _write_pictures(self, info: MediaInfo, copy: MediaInfo, names: list[str]) -> list[str]:
        """The sprite's index, or a sound file's cover; returns the names written."""
        place = derived.folder(self.file.pk)
        if derived.SPRITE in names:
            index = sprites.write_vtt(self._sprite(info), copy.duration_s or 0)
            disk.write(place / derived.SPRITE_VTT, index.encode(), token=self.token)
            return [derived.SPRITE_VTT]
        cover = None if info.video else pictures.poster_of_cover(self.source)
        if cover:
            disk.write(place / derived.POSTER, cover, token=self.token)
            return [derived.POSTER]
        return []

    def _sprite(self, info: MediaInfo) -> sprites.Sprite:
        return sprites.plan(info.duration_s, *self.profile.size(info.width or 2, info.height or 2))

    def _learn_duration(self, copy: MediaInfo) -> None:
        """Some containers do not say how long they are (browser recordings): now it is known."""
        if self.file.duration_s is None and copy.duration_s:
            self.file.duration_s = copy.duration_s
            self.file.save(update_fields=["duration_s"])

    def _keep_proxy(
        self, info: MediaInfo, temp: Path, copy: MediaInfo, sound: AudioTrack | None, outcome: ffmpeg.Outcome
    ) -> Proxy:
        target = self._proxy_target()
        facts = {
            "path": target.name,
            "size_bytes": temp.stat().st_size,
            "duration_s": copy.duration_s,
            "width": copy.width,
            "height": copy.height,
            "is_partial": is_cut_short(info.duration_s, copy.duration_s),
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
        disk.replace(temp, target)
        with transaction.atomic():
            if not File.objects.filter(pk=self.file.pk).exists():
                disk.remove(target)
                raise FilesError(f"{naming.shown(self.file.name)} left the library meanwhile.")
            return keep_row(self.file, self.profile.name, facts)


def _is_written(temp: Path) -> bool:
    """Whether there is something in it; an empty sound track leaves a FLAC without one sample."""
    try:
        return bool(probe.probe(temp))
    except (MediaError, FileNotFoundError):
        return False


def is_cut_short(source_s: float | None, copy_s: float | None) -> bool:
    """Whether a copy is so much shorter than its source says to be that some of the source is not there."""
    if source_s is None:
        return False
    return source_s - (copy_s or 0) > max(TOLERANCE_S, TOLERANCE_PART * source_s)
