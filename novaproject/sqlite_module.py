"""Which `sqlite3` this process uses."""

import importlib
import sqlite3
import sys


def can_load_extensions(module: object) -> bool:
    """Whether connections of this DB-API module have `enable_load_extension`."""
    return hasattr(getattr(module, "Connection", None), "enable_load_extension")


def choose_sqlite() -> str:
    """Swap in pysqlite3 where the standard module cannot load extensions. Returns the name of the module in use.

    Where neither can, the standard module stays: everything but semantic search works, and `doctor` says so.
    """
    if can_load_extensions(sys.modules.get("sqlite3", sqlite3)):
        return sys.modules["sqlite3"].__name__
    try:
        substitute = importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3.__name__
    if not can_load_extensions(substitute):
        return sqlite3.__name__
    sys.modules["sqlite3"] = substitute
    sys.modules["sqlite3.dbapi2"] = importlib.import_module("pysqlite3.dbapi2")
    return substitute.__name__
