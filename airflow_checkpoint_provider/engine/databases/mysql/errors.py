"""The numbers of MySQL's and MariaDB's errors, and what they mean to the engine."""

from __future__ import annotations

DUPLICATE_COLUMN = 1060
LOCK_WAIT_TIMEOUT = 1205
NO_NAME = frozenset((1059, 1102, 1103, 1300))
"""A name is too long, or not what a table or a database may be called."""

# The transaction is gone, or the connection is: going on from the checkpoint is the way out.
PASSING = frozenset(
    (
        *(1053, 1927, 2006, 2013, 2014, 2045, 2048, 2055, 4031),  # shut down, killed, gone away, lost, idle
        *(LOCK_WAIT_TIMEOUT, 1213),  # a lock that did not come, a deadlock
    )
)

# Not what the whole table, the session or the server is refused for: rights, locks, columns that are missing.
OF_ROWS = frozenset(
    (
        *(1048, 1062, 1169, 1557, 1586, 3819, 4025),  # NULL, unique, CHECK
        *(1216, 1217, 1451, 1452),  # foreign keys
        *(1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1441, 1690),  # range, cut, no such value
        *(1118, 1416, 1526, 3140, 3141, 3156, 4038),  # too long, no geometry, no partition, no JSON
        *(1242, 1644),  # caught by another unique index than the upsert's; a trigger's SIGNAL
    )
)


def error_number(error: BaseException) -> int | None:
    """Return the server's or the driver's number of an error."""
    number = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    return number if isinstance(number, int) else None
