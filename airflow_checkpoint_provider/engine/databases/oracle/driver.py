"""What is particular to Oracle and needed in more than one place: sessions, error codes, the dictionary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SECOND_DIGITS = 6
"""Digits of a second that a datetime and a timedelta hold; Oracle may have 9."""

BOUND_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM'
"""A time with its zone's offset, as :func:`moment_text` writes it."""

READ_MOMENT = f"S{BOUND_MOMENT}"
"""The same with a sign or a blank, which keeps 44 BC from being read as 44."""


def moment_text(value: datetime) -> str:
    """Write a time with its zone's offset; the driver would take the time and leave out the zone."""
    offset = value.utcoffset()
    if offset is not None and offset.seconds % 60:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")


DEFAULT_ON_NULL = (
    "SELECT column_name FROM all_tab_columns WHERE owner = :1 AND table_name = :2 AND default_on_null = 'YES'"
)
CHARACTER_SET = "SELECT value FROM nls_database_parameters WHERE parameter = 'NLS_CHARACTERSET'"
_CODECS = {
    "AL32UTF8": None,
    "UTF8": None,
    "US7ASCII": "ascii",
    **{f"WE8ISO8859P{part}": f"iso8859-{part}" for part in (1, 9, 15)},
    **{f"{area}8ISO8859P{part}": f"iso8859-{part}" for area, part in (("EE", 2), ("CL", 5), ("EL", 7))},
    **{
        f"{area}8MSWIN{page}": f"cp{page}"
        for area, page in (("WE", 1252), ("EE", 1250), ("CL", 1251), ("EL", 1253))
    },
    "JA16SJIS": "shift_jis",
    "JA16EUC": "euc_jp",
    "ZHS16GBK": "gbk",
    "KO16MSWIN949": "cp949",
}


def primary_key(raw: Any, owner: str | None, table: str) -> list[str]:
    """
    Return the primary key of a table or of what a synonym stands for, or an empty list.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    """
    return _names(raw, PRIMARY_KEY, owner, table)


def filled_columns(raw: Any, owner: str | None, table: str) -> list[str]:
    """Return the columns that have a default for NULL, of what :func:`primary_key` takes."""
    return _names(raw, DEFAULT_ON_NULL, owner, table)


def codec(raw: Any) -> str | None:
    """
    Return Python's name of the character set of the database; of one that is not listed here, ASCII.

    :return: ``None`` for one that lacks no character
    """
    cursor = raw.cursor()
    try:
        found = _first(cursor, CHARACTER_SET, [])
    finally:
        cursor.close()
    return _CODECS.get(str(found[0]), "ascii") if found else None


def _names(raw: Any, query: str, owner: str | None, table: str) -> list[str]:
    return [str(column) for (column,) in rows_of(raw, query, owner, table)]


def rows_of(raw: Any, query: str, owner: str | None, table: str) -> list[Any]:
    """
    Ask the dictionary about a table, or else about what a synonym stands for.

    :param query: with the owner and the table as its parameters
    :param owner: the schema, or ``None`` for the session's
    """
    cursor = raw.cursor()
    try:
        if owner is None:
            owner = _first(cursor, "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual", [])[0]
        for _ in range(2):
            cursor.execute(query, [owner, table])
            if found := list(cursor.fetchall()):
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
