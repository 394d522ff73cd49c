"""
The state that a session of Oracle has while the engine uses it.

What each parameter would do to a load, as set by the client's environment, a logon trigger or the server:

========================================  ================================================================  ==========
parameter                                 what it would do                                                  here
========================================  ================================================================  ==========
ISOLATION_LEVEL                           not see another attempt's update                                  fixed
NLS_CALENDAR                              write years of another calendar                                   GREGORIAN
NLS_NUMERIC_CHARACTERS                    write and read numbers with a comma for the point                 ``.,``
NLS_NCHAR_CONV_EXCP = FALSE               replace letters that the other character set lacks, by ``?``      TRUE
NLS_SORT, where NLS_COMP does not follow  sort otherwise than it compares                                   BINARY [1]_
COMMIT_WAIT = NOWAIT                      lose commits of a load that is complete, when the server dies     WAIT
PARALLEL DML (Autonomous' HIGH, MEDIUM)   refuse a table that the transaction has written (ORA-12838)       off
CONSTRAINTS = DEFERRED                    refuse a row at the end of the transaction only                   DEFAULT
NLS_LENGTH_SEMANTICS                      make shorter columns; the engine's name their unit                left
CURRENT_SCHEMA, EDITION                   another table of that name                                        left
NLS_DATE_FORMAT and the like, TIME_ZONE   what the user's own query means; the engine's name their format   left
ROW ARCHIVAL VISIBILITY                   leave out rows that were archived, as for every query             left
========================================  ================================================================  ==========

.. [1] in the source, the only side that sorts
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.errors import error_code

_NOT_IN_THIS_EDITION = 439
_SETTINGS = (
    # The session waits for another attempt's update, and then sees it.
    "ALTER SESSION SET ISOLATION_LEVEL = READ COMMITTED",
    "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN' NLS_NUMERIC_CHARACTERS = '.,' NLS_NCHAR_CONV_EXCP = TRUE"
    " COMMIT_WAIT = WAIT",
    "ALTER SESSION SET CONSTRAINTS = DEFAULT",
)


LEAVES_STATE = re.compile(
    r"ALTER SESSION |SET ROLE |CREATE PRIVATE TEMPORARY "
    r"|.*\b(?:EXECUTE IMMEDIATE .*(?:\bALTER +SESSION|\bSET +ROLE)\b|DBMS_SESSION ?\.)",
    re.IGNORECASE | re.DOTALL,
)
"""Matches the beginning of a statement, or a block with a statement, whose effect outlasts the transaction."""


def prepare_session(raw: Any, *, for_writing: bool, statement_limit: float = 0) -> float:
    """
    Undo settings of the connection or of a logon trigger that the engine cannot work with.

    :param statement_limit: seconds after which the driver gives up a statement, 0 for none
    :return: the seconds that apply, which may be the connection's own
    """
    raw.autocommit = False
    if statement_limit and not raw.call_timeout:
        raw.call_timeout = int(statement_limit * 1000)
    with closing(raw.cursor()) as cursor:
        for setting in _SETTINGS:
            cursor.execute(setting)
        if for_writing:
            _write_one_by_one(cursor)
    return raw.call_timeout / 1000 if statement_limit else 0


def _write_one_by_one(cursor: Any) -> None:
    try:
        cursor.execute("ALTER SESSION DISABLE PARALLEL DML")
    except Exception as error:
        if error_code(error) != _NOT_IN_THIS_EDITION:
            raise
