"""The numbers of MySQL's and MariaDB's errors, and what they mean to the engine."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import text_of

DUPLICATE_COLUMN = 1060
LOCK_WAIT_TIMEOUT = 1205
STATEMENT_TIMEOUT = frozenset((1969, 3024))
"""Of MariaDB and of MySQL."""

NO_NAME = frozenset((1059, 1102, 1103, 1300))
"""A name is too long, or not valid for a table or a database."""

BEING_DEFINED = 1684
"""Another session is creating or changing the table, and has yet to commit that."""

# The server's own SQLSTATE for an error of PASSING, and a part of its text; a trigger's SIGNAL has others.
_OF_SERVER = {
    1053: ("08S01", "shutdown"),
    **dict.fromkeys(
        (1158, 1159, 1160, 1161), ("08S01", "communication packets")
    ),  # timeouts and errors of the network
    1927: ("70100", "killed"),
    4031: ("HY000", "inactivity"),
    LOCK_WAIT_TIMEOUT: ("HY000", "Lock wait timeout"),
    1213: ("40001", "Deadlock"),
    **dict.fromkeys((1317, 1969), ("70100", "interrupted")),  # by a user or a timeout
    3024: ("HY000", "interrupted"),
    1020: ("HY000", "Record has changed"),  # another transaction's update, another member's of a cluster
    3101: ("40000", "Plugin instructed"),
}
_CLIENTS = range(2000, 3000)
_OF_CLIENT = frozenset((2006, 2013, 2014, 2045, 2048, 2055))

PASSING = _OF_CLIENT | frozenset(_OF_SERVER)
"""The transaction or the connection is gone: the load can go on from the checkpoint."""

# Not the reasons that concern the whole table, the session or the server: rights, locks, missing columns.
OF_ROWS = frozenset(
    (
        *(1048, 1062, 1169, 1557, 1586, 3819, 4025),  # NULL, unique, CHECK
        *(1216, 1217, 1451, 1452),  # foreign keys
        *(1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1441, 1690),  # range, cut, no such value
        *(1118, 1416, 1526, 3140, 3141, 3156, 4038),  # too long, no geometry, no partition, no JSON
        1369,  # WITH CHECK OPTION of a view
        *(1242, 1643, 1644),  # caught by another unique index than the upsert's; a trigger's SIGNAL
        # Of a trigger: several rows for one variable, none for a FETCH, no CASE that matches, a division by zero.
        *(1172, 1329, 1339, 1365),
    )
)


# The classes of SQLSTATE that the server itself raises; any other comes from a trigger's SIGNAL about a row.
_CLASSES_OF_SERVER = frozenset(
    (
        *(
            "00",
            "01",
            "02",
            "07",
            "08",
            "0A",
            "0K",
            "0Z",
            "20",
            "21",
            "22",
            "23",
            "24",
            "25",
            "26",
            "27",
            "28",
            "2F",
        ),
        *(
            "30",
            "33",
            "34",
            "35",
            "37",
            "3C",
            "3D",
            "40",
            "42",
            "44",
            "46",
            "70",
            "HY",
            "HZ",
            "S0",
            "S1",
            "XA",
            "XX",
        ),
    )
)


_MOST_NOTES = 100


def is_signalled(error: BaseException, state: str) -> bool:
    """
    Return whether a trigger's SIGNAL has raised an error.

    :param state: the SQLSTATE that the server has of it; empty where the connection is gone
    """
    number = error_number(error)
    if number in _OF_CLIENT:  # the driver raises it without the server
        return bool(state)
    if number in _OF_SERVER:
        own, text = _OF_SERVER[number]
        return bool(state) and (state != own or text.lower() not in str(error).lower())
    return bool(state) and state[:2] not in _CLASSES_OF_SERVER


def sqlstate_of(error: Exception, cursor: Any) -> str:
    """
    Ask the server for the SQLSTATE of the statement that has just failed, which drivers do not pass on.

    :return: empty where the connection is gone, and where the server has not raised this error: the conditions that it
        keeps are then those of an earlier statement
    """
    try:
        cursor.execute("GET DIAGNOSTICS @airflow_checkpoint_conditions = NUMBER")
        cursor.execute("SELECT @airflow_checkpoint_conditions")
        last = int(cursor.fetchone()[0])
        # Warnings come before the error, and MariaDB's notes of the lines that have raised it after it.
        for place in range(last, max(last - _MOST_NOTES, 0), -1):
            cursor.execute(
                f"GET DIAGNOSTICS CONDITION {place}"
                " @airflow_checkpoint_state = RETURNED_SQLSTATE, @airflow_checkpoint_number = MYSQL_ERRNO"
            )
            cursor.execute("SELECT @airflow_checkpoint_state, @airflow_checkpoint_number")
            state, number = cursor.fetchone()
            if _is_that(error_number(error), int(number)):
                return text_of(state)
    except Exception:  # of whichever driver
        return ""
    return ""


def _is_that(found: int | None, raised: int) -> bool:
    """Return whether an error is the server's; a driver has a number of its own in the place of one like its own."""
    return found == raised or (found in _CLIENTS and raised in _CLIENTS)


def error_number(error: BaseException) -> int | None:
    """Return the server's or the driver's number of an error."""
    number = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    return number if isinstance(number, int) else None
