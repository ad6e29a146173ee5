"""What can go wrong while indexing and searching.

WorkError
├── SearchError                 a question that cannot be asked like this (400)
├── ExtensionUnavailableError   sqlite-vec cannot be loaded: semantic search is off, all else works (503)
├── SpaceError                  a space that is unknown, unfit or not the one in use (409)
│   ├── NoSuchSpaceError        a model or dimension that its provider does not have (400)
│   ├── PaidVectorsError        what was paid for would be gone, and nobody said that it may (409)
│   └── SpaceMismatchError      vectors of one space met the table or the query of another
├── MediaEmbeddingError         a video or picture that cannot be embedded (409)
└── ProviderError               the embedding model cannot answer; `retryable` says whether another try may help
    └── ProviderUnavailableError    it is not there at all: no weights, not set up (503)
"""

from jobs.errors import WorkError


class SearchError(WorkError):
    code = "search"


class ExtensionUnavailableError(WorkError):
    code = "no_sqlite_vec"
    status = 503
    remedy = "Keyword search works. `.venv/bin/python manage.py doctor` says how to get sqlite-vec on this machine."


class SpaceError(WorkError):
    code = "space"
    status = 409


class SpaceMismatchError(SpaceError):
    code = "space_mismatch"
    remedy = "Build a new space for this model with `.venv/bin/python manage.py embed --new-space`, then switch to it."


class NoSuchSpaceError(SpaceError):
    code = "no_such_space"
    status = 400


class PaidVectorsError(SpaceError):
    code = "paid_vectors"


class MayNotSpendError(SpaceError):
    code = "may_not_spend"
    status = 403
    remedy = "Search for exact words, or ask an administrator for the right to spend."


class MediaEmbeddingError(WorkError):
    code = "viewing"
    status = 409


class ProviderError(WorkError):
    code = "embedding_provider"
    status = 502


class ProviderUnavailableError(ProviderError):
    code = "embedding_provider_unavailable"
    status = 503
