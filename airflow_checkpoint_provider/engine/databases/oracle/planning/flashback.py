"""The moments of Oracle: a table is read as of a system change number (SCN), as long as its undo is kept."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.errors import (
    MOMENT_GONE,
    NOT_GRANTED,
    error_code,
    names,
)
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    MomentGoneError,
    SourceError,
    SourceMismatchError,
    one_line,
)

_PREFIX = "SCN "
_NO_PRIVILEGE = 1031
# The mapping from times to SCNs, which every user may read, lacks the last seconds.
_NEWEST = (
    "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM dual",
    "SELECT current_scn FROM v$database",
)


def newest_moment(raw: Any) -> str:
    """
    Return the present SCN.

    :raises SourceMismatchError: when the user may not read it
    """
    for statement in _NEWEST:
        try:
            with raw.cursor() as cursor:
                cursor.execute(statement)
                return f"{_PREFIX}{int(cursor.fetchone()[0])}"
        except Exception as error:
            if error_code(error) not in NOT_GRANTED:
                raise
            refused = one_line(error)
    raise SourceMismatchError(
        f"as_of: the user may not read the system change number ({refused}). GRANT EXECUTE ON DBMS_FLASHBACK, or "
        "GRANT SELECT ON V_$DATABASE, to the user of the connection."
    )


def as_of(moment: str) -> str:
    """
    Write the clause after a table that reads it as of a moment.

    :raises ArgumentError: when the text is not a moment of Oracle
    """
    number = moment.removeprefix(_PREFIX)
    if moment == number or not (number.isascii() and number.isdecimal()):
        raise ArgumentError(
            f"as_of: {moment!r} is not a moment of Oracle. Give the one that the plan, or the task "
            "of the group, has returned."
        )
    return f" AS OF {moment}"


def at_moment(error: SourceError, moment: str) -> SourceError | MomentGoneError:
    """Return the error of a load that reads as of a moment, for an error of the server."""
    cause: Any = error.__cause__
    if names(cause, MOMENT_GONE):
        return MomentGoneError(
            f"{error}. The load reads its table as of {moment}, and the server does not know any more what the rows "
            "were then: undo_retention is too short, or the table was truncated or altered. Clear the task to load as "
            "of a new moment, of partitions the one that has planned them, of several tables that share the moment all "
            "of them; on_source_change='reload' lets a load without partitions do so by itself."
        )
    if error_code(cause) == _NO_PRIVILEGE:
        return SourceMismatchError(
            f"{error}. as_of reads the table by a flashback query: GRANT FLASHBACK ON it, and on the tables behind a "
            "view, to the user of the connection."
        )
    return error
