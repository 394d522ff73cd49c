"""What the statistics of Postgres know of a table and of the values of a column."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.partition import TableStatistics

# Statistics of a table with children are those of each child; a partitioned table has the sum of its rows.
_KNOWN = """
SELECT c.reltuples, c.relpages, pg_stat_get_mod_since_analyze(c.oid), s.null_frac,
       COALESCE(array_length(s.most_common_freqs, 1), 0) + COALESCE(array_length(s.histogram_bounds, 1), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = %s AND NOT s.inherited
WHERE c.oid = %s::regclass AND (c.relkind = 'p' OR c.relkind IN ('r', 'm') AND NOT c.relhassubclass)
"""
# The histogram leaves out the most common values, and its first bound ends no bucket.
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


def table_statistics(cursor: Any, table: str, column: str) -> TableStatistics | None:
    """
    Read the statistics of a table from the catalog.

    :param table: its name, quoted
    :return: ``None`` for a view, or a table that others inherit from
    """
    cursor.execute(_KNOWN, [column, table])
    known = cursor.fetchone()
    if not known:
        return None
    rows, pages, changed, null_share, values = known
    return TableStatistics(
        rows=rows,
        pages=pages,
        changed=changed,
        null_share=null_share,
        values=values if null_share is not None else 0,
    )


def value_shares(cursor: Any, table: str, column: str, type_: str) -> list[tuple[Any, float]]:
    """
    Return known values of a column in its order, each with the share of rows up to it.

    :param table: its name, quoted
    :param type_: of the column, as SQL names it
    """
    cursor.execute(
        "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE c.oid = %s::regclass",
        [table],
    )
    where = [*cursor.fetchone(), column]
    cursor.execute(_VALUES.format(type=type_), [*where, *where])
    return list(cursor.fetchall())
