"""Borders of a large table from what its server knows of it, or from a sample: no scan, and nothing to sort."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.borders import Amount, Border, by_sample, count, fetch
from airflow_checkpoint_provider.engine.names import TableName
from airflow_checkpoint_provider.engine.sources.dbapi import Source
from airflow_checkpoint_provider.engine.sources.oracle import OracleSource
from airflow_checkpoint_provider.engine.sources.postgres import PostgresSource

_ROWS_FOR_EACH = 500  # of a sample, for each part: the parts then differ by a few percent
_PAGES_FOR_EACH = 50  # a page's rows are often neighbours, and so one observation
_VALUES_FOR_EACH = 4  # of the statistics
_ROWS_IN_PAGE = 10  # at least, where the pages are not counted: of a partitioned table
_MOST = 50.0  # percent; a larger sample is no less work than the whole

Estimate = tuple[str, Amount, list[Border]]

# What is known of a table with others below it is known of those, except for partitions, whose rows are summed up.
_KNOWN = """
SELECT c.reltuples, c.relpages, pg_stat_get_mod_since_analyze(c.oid), s.null_frac,
       COALESCE(array_length(s.most_common_freqs, 1), 0) + COALESCE(array_length(s.histogram_bounds, 1), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = %s AND NOT s.inherited
WHERE c.oid = %s::regclass AND (c.relkind = 'p' OR c.relkind IN ('r', 'm') AND NOT c.relhassubclass)
"""
# The histogram leaves out the values that are listed for being frequent, and its first bound ends nothing.
_VALUES = """
SELECT value, SUM(share) OVER (ORDER BY value) FROM (
  SELECT unnest(s.most_common_vals::text::{type}[]) AS value, unnest(s.most_common_freqs)::float8 AS share
  FROM pg_stats s WHERE s.schemaname = %s AND s.tablename = %s AND s.attname = %s AND NOT s.inherited
  UNION ALL
  SELECT b.value, (1 - s.null_frac - COALESCE((SELECT SUM(f) FROM unnest(s.most_common_freqs) f), 0))::float8
         / GREATEST(array_length(s.histogram_bounds, 1) - 1, 1)
  FROM pg_stats s, unnest(s.histogram_bounds::text::{type}[]) WITH ORDINALITY AS b(value, place)
  WHERE s.schemaname = %s AND s.tablename = %s AND s.attname = %s AND NOT s.inherited AND b.place > 1
) shares ORDER BY value
"""


def estimate(source: Source, table: TableName, column: str, parts: int, large: int) -> Estimate | None:
    """
    Find borders without looking at all rows.

    :param large: rows from which on that is worth it
    :return: how, and what was found; ``None`` where the table is small, or has to be read
    """
    if isinstance(source, PostgresSource):
        return _in_postgres(source, table, column, parts, large)
    if isinstance(source, OracleSource):
        amount = count(source, column)
        if amount.rows < large:
            return None
        percent = 100.0 * parts * _ROWS_FOR_EACH / amount.rows
        return _sampled(source, table, column, amount, f"SAMPLE ({max(percent, 0.000001):.6f})", percent)
    return None


def _in_postgres(
    source: PostgresSource, table: TableName, column: str, parts: int, large: int
) -> Estimate | None:
    name = table.quote(source.connection.dialect)
    with closing(source.raw.cursor()) as cursor, source.errors():
        cursor.execute(_KNOWN, [column, name])
        known = cursor.fetchone()
    if not known or known[0] < large:
        return None
    rows, pages, changed, null_share, values = known
    if (
        null_share is not None
        and values >= _VALUES_FOR_EACH * parts
        # Even if all the changes were in one part, it would not be much larger.
        and changed * 4 * parts <= rows
        and source.is_plain(column)
    ):
        return _from_statistics(source, name, column, rows, null_share)
    pages = pages if pages > 0 else rows / _ROWS_IN_PAGE
    percent = 100.0 * parts * max(_ROWS_FOR_EACH / rows, _PAGES_FOR_EACH / pages)
    amount = Amount(int(rows), 0)
    return _sampled(source, table, column, amount, f"TABLESAMPLE SYSTEM ({percent:.6f})", percent)


def _from_statistics(
    source: PostgresSource, name: str, column: str, rows: float, null_share: float
) -> Estimate:
    with closing(source.raw.cursor()) as cursor, source.errors():
        cursor.execute(
            "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE c.oid = %s::regclass",
            [name],
        )
        where = [*cursor.fetchone(), column]
        cursor.execute(_VALUES.format(type=source.type_of(column)), [*where, *where])
        borders = [Border(value, share * rows) for value, share in cursor.fetchall()]
    nulls = int(rows * null_share)
    return "the statistics of Postgres", Amount(int(rows) - nulls, nulls), borders


def _sampled(
    source: Source, table: TableName, column: str, amount: Amount, clause: str, percent: float
) -> Estimate | None:
    if percent > _MOST:
        return None
    name = source.quote(column)
    # Where names are quoted with the derived table's, the table itself is called so, too.
    alias = " src" if name.startswith("src.") else ""
    sampled = f"SELECT {name} FROM {table.quote(source.connection.dialect)} {clause}{alias}"
    statement = f"SELECT {source.exact(column)} FROM (\n{sampled}\n) src ORDER BY {name}"
    found: list[Any] = [row[0] for row in fetch(source, (statement, None))]
    values = [value for value in found if value is not None]
    if not values:
        return None
    nulls = amount.rows * (len(found) - len(values)) // len(found)
    amount = Amount(amount.rows - nulls, nulls)
    return f"a sample of {len(found):,} rows", amount, by_sample(values, amount)
