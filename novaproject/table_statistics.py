"""What SQLite knows of the tables' contents, kept true as the library grows.

Without it SQLite takes an index of three media types for a good one, and pages of 100,000 files take up to three times
as long (docs/measurements.md).
"""

from django.db import connection, transaction

#: How often it is asked whether a table has grown tenfold since; asking costs less than a millisecond.
EVERY_S = 600.0
#: Smaller tables are quick by any plan, and what is true of 20 rows would mislead when there are 2,000.
LARGE = 10_000
#: Nearly all rows of this table say "succeeded", and it is asked for the few that do not: by its statistics SQLite
#: would read all of it for them. What it supposes where it knows nothing is right here.
LEFT_OUT = "jobs"
#: Rows of an index that are read at most: half a second for a million rows. With a few hundred, as usually advised, a
#: column that is everywhere the same counts as a selective one, which is the very mistake this is to mend.
READ_AT_MOST = 100_000
#: A query that does nothing but say which tables have no statistics, or have grown or shrunk tenfold since.
#: https://www.sqlite.org/pragma.html#pragma_optimize
WHAT_IS_DUE = "PRAGMA optimize=0x10003"


def refresh() -> list[str]:
    """Count the tables that need it anew. Returns their names; none where the database keeps statistics by itself."""
    if connection.vendor != "sqlite":
        return []
    ours = set(connection.introspection.django_table_names())  # behind full text and vectors are tables with keys alone
    with connection.cursor() as cursor:
        statements = [row[0] for row in cursor.execute(WHAT_IS_DUE).fetchall()]
    due = [table for table in sorted(ours - {LEFT_OUT}) if f'ANALYZE "main".{_quoted(table)}' in statements]
    tables = [table for table in due if _is_large(table)]
    if not tables:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={READ_AT_MOST}")
        for table in tables:  # one after the other: writers wait for one table at most
            cursor.execute(f"ANALYZE {_quoted(table)}")
        with transaction.atomic():
            cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl = %s", [LEFT_OUT])  # from before it was left out
            # Connections that are open read statistics together with the schema: a change of it is what they notice.
            cursor.execute("CREATE TABLE statistics_were_renewed (id INTEGER)")
            cursor.execute("DROP TABLE statistics_were_renewed")
    return tables


def _is_large(table: str) -> bool:
    with connection.cursor() as cursor:
        rows = f"SELECT 1 FROM {_quoted(table)} LIMIT {LARGE}"  # noqa: S608 - the name of a model's table
        counted: int = cursor.execute(f"SELECT COUNT(*) FROM ({rows})").fetchone()[0]  # noqa: S608
    return counted >= LARGE


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
