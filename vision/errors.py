"""What can go wrong with what is seen.

VisionError (jobs.errors.WorkError)
├── NothingToSeeError    sound files, or there is no proxy or poster to look at
└── ReaderMissingError   503: what reads text on screen is not installed
"""

from jobs.errors import WorkError


class VisionError(WorkError):
    code = "vision"


class NothingToSeeError(VisionError):
    code = "nothing_to_see"
    status = 409
    remedy = "Choose videos and pictures."


class ReaderMissingError(VisionError):
    code = "reader_missing"
    status = 503
