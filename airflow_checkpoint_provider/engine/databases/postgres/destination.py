"""Writing to Postgres through COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.postgres.copy_stream import HEADER, TRAILER, Packed
from airflow_checkpoint_provider.engine.databases.postgres.destination_checks import ValueCheck, types_of
from airflow_checkpoint_provider.engine.databases.postgres.passthrough import read_forms
from airflow_checkpoint_provider.engine.databases.routes import PackedForm, RowRoute

_STAGE = "airflow_checkpoint_stage"
_ORDER = "airflow_checkpoint_order"
_UNSENT = 8 * 1024 * 1024  # bytes that may wait for a server that is behind, while more is read


class PostgresDestination(Destination):
    """A table in Postgres; rows to upsert go through a temporary table."""

    _copy: Any = None
    _binary = False

    def _prepared(self) -> None:
        names = ", ".join(map(self.quote, self.columns))
        with self.raw.cursor() as cursor:
            types = types_of(cursor, self.name)
        self._stored = [types[name] for name in self.columns]
        self._checks = [
            ValueCheck(f"Destination {self.conn_id!r}: {name} of {self.table}", types[name])
            for name in self.columns
        ]
        self._into = f"COPY {self.name} ({names}) FROM STDIN"
        if self.write_mode != "upsert":
            return
        # The columns have the destination's types but not its constraints, which the INSERT will check.
        self._run(
            f"DROP TABLE IF EXISTS pg_temp.{_STAGE};"
            f"CREATE TEMPORARY TABLE {_STAGE} ON COMMIT DELETE ROWS AS "
            f"SELECT {names} FROM {self.name} WITH NO DATA;"
            f"ALTER TABLE {_STAGE} ADD COLUMN {_ORDER} bigserial"
        )
        self._into = f"COPY {_STAGE} ({names}) FROM STDIN"
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

    @contextmanager
    def batch(self) -> Iterator[None]:
        # One COPY takes all of the batch; when an error ends it, the server is told that it failed.
        with self.errors("refused the batch"):
            with ExitStack() as self._copying:
                self._copy = None
                yield
                if self._copy and self._binary:
                    self._copy.write(TRAILER)
            if self._copy and self.write_mode == "upsert":
                self._run(self._merge)

    @contextmanager
    def part(self) -> Iterator[None]:
        with super().part():
            yield
        if self.write_mode == "upsert":
            self._run(f"TRUNCATE {_STAGE}")  # which is emptied only at the end of the transaction

    def packed_forms(self) -> Sequence[PackedForm]:
        return read_forms(self._stored)

    def check_at_once(self) -> None:
        self._run("SET CONSTRAINTS ALL IMMEDIATE")

    def _write(self, rows: Any, route: RowRoute) -> None:
        packed = isinstance(rows, Packed)
        if self._copy is None:
            self._open_copy(binary=packed and rows.binary)
        if packed:
            self._copy.write(rows.data)
            return
        for index, values in enumerate(zip(*rows, strict=True)):
            if index not in route.kept:
                self._checks[index].check(values, padded=index in route.padded)
        # As Copy.write_row does, whose call takes as long as the row: it gives something when there is enough to send.
        for data in filter(None, map(self._copy.formatter.write_row, rows)):
            self._copy.writer.write(data)

    def _open_copy(self, *, binary: bool) -> None:
        from psycopg.copy import LibpqWriter
        from psycopg.types.numeric import IntNumericDumper

        statement = f"{self._into}{' (FORMAT binary)' if binary else ''}"
        cursor = self._copying.enter_context(self.raw.cursor())
        # As text, integers of all sizes are the same, and the usual dumper looks at each value to choose one.
        cursor.adapters.register_dumper(int, IntNumericDumper)
        writer = LibpqWriter(cursor)
        writer.flush_threshold = _UNSENT
        self._copy, self._binary = self._copying.enter_context(cursor.copy(statement, writer=writer)), binary
        if binary:
            self._copy.write(HEADER)
