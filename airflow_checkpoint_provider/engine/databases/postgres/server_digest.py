"""Digests of rows that Postgres computes itself."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_checkpoint_provider.engine.databases.postgres.source import FIRST_OWN_OID, PostgresSource

_SAME = "SELECT current_setting('server_encoding'), hashtextextended('airflow', 0)"


_FLOATS_SHORTEST = 120_000  # the first version that writes them so


def _hash(texts: Sequence[str]) -> str:
    return f"hashtextextended({_as_text(texts)}, 0)"


def _as_text(texts: Sequence[str]) -> str:
    return f"CAST(ROW({', '.join(texts)}) AS text)"


def expressions(
    source: PostgresSource, destination: PostgresSource, table: str, pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]] | None:
    """
    Write each column of both sides so that the text is the same where the value is.

    :param table: the destination's, quoted
    :param pairs: columns of the source and of the destination
    :return: ``None`` where it cannot be said for sure
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
        own = source.oids[read] >= FIRST_OWN_OID, destination.oids[name] >= FIRST_OWN_OID
        if source.oids[read] == destination.oids[name] and not any(own):
            here = f"CAST({here} AS {declared[name]})"
        elif not own[1]:
            # As COPY does it, by way of the text of the value; a row is not NULL because one of its fields is.
            here = f"CASE WHEN num_nulls({here}) = 0 THEN CAST(format('%%s', {here}) AS {declared[name]}) END"
        elif not all(own) or source.type_of(read) != destination.type_of(name):
            return None
        written.append((here, there))
    return written
