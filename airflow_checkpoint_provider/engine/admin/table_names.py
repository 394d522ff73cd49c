"""The tables of a database by patterns of their names, or by the rows of a mapping table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.mapping_table import NamedTable
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, one_line
from airflow_checkpoint_provider.engine.model.mapping_rows import tables_of_rows

_OWN = re.compile(rf"{DEFAULT_TABLE}(_event|_reject)?|.*__stage_[0-9a-f]{{12}}(_\d+)?", re.DOTALL)
_QUOTED = re.compile(r"""["`.]|^\s|\s$""")


def tables_named(connection: sa.Connection, include: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    """
    Return the tables whose names match, sorted, in the form of ``source_table``; views are not among them.

    The package's own tables are left out, and so are the partitions of a table that is there itself.

    :param include: patterns with ``*`` and ``?`` of a table in the default schema, or ``schema.pattern``
    :param exclude: the same; without a schema it means the tables of all schemas
    :raises ArgumentError: when a pattern of ``include`` matches nothing
    """
    found: set[str] = set()
    for pattern in include:
        schema, _, wanted = pattern.rpartition(".") if pattern.count(".") < 2 else pattern.partition(".")
        if any(sign in schema for sign in "*?["):
            raise ArgumentError(f"include: {pattern!r} has a pattern for a schema; name each schema.")
        names = [name for name in _names(connection, schema or None) if not _OWN.fullmatch(name.lower())]
        matching = [name for name in names if _matches(name, wanted)]
        if not matching:
            where = f"schema {schema!r}" if schema else "the default schema"
            raise ArgumentError(
                f"include: {pattern!r} matches none of the {len(names):,} tables in {where}. Check the pattern, and "
                "the rights of the connection's user."
            )
        whose = schema or connection.dialect.default_schema_name or ""
        found |= {_written(schema, name) for name in matching if not _excluded(whose, name, exclude)}
    return sorted(found)


def tables_mapped(
    connection: sa.Connection, mapping_table: str, columns: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """
    Return the arguments of each table that a mapping table has switched on.

    :param mapping_table: ``table`` or ``schema.table``
    :param columns: the column of each argument, as :func:`tables_of_rows` takes it
    :raises ArgumentError: when the table or a column does not exist, or a row cannot be read
    """
    mapping = NamedTable.find(connection, mapping_table, "mapping_table", "mapping_columns")
    return tables_of_rows(mapping.rows(columns), {name: name for name in columns})


def _names(connection: sa.Connection, schema: str | None) -> list[str]:
    dialect = dialect_of(connection)
    try:
        return list(dialect.table_names(connection, schema))
    except NotImplementedError:
        pass
    except sa.exc.DBAPIError as error:
        raise ArgumentError(
            f"include: the tables of schema {schema!r} could not be listed: {one_line(error)}"
        ) from error
    raise ArgumentError(
        f"include: {dialect.title} is not asked for the names of its tables; name them in a mapping_table."
    )


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


def _excluded(schema: str, name: str, patterns: Sequence[str]) -> bool:
    return any(_matches(f"{schema}.{name}" if "." in pattern else name, pattern) for pattern in patterns)


def _written(schema: str, name: str) -> str:
    """Write a name so that it means this table alone."""
    exact = bool(getattr(name, "quote", None)) or _QUOTED.search(name)
    table = '"' + name.replace('"', '""') + '"' if exact else name
    return f"{schema}.{table}" if schema else table
