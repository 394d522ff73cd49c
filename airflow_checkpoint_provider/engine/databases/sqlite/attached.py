"""The file of a table: the main one of the connection, or one that it has attached."""

from __future__ import annotations

from typing import Any

_MADE_BY = "SELECT type, sql FROM {} WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')"
_BEFORE_MAIN = "temp"
_ALONE = frozenset(("wal", "memory", "off"))  # with these journals each file is committed by itself


def schema_of(raw: Any, table: str, schema: str | None) -> str | None:
    """
    Return the schema that a table's name leads to, or ``None`` where there is no such table or view.

    :param schema: as it was given, if it was
    """
    if schema:
        return schema
    names = [str(row[1]) for row in raw.execute("PRAGMA database_list").fetchall()]
    in_order = sorted(names, key=lambda each: each != _BEFORE_MAIN)
    return next((name for name in in_order if made_by(raw, table, name)), None)


def made_by(raw: Any, table: str, schema: str) -> tuple[str, str] | None:
    """
    Return whether a name is that of a table or of a view, and the statement that has made it.

    :return: ``None`` where it is neither's in this schema; an index or a trigger may have the same name
    """
    found = raw.execute(_MADE_BY.format(master_of(schema)), (table,)).fetchone()
    return (str(found[0]), str(found[1] or "")) if found else None


def master_of(schema: str) -> str:
    """Return the catalog of a schema, as it stands in a statement."""
    return f"{_quoted(schema)}.sqlite_master"


def schema_changes(raw: Any, schema: str) -> int:
    """Return how often the schema of a file has been changed, by whichever connection."""
    return int(raw.execute(f"PRAGMA {_quoted(schema)}.schema_version").fetchone()[0])


def journal_of(raw: Any, schema: str) -> str:
    """Return the journal mode of a schema's file."""
    return str(raw.execute(f"PRAGMA {_quoted(schema)}.journal_mode").fetchone()[0]).lower()


def commits_alone(raw: Any, schema: str) -> bool:
    """Return whether a file is not committed together with the main one, which has the checkpoint."""
    return schema.lower() != "main" and not _ALONE.isdisjoint(
        (journal_of(raw, schema), journal_of(raw, "main"))
    )


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
