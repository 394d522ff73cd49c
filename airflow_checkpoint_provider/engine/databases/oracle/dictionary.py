"""What the dictionary knows of a table, or of a synonym's target."""

from __future__ import annotations

from typing import Any

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
    Return the primary key of a table or of a synonym's target, or an empty list.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    """
    return _names(raw, PRIMARY_KEY, owner, table)


def filled_columns(raw: Any, owner: str | None, table: str) -> list[str]:
    """Return the columns that have a default for NULL; the parameters are those of :func:`primary_key`."""
    return _names(raw, DEFAULT_ON_NULL, owner, table)


def codec(raw: Any) -> str | None:
    """
    Return the Python codec of the database's character set; ASCII for one that is not listed here.

    :return: ``None`` for one that has every character
    """
    cursor = raw.cursor()
    try:
        found = _first(cursor, CHARACTER_SET, [])
    finally:
        cursor.close()
    return _CODECS.get(str(found[0]), "ascii") if found else None


def required_columns(raw: Any, owner: str | None, table: str) -> frozenset[str]:
    """Return the columns with a value in every row, none of a view; the parameters are those of :func:`primary_key`."""
    return frozenset(_names(raw, REQUIRED, owner, table))


def heap_table(raw: Any, owner: str | None, table: str) -> tuple[int | None, int | None] | None:
    """
    Return the rows and blocks of a table by its statistics; the parameters are those of :func:`primary_key`.

    :return: ``None`` for an object without blocks of its own to sample
    """
    found = rows_of(raw, HEAP_TABLE, owner, table)
    return (found[0][0], found[0][1]) if found else None


def meant_table(raw: Any, owner: str | None, table: str) -> tuple[str, str]:
    """Return the schema and the name of a table or of a synonym's target; parameters as of :func:`primary_key`."""
    cursor = raw.cursor()
    try:
        named = (owner or str(_first(cursor, SCHEMA, [])[0]), table)
        for _ in range(2):
            if _first(cursor, IS_THERE, [*named, *named]):
                break
            synonym = _first(cursor, SYNONYM, [*named])
            if not synonym:
                break
            named = (str(synonym[0]), str(synonym[1]))
        return named
    finally:
        cursor.close()


def table_names(raw: Any, owner: str | None) -> list[str]:
    """
    Return the tables of a schema, without temporary ones, overflow segments, and those in the recycle bin.

    :param owner: the schema, or ``None`` for the session's
    """
    cursor = raw.cursor()
    try:
        cursor.execute(TABLE_NAMES, [owner or str(_first(cursor, SCHEMA, [])[0])])
        return [str(row[0]) for row in cursor.fetchall() if not str(row[0]).startswith("BIN$")]
    finally:
        cursor.close()


def referred_tables(raw: Any, owner: str | None, table: str) -> list[tuple[str | None, str]]:
    """Return the tables that the foreign keys of a table refer to; the parameters are those of :func:`primary_key`."""
    return [(str(row[0]), str(row[1])) for row in rows_of(raw, REFERRED, owner, table)]


def _names(raw: Any, query: str, owner: str | None, table: str) -> list[str]:
    return [str(row[0]) for row in rows_of(raw, query, owner, table)]


def rows_of(raw: Any, query: str, owner: str | None, table: str) -> list[Any]:
    """
    Ask the dictionary about a table, or else about a synonym's target.

    :param query: with the owner and the table as its parameters
    :param owner: the schema, or ``None`` for the session's
    """
    cursor = raw.cursor()
    try:
        if owner is None:
            owner = _first(cursor, SCHEMA, [])[0]
        for _ in range(2):
            cursor.execute(query, [owner, table])
            if found := cursor.fetchall():
                return list(found)
            synonym = _first(cursor, SYNONYM, [owner, table])
            if not synonym:
                return []
            owner, table = synonym
        return []
    finally:
        cursor.close()


SCHEMA = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual"
IS_THERE = (
    "SELECT 1 FROM all_tables t WHERE t.owner = :1 AND t.table_name = :2"
    " UNION ALL SELECT 1 FROM all_views v WHERE v.owner = :3 AND v.view_name = :4"
)
REFERRED = (
    "SELECT DISTINCT k.owner, k.table_name FROM all_constraints c JOIN all_constraints k "
    "ON k.owner = c.r_owner AND k.constraint_name = c.r_constraint_name "
    "WHERE c.owner = :1 AND c.table_name = :2 AND c.constraint_type = 'R' AND c.status = 'ENABLED'"
)
TABLE_NAMES = (
    "SELECT t.table_name FROM all_tables t WHERE t.owner = :1 AND t.temporary = 'N' AND t.iot_name IS NULL "
    "ORDER BY t.table_name"
)
# A key that is disabled, with RELY or without, does not keep rows apart.
PRIMARY_KEY = (
    "SELECT c.column_name FROM all_constraints k JOIN all_cons_columns c "
    "ON c.owner = k.owner AND c.constraint_name = k.constraint_name "
    "WHERE k.constraint_type = 'P' AND k.status = 'ENABLED' AND k.validated = 'VALIDATED' "
    "AND k.owner = :1 AND k.table_name = :2 ORDER BY c.position"
)
# A constraint that is disabled, or not validated, does not make a column NOT NULL.
REQUIRED = (
    "SELECT c.column_name FROM all_tab_cols c JOIN all_tables t ON t.owner = c.owner AND t.table_name = c.table_name "
    "WHERE c.owner = :1 AND c.table_name = :2 AND c.nullable = 'N'"
)
HEAP_TABLE = (
    "SELECT t.num_rows, t.blocks FROM all_tables t WHERE t.owner = :1 AND t.table_name = :2 AND t.temporary = 'N' "
    "AND t.iot_type IS NULL AND t.cluster_name IS NULL AND NOT EXISTS "
    "(SELECT 1 FROM all_external_tables e WHERE e.owner = t.owner AND e.table_name = t.table_name)"
)
SYNONYM = (
    "SELECT s.table_owner, s.table_name FROM all_synonyms s WHERE s.owner IN (:1, 'PUBLIC') "
    "AND s.synonym_name = :2 AND s.db_link IS NULL ORDER BY CASE s.owner WHEN 'PUBLIC' THEN 1 ELSE 0 END"
)


def _first(cursor: Any, statement: str, values: list[Any]) -> Any:
    cursor.execute(statement, values)
    return cursor.fetchone()
