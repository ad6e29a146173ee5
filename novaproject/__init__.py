"""Settings, pages and addresses that span the floors, set-up, backup.

The SQLite module is chosen here, before Django imports any: sqlite-vec needs a `sqlite3` that can load extensions,
and many Pythons are built without that.
"""

import os

from novaproject.sqlite_module import choose_sqlite

# Before numpy is imported. Two workers and a web server share the cores: numpy's own threads would wait for each other
# (a sentence embedded in 13 ms on one thread took 120 ms on four, on a busy machine).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

choose_sqlite()
