"""What can go wrong with files.

WorkError
└── FilesError
    ├── MediaError                     about the content of one file
    │   ├── NotMediaError              holds no video, sound or picture
    │   ├── UnreadableError            is media, but empty, damaged or encrypted
    │   │   ├── NotPictureError        where a picture is needed
    │   │   └── TooManyPixelsError     a picture larger than it may be here
    │   └── PlaylistError              points at other files or addresses: never followed
    ├── NoSuchTrackError               a sound track that the file does not have
    ├── OriginalUnavailableError       409: the drive is away, or the file is gone
    ├── NoSpaceError                   retryable: the disk is full
    ├── StillCopyingError              retryable: its size or time still moves
    ├── PathRefusedError               a link, a device, a pipe, or a place that may not be imported from
    ├── FolderNotFoundError            the folder to import is not there
    ├── RootAbsentError                409, retryable: the drive of a root is away
    ├── RootDiffersError               409: the folder is not the one that was known
    ├── BadRangeError                  seconds that cannot be cut out
    ├── UploadRefusedError             nothing came, or nothing that is media
    ├── SelectionError                 a selection that cannot be read
    ├── UnknownActionError             404: no such action is registered
    ├── ActionRefusedError             409: the action says why not
    ├── DownloadError                  503: a model's file that cannot be fetched
    │   └── DownloadDamagedError       retryable: it arrived, and is not what was published
    ├── OutsideOurFoldersError         a write or delete where only originals live
    └── FfmpegError
        ├── FfmpegMissingError
        ├── FfmpegFailedError
        └── FfmpegStalledError         retryable
"""

from jobs.errors import WorkError


class FilesError(WorkError):
    """Base of everything that `files` refuses or fails at."""

    code = "files"


class MediaError(FilesError):
    """Something about the content of one file."""

    code = "media"


class NotMediaError(MediaError):
    code = "not_media"
    remedy = "Only files that hold video, sound or a picture can be taken in, whatever their name ends with."


class UnreadableError(MediaError):
    code = "unreadable"
    remedy = "Try to play the file in another program; if it does not play there either, copy it again from its source."


class NotPictureError(UnreadableError):
    """No picture of a format that is opened here."""


class TooManyPixelsError(UnreadableError):
    """More pixels than whoever asks wants to decode."""


class PlaylistError(MediaError):
    code = "playlist"
    remedy = "Import the media files that it points at instead."


class NoSuchTrackError(FilesError):
    code = "no_such_track"


class DownloadError(FilesError):
    """A file of a model that cannot be fetched."""

    code = "download"
    status = 503


class DownloadDamagedError(DownloadError):
    code = "download_damaged"
    retryable = True
    remedy = "Try again; if it stays so, fetch the file by another way."


class OriginalUnavailableError(FilesError):
    code = "original_unavailable"
    status = 409
    retryable = True
    remedy = "Connect the drive, or use `relocate_root` if the folder has moved."


class NoSpaceError(FilesError):
    code = "no_space"
    status = 507
    retryable = True
    remedy = "Free some space on that disk, then retry."


class OutsideOurFoldersError(FilesError):
    """A bug or an attack: nothing outside UPLOAD_DIR, PROXY_DIR, DATA_DIR and HOST_DIR is ever written or deleted."""

    code = "outside_our_folders"
    status = 403
    remedy = "Originals are never changed. Only uploads, proxies and data of ours can be."


class FfmpegError(FilesError):
    code = "ffmpeg"


class FfmpegMissingError(FfmpegError):
    code = "ffmpeg_missing"
    status = 503
    remedy = "Install ffmpeg, or set FFMPEG_PATH to its program, or `pip install imageio-ffmpeg`."


class FfmpegFailedError(FfmpegError):
    code = "ffmpeg_failed"
    remedy = "See the message of ffmpeg; a damaged source is best copied again from where it came."


class FfmpegStalledError(FfmpegError):
    code = "ffmpeg_stalled"
    retryable = True
    remedy = "A slow or sleeping drive can cause this; it is tried again by itself."


class StillCopyingError(FilesError):
    """Its size or time still moves."""

    code = "still_copying"
    retryable = True
    remedy = "It is taken in by the next scan, once it has stopped changing."


class PathRefusedError(FilesError):
    """A link, a device, a pipe, or a place that may not be imported from."""

    field = "path"
    code = "path_refused"


class FolderNotFoundError(FilesError):
    field = "path"
    code = "folder_not_found"
    remedy = "Check the path, and that the drive is connected."


class RootAbsentError(FilesError):
    """The drive of a root is away."""

    code = "root_absent"
    status = 409
    retryable = True
    remedy = "Connect the drive and try again. Nothing is lost: its files are listed as offline until then."


class RootDiffersError(FilesError):
    """The folder is not the one that was known."""

    code = "root_differs"
    status = 409


class ProxiesAwayError(FilesError):
    """Not one proxy is where they are kept, as when its disk is not mounted."""

    code = "proxies_away"
    status = 409
    remedy = (
        "Connect the disk of PROXY_DIR. If the proxies are gone for good, delete them in the admin under “Proxies”."
    )


class BadRangeError(FilesError):
    code = "bad_range"
    status = 400
    field = "end_s"


class UploadRefusedError(FilesError):
    field = "file"
    code = "upload_refused"


class SelectionError(FilesError):
    """A selection that cannot be read: nothing is done rather than too much."""

    code = "bad_selection"


class UnknownActionError(FilesError):
    code = "unknown_action"
    status = 404


class ActionRefusedError(FilesError):
    """The action itself says why it cannot be done."""

    code = "action_refused"
    status = 409


class NeverSendError(FilesError):
    """The rule of their folders keeps all of these files here."""

    code = "never_send"
    status = 409
    remedy = "Use a free local engine, or change the rule on the page of the folder."
