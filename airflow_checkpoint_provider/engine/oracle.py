"""What is particular to Oracle and needed in more than one place: sessions, error codes, the dictionary."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

ROWS_BUSY = frozenset((54, 30006))
"""Another session has locked the row (ORA-00054, ORA-30006)."""

NAME_IN_USE = 955

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

SECOND_DIGITS = 6
"""Digits of a second that a datetime and a timedelta hold; Oracle may have 9."""

BOUND_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM'
"""A time with its zone's offset, as :func:`moment_text` writes it."""

READ_MOMENT = f"S{BOUND_MOMENT}"
"""The same with a sign or a blank, which keeps 44 BC from being read as 44."""


def error_code(error: BaseException | None) -> int | None:
    """Return the number of an ORA- error; 0 for one of the driver's own, ``None`` for anything else."""
    details = error.args[0] if error is not None and error.args else None
    code = getattr(details, "code", None)
    return code if isinstance(code, int) else None


def means_start_again(error: BaseException) -> bool:
    """Tell whether an error is one that a new session does not have."""
    return error_code(error) in _START_AGAIN or bool(
        error.args and getattr(error.args[0], "is_session_dead", False)
    )


def moment_text(value: datetime) -> str:
    """Write a time with its zone's offset; the driver would take the time and leave out the zone."""
    offset = value.utcoffset()
    if offset is not None and offset.seconds % 60:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")


def prepare_session(raw: Any) -> None:
    """Undo what the connection or a logon trigger may have set and the engine cannot work with."""
    raw.autocommit = False
    cursor = raw.cursor()
    try:
        # Another attempt's update is waited for, and then seen.
        cursor.execute("ALTER SESSION SET ISOLATION_LEVEL = READ COMMITTED")
    finally:
        cursor.close()


def primary_key(raw: Any, owner: str | None, table: str) -> list[str]:
    """
    Return the primary key of a table or of what a synonym stands for, or an empty list.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    """
    cursor = raw.cursor()
    try:
        if owner is None:
            owner = _first(cursor, "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual", [])[0]
        for _ in range(2):
            cursor.execute(PRIMARY_KEY, [owner, table])
            if found := [str(column) for (column,) in cursor.fetchall()]:
                return found
            synonym = _first(cursor, SYNONYM, [owner, table])
            if not synonym:
                return []
            owner, table = synonym
        return []
    finally:
        cursor.close()


PRIMARY_KEY = (
    "SELECT c.column_name FROM all_constraints k JOIN all_cons_columns c "
    "ON c.owner = k.owner AND c.constraint_name = k.constraint_name "
    "WHERE k.constraint_type = 'P' AND k.owner = :1 AND k.table_name = :2 ORDER BY c.position"
)
SYNONYM = (
    "SELECT s.table_owner, s.table_name FROM all_synonyms s WHERE s.owner IN (:1, 'PUBLIC') "
    "AND s.synonym_name = :2 AND s.db_link IS NULL ORDER BY CASE s.owner WHEN 'PUBLIC' THEN 1 ELSE 0 END"
)


def _first(cursor: Any, statement: str, values: list[Any]) -> Any:
    cursor.execute(statement, values)
    return cursor.fetchone()


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
