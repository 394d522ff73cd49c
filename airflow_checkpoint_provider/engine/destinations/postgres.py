"""Writing to Postgres through COPY."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.batches import Row
from airflow_checkpoint_provider.engine.destinations.dbapi import Destination
from airflow_checkpoint_provider.engine.errors import DestinationError

_STAGE = "airflow_checkpoint_stage"
_ORDER = "airflow_checkpoint_order"
_BYTES = frozenset((bytes, bytearray, memoryview))


class PostgresDestination(Destination):
    """A table in Postgres; rows to upsert go through a temporary table."""

    def _prepared(self) -> None:
        self._texts = [index for index, type_ in enumerate(self._types) if isinstance(type_, sa.String)]
        names = ", ".join(map(self.quote, self.columns))
        self._copy = f"COPY {self.name} ({names}) FROM STDIN"
        if self.write_mode != "upsert":
            return
        # The columns have the destination's types but not its constraints, which the INSERT will check.
        self._run(
            f"DROP TABLE IF EXISTS pg_temp.{_STAGE};"
            f"CREATE TEMPORARY TABLE {_STAGE} ON COMMIT DELETE ROWS AS "
            f"SELECT {names} FROM {self.name} WITH NO DATA;"
            f"ALTER TABLE {_STAGE} ADD COLUMN {_ORDER} bigserial"
        )
        self._copy = f"COPY {_STAGE} ({names}) FROM STDIN"
        keys = ", ".join(map(self.quote, self.conflict_columns))
        others = [self.quote(name) for name in self.columns if name not in self.conflict_columns]
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
        action = f"DO UPDATE SET {changes}" if others else "DO NOTHING"
        # A NULL is not equal to another one: such rows are all different.
        absent = " OR ".join(f"{self.quote(name)} IS NULL" for name in self.conflict_columns)
        alone = f"CASE WHEN {absent} THEN {_ORDER} END"
        # Of several rows with one key the last wins, as it would if they were written one by one.
        self._merge = (
            f"INSERT INTO {self.name} ({names}) OVERRIDING SYSTEM VALUE "
            f"SELECT {names} FROM (SELECT DISTINCT ON ({keys}, {alone}) * FROM {_STAGE} "
            f"ORDER BY {keys}, {alone}, {_ORDER} DESC) AS latest ON CONFLICT ({keys}) {action}"
        )

    def _write(self, rows: Sequence[Row]) -> None:
        for index in self._texts:
            if not _BYTES.isdisjoint({type(row[index]) for row in rows}):
                raise DestinationError(
                    f"Destination {self.conn_id!r}: {self.columns[index]} of {self.table} is text, and the batch has "
                    "bytes for it, of which nothing is committed. Decode them in the query or in rows_processor, "
                    "or make the column bytea."
                )
        with self.raw.cursor() as cursor:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
            if self.write_mode == "upsert":
                cursor.execute(self._merge)
                # More rows of the same batch may follow in this transaction.
                cursor.execute(f"TRUNCATE {_STAGE}")
