"""Digests of rows that Postgres computes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource

_SAME = "SELECT current_setting('server_encoding'), hashtextextended('airflow', 0)"


_FLOATS_SHORTEST = 120_000  # the first version that writes them with the fewest digits


class RowHash:
    """
    The hash of a row's text.

    :param columns: the expression of each column in the digest
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)

    def bucket(self, columns: Sequence[int], buckets: int) -> str:
        """Write the number of a row's bucket."""
        return f"({_hash([self._columns[index] for index in columns] or self._columns)} & {buckets - 1})"

    @property
    def total(self) -> str:
        """The sum of the hashes of some rows."""
        return f"SUM({_hash(self._columns)})"

    @property
    def texts(self) -> list[str]:
        """The text of each column."""
        return [_as_text([column]) for column in self._columns]

    def value(self, text: Any) -> str | None:
        """Return a value without the parentheses of its row."""
        return None if text == "()" else text[1:-1]


def _hash(texts: Sequence[str]) -> str:
    return f"hashtextextended({_as_text(texts)}, 0)"


def _as_text(texts: Sequence[str]) -> str:
    return f"CAST(ROW({', '.join(texts)}) AS text)"


def row_hashes(
    source: PostgresSource, destination: PostgresSource, table: str, pairs: Sequence[tuple[str, str]]
) -> tuple[RowHash, RowHash] | None:
    """
    Write each column of both sides so that the text is the same where the value is.

    :param table: the destination's, quoted
    :param pairs: columns of the source and of the destination
    :return: ``None`` where that is not certain
    """
    if any(s.raw.info.server_version < _FLOATS_SHORTEST for s in (source, destination)) or (
        source.one((_SAME, None)) != destination.one((_SAME, None))
    ):
        return None
    zone = source.one(("SELECT current_setting('TimeZone')", None))
    if not zone or not destination.one(("SELECT set_config('TimeZone', %s, true)", zone)):
        return None
    with destination.raw.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = CAST(%s AS regclass) AND attnum > 0",
            [table],
        )
        declared = dict(cursor.fetchall())
    written = []
    for read, name in pairs:
        here, there = source.quote(read), destination.quote(name)
        one, other = source.described[read], destination.described[name]
        as_there = declared[name]
        if other.cast:
            as_there, there = other.cast, f"CAST({there} AS {other.cast})"
        if one.cast:
            here = f"CAST({here} AS {one.cast})"
        if one.oid == other.oid and not one.is_own:
            here = f"CAST({here} AS {as_there})"
        elif not other.is_own:
            # As COPY does it, by way of the text of the value; a row is not NULL because one of its fields is.
            here = f"CASE WHEN num_nulls({here}) = 0 THEN CAST(format('%%s', {here}) AS {as_there}) END"
        elif not one.is_own or one.type_ != other.type_:
            return None
        written.append((here, there))
    return RowHash([here for here, _ in written]), RowHash([there for _, there in written])
