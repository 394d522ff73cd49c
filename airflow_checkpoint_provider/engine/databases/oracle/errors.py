"""The numbers of Oracle's errors, and what they mean to the engine."""

from __future__ import annotations

import re

ROWS_BUSY = frozenset((54, 30006))
"""Another session has locked the row (ORA-00054, ORA-30006)."""

NAME_IN_USE = 955

CHANGED_ALREADY = frozenset((NAME_IN_USE, 1408, 1418, 1430, 2260, 2441))
"""An index, a column or a primary key exists already, or is gone already."""

NO_TABLE = frozenset((942, 903, 980, 1775, 4043))
"""No such table, or none that the user may see; no valid name; a synonym without a target; no such object."""

# The session is gone, or its query has to run again: the load can go on from the last committed batch.
_START_AGAIN = frozenset(
    (
        # Killed, shut down, disconnected, not connected; a listener or a network that is unavailable.
        *(22, 28, 31, 45, 602, 603, 609, 1012, 1033, 1034, 1041, 1089, 1090, 1092, 3113, 3114, 3122, 3135),
        *(12153, 12170, 12514, 12535, 12537, 12541, 12547, 12570, 12571, 12583, 12805, 3150, 2068),
        *range(25401, 25410),  # failing over to another instance
        # Limits of a profile or of the resource manager: idle, time connected, CPU, reads, time of one call.
        *(40, 2392, 2393, 2394, 2395, 2396, 2399, 56720, 56735),
        *(60, 1013, 8177),  # a deadlock, a statement that a user cancels, another transaction's update
        1555,  # snapshot too old: the undo that a long query needs has been overwritten
        *(8103, 1410),  # a table was truncated, or its rows moved, during a query
    )
)
CALL_TIMEOUT = frozenset(("DPY-4024", "DPI-1067"))
"""No answer within the connection's call_timeout, in the driver's two modes."""

# Errors that report only where another error came from.
_WRAPPING = frozenset((604, 2063, 12801))
_CODE = re.compile(r"ORA-(\d{5})")
_CODES_OF_DRIVER = frozenset(("DPY-1001", "DPY-4011", "DPY-4024", "DPI-1010", "DPI-1067", "DPI-1080"))
"""Not connected; closed by the other end; no answer within the connection's call_timeout."""

# Not the reasons that concern the whole table, the session or the server: rights, locks, missing columns.
OF_ROWS = frozenset(
    (
        *(1, 1400, 1407, 2290, 2291, 2292, 1402, 28115),  # constraints, check options
        *(1401, 1438, 1426, 1455, 1457, 1465, 1722, 12899),  # too long, too large, no number
        *(6502, 14400, 19011, 31011, 40441, 40479),  # PL/SQL's value error, no partition, no XML, no JSON
        *(
            1403,
            1422,
            1476,
            6503,
            6510,
            6531,
            6532,
            6533,
            6592,
        ),  # of a trigger: no row, several, a division by zero
        *range(1800, 1900),  # times and intervals
        *range(20000, 21000),  # RAISE_APPLICATION_ERROR of a trigger
    )
)


MOMENT_GONE = frozenset((1555, 1466, 8180, 8181))
"""The rows of an earlier moment are not known: their undo is overwritten, or the table was altered since then."""

NOT_GRANTED = frozenset((904, 942, 1031, 6550, 6553))
"""An object that the user may not see does not exist for that user."""


NO_LINE = frozenset((1489, *range(1800, 1900)))
"""A row that the server cannot write as one text: it is too long, or a time in it has no text."""

TOO_LONG = frozenset((1461, 22835))
"""A text longer than its column, or too long for the type that it is bound as."""


def error_code(error: BaseException | None) -> int | None:
    """Return the number of an ORA- error; 0 for one of the driver's own, ``None`` for anything else."""
    details = error.args[0] if error is not None and error.args else None
    code = getattr(details, "code", None)
    return code if isinstance(code, int) else None


def full_code(error: BaseException) -> str | None:
    """Return the number of an error of the driver itself with its letters, as in ``DPY-4011``."""
    return getattr(error.args[0], "full_code", None) if error.args else None


def names(error: BaseException | None, codes: frozenset[int]) -> bool:
    """Return whether an error has one of some numbers, or only wraps an error that has one."""
    code = error_code(error)
    if code in _WRAPPING:
        return not codes.isdisjoint(map(int, _CODE.findall(str(error))))
    return code in codes


def means_start_again(error: BaseException) -> bool:
    """Return whether an error is one that a new session does not have."""
    details = error.args[0] if error.args else None
    dead = bool(getattr(details, "is_session_dead", False)) and error_code(error) not in _WRAPPING
    return dead or names(error, _START_AGAIN) or full_code(error) in _CODES_OF_DRIVER
