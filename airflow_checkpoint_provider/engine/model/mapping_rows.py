"""Rows of a mapping table of somebody else's making, as arguments of loads: one row for each table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.model.checks import flag
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown

_LISTS = ("checkpoint_column", "conflict_columns", "columns")
_FLAGS = ("enabled", "checkpoint_enabled")
WITHOUT_COLUMN = ("python", "none")
"""The strategies that use no column."""


def tables_of_rows(rows: Iterable[Any], columns: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """
    Return the arguments of each table that is switched on.

    :param rows: mappings of columns to values, or sequences of values
    :param columns: the column of each argument, or its place in the sequence: ``"source_table"``, whose value names the
        table, ``"enabled"`` for the flag that switches a table on, and any other argument
    :raises ArgumentError: for a row that cannot be read, with its number and table
    """
    check_columns(columns)
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        table, arguments = read_row(row, columns, number)
        if arguments.pop("enabled", True):
            if table in found:
                raise ArgumentError(
                    f"rows: row {number:,}: {table} has a row already; leave one of them out."
                )
            found[table] = arguments
    return found


def check_columns(columns: Any) -> None:
    """
    Check that columns are named, that of the table's name among them.

    :raises ArgumentError: when they are not
    """
    if not isinstance(columns, Mapping) or "source_table" not in columns:
        raise ArgumentError(
            "columns: name the column of each argument, 'source_table' among them, such as "
            "{'source_table': 'SRC_TABLE', 'strategy': 'CHKPNTSTRATEGY'}."
        )


def read_row(row: Any, columns: Mapping[str, Any], number: int) -> tuple[str, dict[str, Any]]:
    """
    Return the name of the table of a row, and its arguments, with the flag ``"enabled"`` where it has one.

    :param columns: as :func:`tables_of_rows` takes them
    :param number: of the row, from 1, for errors
    :raises ArgumentError: when the row cannot be read
    """
    given = {name: _value(row, column, name, number) for name, column in columns.items()}
    table = given.pop("source_table")
    if not isinstance(table, str) or not table.strip():
        raise ArgumentError(f"rows: row {number:,}: source_table: {shown(table)} is not the name of a table.")
    table = table.strip()
    try:
        return table, _arguments(given)
    except ArgumentError as error:
        raise ArgumentError(f"rows: row {number:,} ({table}): {error}") from None


def _value(row: Any, column: Any, name: str, number: int) -> Any:
    if isinstance(row, Mapping):
        same = [key for key in row if key == column] or [
            key for key in row if str(key).lower() == str(column).lower()
        ]
        if len(same) == 1:
            return row[same[0]]
        raise ArgumentError(
            f"columns: {name}: row {number:,} has no column {shown(column)}; it has {shown(list(row))}."
        )
    if isinstance(row, Sequence) and not isinstance(row, str):
        if isinstance(column, int) and not isinstance(column, bool) and 0 <= column < len(row):
            return row[column]
        raise ArgumentError(
            f"columns: {name}: {shown(column)} is not a place in row {number:,}, which starts at 0."
        )
    raise ArgumentError(f"rows: row {number:,}: {shown(row)} is neither a mapping nor a sequence of values.")


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name in _FLAGS:
            arguments[name] = _flag(name, value)
        elif name == "strategy":
            arguments[name] = _word(name, value) or "none"
        elif name == "write_mode":
            if word := _word(name, value):
                arguments[name] = word
        elif name in _LISTS and isinstance(value, str):
            if names := [part.strip() for part in value.split(",") if part.strip()]:
                arguments[name] = names
        elif value is not None and value != "":
            arguments[name] = value.strip() if isinstance(value, str) else value
    if arguments.get("strategy") in WITHOUT_COLUMN:
        arguments.pop(
            "checkpoint_column", None
        )  # a mapping keeps it for the day when the strategy is changed
    return arguments


def _flag(name: str, value: Any) -> bool:
    if value is None:
        raise ArgumentError(f"{name}: the flag has no value; write Y or N.")
    return flag(name, int(value) if isinstance(value, (Decimal, float)) and value in (0, 1) else value)


def _word(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return (value or "").strip().lower() or None
    raise ArgumentError(f"{name}: {shown(value)} is not a word.")
