"""The distribution of a numeric column's values, by the statistics of Oracle's dictionary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dictionary import rows_of

# In every kind of histogram, the numbers of endpoints are cumulative: of rows, or of buckets of as many rows each.
_ENDPOINTS = (
    "SELECT h.column_name, h.endpoint_value, h.endpoint_number FROM all_tab_histograms h"
    " WHERE h.owner = :1 AND h.table_name = :2 ORDER BY h.endpoint_number"
)
_NULLS = (
    "SELECT s.column_name, s.num_nulls FROM all_tab_col_statistics s WHERE s.owner = :1 AND s.table_name = :2"
)
_CHANGES = (
    "SELECT m.inserts + m.updates + m.deletes FROM all_tab_modifications m"
    " WHERE m.table_owner = :1 AND m.table_name = :2 AND m.partition_name IS NULL"
)


def value_shares(
    raw: Any, owner: str | None, table: str, column: str, *, whole: bool
) -> list[tuple[int | Decimal, float]]:
    """
    Return values of a numeric column, each with the share of its rows that have it or a smaller one.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    :param whole: the column has whole numbers; an endpoint of many digits may not be one
    """
    found = [
        (Decimal(str(value)), int(number))
        for name, value, number in rows_of(raw, _ENDPOINTS, owner, table)
        if name == column and value is not None
    ]
    most = found[-1][1] if found else 0
    return [(int(value) if whole else value, number / most) for value, number in found if number]


def changed_rows(raw: Any, owner: str | None, table: str) -> int:
    """Return how many rows were changed since the statistics were gathered, as far as the server has recorded it."""
    return sum(int(changes or 0) for (changes,) in rows_of(raw, _CHANGES, owner, table))


def null_rows(raw: Any, owner: str | None, table: str, column: str) -> int:
    """Return how many rows have NULL in a column, by its statistics."""
    return sum(int(nulls or 0) for name, nulls in rows_of(raw, _NULLS, owner, table) if name == column)
