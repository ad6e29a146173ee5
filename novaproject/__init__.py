"""novaproject: a local-first video library.

The SQLite module is chosen here, before Django imports any: sqlite-vec needs a `sqlite3` that can load extensions,
and many Pythons are built without that.
"""

from novaproject.sqlite_module import choose_sqlite

choose_sqlite()
