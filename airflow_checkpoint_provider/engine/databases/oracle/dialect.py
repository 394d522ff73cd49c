"""Everything that the engine asks about Oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.driver import error_code

ROWS_BUSY = frozenset((54, 30006))
"""Another session has locked the row (ORA-00054, ORA-30006)."""


# The session is gone, or its query can only be run again: reading on from the last committed batch helps.
_START_AGAIN = frozenset(
    (
        *(
            22,
            28,
            31,
            45,
            602,
            603,
            609,
            1012,
            1033,
            1034,
            1041,
            1089,
            1090,
            1092,
            2396,
            3113,
            3114,
            3122,
            3135,
        ),
        *(12153, 12514, 12537, 12541, 12547, 12570, 12571, 12583, 25402, 25408),
        1555,  # snapshot too old: the undo that a long query needs has been overwritten
    )
)


def means_start_again(error: BaseException) -> bool:
    """Tell whether an error is one that a new session does not have."""
    return error_code(error) in _START_AGAIN or bool(
        error.args and getattr(error.args[0], "is_session_dead", False)
    )


def prepare_session(raw: Any) -> None:
    """Undo what the connection or a logon trigger may have set and the engine cannot work with."""
    raw.autocommit = False
    cursor = raw.cursor()
    try:
        # Another attempt's update is waited for, and then seen.
        cursor.execute("ALTER SESSION SET ISOLATION_LEVEL = READ COMMITTED")
    finally:
        cursor.close()


def exists(execute: Callable[[str], Any], quoted: str, errors: type[Exception]) -> bool:
    """
    Tell whether a name can be selected from, be it a table, a view or a synonym.

    :param execute: runs a statement
    :param quoted: the name, as it stands in a statement
    :param errors: what ``execute`` raises, with the driver's error in ``orig``
    """
    try:
        execute(f"SELECT 1 FROM {quoted} WHERE 1 = 0").close()
    except errors as error:
        # No such table; none that we may see; a synonym of nothing; no such thing as that name.
        if error_code(getattr(error, "orig", error)) in (942, 903, 980, 1775, 4043):
            return False
        raise
    return True


_ORACLE = frozenset(
    (
        *(1, 1400, 1407, 2290, 2291, 2292, 1402, 28115),  # constraints, check options
        *(1401, 1438, 1426, 1455, 1457, 1461, 1465, 1722, 12899, 22835),  # too long, too large, no number
        *(6502, 14400, 19011, 31011, 40441, 40479),  # PL/SQL's value error, no partition, no XML, no JSON
        *range(1800, 1900),  # times and intervals
        *range(20000, 21000),  # RAISE_APPLICATION_ERROR of a trigger
    )
)
