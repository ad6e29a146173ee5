"""Which sound track of a file is heard: the same in its proxy, and for whoever writes down what is said."""

from collections.abc import Sequence

from files.errors import NoSuchTrackError
from files.media.info import AudioTrack, default_audio
from files.models import File
from files.storage.naming import shown


def wanted_track(file: File, asked: int | None) -> int | None:
    """The index asked for; else what the rule of the folder says, of a file that has so many; None: no wish."""
    rule = file.root.audio_track
    has_it = rule is not None and rule < len(file.metadata.get("audio_tracks") or ())
    return rule if asked is None and has_it else asked


def choose_track(
    file: File, tracks: Sequence[AudioTrack], asked: int | None, *, kept: int | None = None
) -> AudioTrack | None:
    """The track asked for, else the folder's, else the one that was `kept` from before, else a player's default.

    None where there is none. Raises NoSuchTrackError where the one asked for is not there.
    """
    by_index = {track.index: track for track in tracks}
    if asked is not None and asked not in by_index:
        last = f", from 0 to {len(by_index) - 1}" if by_index else ""
        raise NoSuchTrackError(
            f"{shown(file.name)} has no sound track {asked}.",
            remedy=f"It has {len(by_index)}{last}; or leave it empty.",
        )
    for index in (wanted_track(file, asked), kept):
        if index in by_index:
            return by_index[index]
    return default_audio(tuple(tracks))
