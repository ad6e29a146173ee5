"""What can go wrong with a person's own order.

CurationError (jobs.errors.WorkError)
├── NameTakenError       two tags would have the same name
├── NoSuchSpeakerError   a speaker that the file does not have
├── BadMomentError       a range of seconds that the file does not have
├── NotSuggestedError    a suggestion for a file that has the tag
├── OutdatedOrderError   the order names other items than the collection has now
└── NothingToExportError a collection or selection without files
"""

from jobs.errors import WorkError


class CurationError(WorkError):
    code = "curation"


class NameTakenError(CurationError):
    code = "name_taken"
    status = 400
    field = "name"


class NoSuchSpeakerError(CurationError):
    code = "no_such_speaker"
    status = 400
    field = "names"


class BadMomentError(CurationError):
    code = "bad_moment"
    status = 400


class OutdatedOrderError(CurationError):
    code = "outdated_order"
    status = 409
    remedy = "Reload the collection, then order it again."


class NotSuggestedError(CurationError):
    code = "not_suggested"
    status = 409


class EmptyCollectionError(CurationError):
    code = "nothing_to_export"
    status = 409
    remedy = "Add files first."
