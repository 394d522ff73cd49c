"""Boundaries of a large table from its server's statistics, or from a sample: no scan and no sort."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, quote_name
from airflow_checkpoint_provider.engine.model.partition import Amount, Boundary
from airflow_checkpoint_provider.engine.transfer.partitioning.boundaries import by_sample, fetch

_ROWS_FOR_EACH = 500  # of a sample, for each partition: they then differ by a few percent
_LEAST_FOR_EACH = 50  # where a condition leaves fewer, the rows that meet it are few, and are read
_PAGES_FOR_EACH = 50  # a page's rows are often neighbours, and so one observation
_VALUES_FOR_EACH = 4  # of the statistics
_ROWS_IN_PAGE = 10  # at least, where the pages are not counted: of a partitioned table
_MOST = 50.0  # percent; a larger sample is no less work than the whole

Estimate = tuple[str, Amount, list[Boundary]]


def estimate(source: Source, table: TableName, column: str, parts: int, large: int) -> Estimate | None:
    """
    Find boundaries without reading all rows.

    :param large: the number of rows from which on that is worth it
    :return: how, the number of rows, and the boundaries; ``None`` where the table is small, or has to be read
    """
    known = source.statistics(table, column)
    if known is None or known.rows < large:
        return None
    rows = int(known.rows)
    # Even if all the changes were in one partition, it would not be much larger.
    if (
        not source.query.where
        and known.values >= _VALUES_FOR_EACH * parts
        and known.changed * 4 * parts <= known.rows
    ):
        shares = source.value_shares(table, column)
        nulls = int(known.rows * known.null_share)
        borders = [Boundary(value, share * known.rows) for value, share in shares]
        return "the server's statistics", Amount(rows - nulls, nulls), borders
    percent = 100.0 * parts * _ROWS_FOR_EACH / known.rows
    if known.pages is not None:
        pages = known.pages if known.pages > 0 else known.rows / _ROWS_IN_PAGE
        percent = max(percent, 100.0 * parts * _PAGES_FOR_EACH / pages)
    return _sampled(source, table, column, Amount(rows, 0), percent, parts)


def _sampled(
    source: Source, table: TableName, column: str, amount: Amount, percent: float, parts: int
) -> Estimate | None:
    if percent > _MOST:
        return None
    dialect = source.connection.dialect
    quoted = table.quote(dialect)
    # No alias: the condition may name the table.
    name = f"{quoted}.{quote_name(column, dialect)}"
    where = f" WHERE (\n{source.query.where}\n)" if source.query.where else ""
    sampled = f"SELECT {name} FROM {quoted} {source.sample_clause(percent)}{where}"
    statement = f"SELECT {source.exact(column)} FROM (\n{sampled}\n) src ORDER BY {source.quote(column)}"
    found: list[Any] = [row[0] for row in fetch(source, (statement, None))]
    values = [value for value in found if value is not None]
    if where:  # the statistics count all rows, so the sample has to tell how many meet the condition
        if len(found) < _LEAST_FOR_EACH * parts:
            return None
        amount = Amount(int(len(found) * 100 / percent), 0)
    if not values:
        return None
    nulls = amount.rows * (len(found) - len(values)) // len(found)
    amount = Amount(amount.rows - nulls, nulls)
    return f"a sample of {len(found):,} rows", amount, by_sample(values, amount)
