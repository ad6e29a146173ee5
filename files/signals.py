"""News of a file, for the floors above. Sent after commit."""

from django.dispatch import Signal

#: kwargs: file (files.models.File), reason (str, why there is no proxy; empty where there is one)
media_ready = Signal()
#: kwargs: file: it left the library (its row stays, with `removed_at`)
file_gone = Signal()
#: kwargs: file: it came back, with its id
file_back = Signal()
#: kwargs: file: its name or its folder is another one now
file_moved = Signal()
#: kwargs: root_id: a scan or an import of this root has ended
root_scanned = Signal()
