"""Writing to Postgres through COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.destination_table import CHANGING
from airflow_checkpoint_provider.engine.databases.postgres.row_security import (
    AS_BEFORE,
    HIDES_ROWS,
    SEES_ALL_ROWS_NOW,
    is_policy,
)
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_stream import HEADER, TRAILER, Packed
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_writer import CopyWriter
from airflow_checkpoint_provider.engine.databases.postgres.rows.passthrough import read_forms
from airflow_checkpoint_provider.engine.databases.postgres.values.destination_checks import ValueCheck
from airflow_checkpoint_provider.engine.databases.postgres.values.structures import with_parts
from airflow_checkpoint_provider.engine.databases.postgres.values.types import types_of
from airflow_checkpoint_provider.engine.databases.postgres.values.written_text import reads
from airflow_checkpoint_provider.engine.databases.rows.lines import QUOTE, Lines
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, BadRowsError, DestinationError

_UPSERT_BUFFER = "airflow_checkpoint_stage"
_ORDER = "airflow_checkpoint_order"
# Types whose equal values are written alike, except for the zeros of a number.
_STRICT_KEYS = frozenset(
    (
        *("int2", "int4", "int8", "oid", "numeric", "float4", "float8", "bool", "uuid", "bytea"),
        *("text", "varchar", "bpchar", "name", "date", "time", "timestamp", "timestamptz"),
    )
)
_MOST_COLUMNS = 1_600
_LOOSE = (
    "SELECT attname FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation"
    " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT collisdeterministic"
)
_BINARY = " (FORMAT binary)"
_OF_LINES = f" (FORMAT csv, QUOTE E'\\x{ord(QUOTE):02x}')"
_UNSENT = 8 * 1024 * 1024  # bytes that may wait for a server that is behind, while more is read


class PostgresDestination(Destination):
    """A table in Postgres; rows to upsert go through a temporary table."""

    leaves_out = "a trigger that returns NULL"

    _copy: Any = None
    _sent = 0
    _copied = 0
    _binary = False

    def _results(self, cursor: Any, statement: str) -> list[tuple[str, int | None]]:
        ran: list[tuple[str, int | None]] = []
        more = True
        while more:  # one text may have several statements
            words = (cursor.statusmessage or "").split()
            if words:
                ran.append((words[0], int(words[-1]) if words[0] in CHANGING else None))
            more = cursor.nextset()
        return ran

    def _prepared(self) -> None:
        names = ", ".join(map(self.quote, self.columns))
        with self.raw.cursor() as cursor:
            types = types_of(cursor, self.name)
        structured = [name for name, type_ in types.items() if type_.may_have_parts]
        parts = with_parts(self.raw, [types[name] for name in structured])
        types |= zip(structured, parts, strict=True)
        self._stored = [types[name] for name in self.columns]
        self._checks = [
            ValueCheck(f"Destination {self.conn_id!r}: {name} of {self.table}", types[name])
            for name in self.columns
        ]
        self._into = f"COPY {self.name} ({names}) FROM STDIN"
        if self.write_mode != "upsert":
            return
        if len(self.columns) >= _MOST_COLUMNS:
            raise ArgumentError(
                f"write_mode: 'upsert' numbers the rows of a batch in one more column, for which "
                f"{self.table} with {len(self.columns):,} has no room. Leave one out, by destination_columns, or use "
                "'replace'."
            )
        self._into = f"COPY {_UPSERT_BUFFER} ({names}) FROM STDIN"
        keys = ", ".join(map(self.quote, self.conflict_columns))
        others = [name for name in self.columns if name not in self.conflict_columns]
        changes = ", ".join(
            f"{name} = EXCLUDED.{name}" for name in map(self.quote, others or self.conflict_columns[:1])
        )
        action = f"DO UPDATE SET {changes}"
        # In such a type or collation, keys that differ may be equal: that row is not written, which the count shows.
        coarse = list(map(self.quote, self._coarse_keys()))
        if coarse:
            same = " AND ".join(
                f'dst.{name}::text COLLATE "C" IS NOT DISTINCT FROM EXCLUDED.{name}::text COLLATE "C"'
                for name in coarse
            )
            action += f" WHERE {same}"
            self.leaves_out = (
                f"a trigger that returns NULL, or the type or collation of {', '.join(coarse)}, which takes keys that "
                "differ for equal,"
            )
        exactly = ", ".join(
            f'{name}::text COLLATE "C"' if name in coarse else name
            for name in map(self.quote, self.conflict_columns)
        )
        # Of several rows with one key the last wins, as it would if they were written one by one.
        self._merge = (
            f"INSERT INTO {self.name} AS dst ({names}) OVERRIDING SYSTEM VALUE "
            f"SELECT {names} FROM (SELECT DISTINCT ON ({exactly}) * FROM {_UPSERT_BUFFER} "
            f"ORDER BY {exactly}, {_ORDER} DESC) AS latest ON CONFLICT ({keys}) {action}"
        )
        self._count = f"SELECT count(*) FROM (SELECT DISTINCT {exactly} FROM {_UPSERT_BUFFER}) AS latest"

    def _set_up(self) -> None:
        if self.write_mode != "upsert":
            return
        names = ", ".join(map(self.quote, self.columns))
        # A NULL is equal to no other, so each load would insert the row again: COPY has to refuse it.
        needed = "".join(f", ALTER COLUMN {self.quote(name)} SET NOT NULL" for name in self._never_null())
        # The columns have the destination's types but not its constraints, which the INSERT will check.
        # One by one: a server prepares no two statements at once, and the connection may ask for prepared ones.
        self._run(f"DROP TABLE IF EXISTS pg_temp.{_UPSERT_BUFFER}")
        self._run(
            f"CREATE TEMPORARY TABLE {_UPSERT_BUFFER} ON COMMIT DELETE ROWS AS "
            f"SELECT {names} FROM {self.name} WITH NO DATA"
        )
        self._run(f"ALTER TABLE {_UPSERT_BUFFER} ADD COLUMN {_ORDER} bigserial{needed}")

    def writing_statements(self) -> list[str]:
        return [self._into, self._merge] if self.write_mode == "upsert" else [self._into]

    def _coarse_keys(self) -> list[str]:
        """Return the conflict columns in which keys that differ may be equal."""
        with self.raw.cursor() as cursor:
            cursor.execute(_LOOSE, [self.name])
            loose = {name for (name,) in cursor.fetchall()}
        types = dict(zip(self.columns, self._stored, strict=True))
        return [
            name
            for name in self.conflict_columns
            if name in loose or (types[name].kind not in _STRICT_KEYS and types[name].family != "e")
        ]

    def _never_null(self) -> list[str]:
        """Return the columns of the conflict key in which a NULL would be equal to no other."""
        wanted = frozenset(self.conflict_columns)
        keys = [key for key in self.facts.unique_keys or () if key.columns == wanted and key.why_not is None]
        return [] if any(key.nulls_equal for key in keys) else self.conflict_columns

    def _check_keys(self, rows: Any) -> None:
        """Leave the check to the upsert buffer, which makes it for rows in every form."""

    @contextmanager
    def errors(self, what: str, outcome: str = "nothing of it is committed") -> Iterator[None]:
        try:
            with super().errors(what, outcome):
                yield
        except BadRowsError as error:
            diagnosis = getattr(error.__cause__, "diag", None)
            if (
                diagnosis is not None
                and diagnosis.sqlstate == "23502"
                and diagnosis.table_name == _UPSERT_BUFFER
            ):
                raise self.null_key(diagnosis.column_name) from error.__cause__
            raise

    @contextmanager
    def all_rows(self) -> Iterator[None]:
        self._run(SEES_ALL_ROWS_NOW)
        try:
            yield
        except self.connection.dialect.loaded_dbapi.Error as error:
            if not is_policy(error):
                raise
            raise DestinationError(
                f"Destination {self.conn_id!r}: {self.table} could not be emptied: {HIDES_ROWS}."
            ) from error
        self._run(AS_BEFORE)

    @contextmanager
    def batch(self) -> Iterator[None]:
        # One COPY takes the whole batch; when an error ends it, the server is told of the failure.
        with self.errors("refused the batch"):
            with ExitStack() as self._copying:
                self._copy, self._sent = None, 0
                yield
                if self._copy and self._binary:
                    self._copy.write(TRAILER)
            if self._copy:
                self._compare_taken(self._copied)

    def _take_count(self, cursor: Any) -> None:
        self._copied = cursor.rowcount

    def _compare_taken(self, copied: int) -> None:
        """Compare the server's counts with the number of rows sent."""
        self.compare(self._sent, copied)
        if self.write_mode != "upsert":
            return
        with self.raw.cursor() as cursor:
            try:
                cursor.execute(self._merge)
            except self.connection.dialect.loaded_dbapi.errors.CardinalityViolation as error:
                reason = f"{self.table} would take several rows for one: {self.leaves_out} is the reason"
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {reason}. Nothing of the batch is committed. Leave out all but one "
                    "in the query, or give the column a type and a collation that tell its values apart.",
                    reason,
                ) from error
            taken = cursor.rowcount
            if taken != copied:  # several rows may have had one key
                cursor.execute(self._count)
                self.compare(cursor.fetchone()[0], taken)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with super().savepoint():
            yield
        if self.write_mode == "upsert":
            self._run(f"TRUNCATE {_UPSERT_BUFFER}")  # otherwise emptied only at the end of the transaction

    def packed_forms(self) -> Sequence[PackedForm]:
        return read_forms(self._stored)

    def reads(self, index: int, kind: WrittenKind) -> bool:
        return reads(self._stored[index], kind)

    def declared(self, index: int) -> str:
        return self._stored[index].declared

    def check_at_once(self) -> None:
        self._run("SET CONSTRAINTS ALL IMMEDIATE")

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        packed = isinstance(rows, (Packed, Lines))
        self._sent += len(rows)
        if self._copy is None:
            binary = isinstance(rows, Packed) and rows.binary
            self._open_copy(_OF_LINES if isinstance(rows, Lines) else _BINARY if binary else "")
        if packed:
            self._copy.write(rows.data)
            return None
        for index, values in enumerate(zip(*rows, strict=True)):
            if index not in route.kept:
                self._checks[index].check(values, padded=index in route.padded)
        # As Copy.write_row does, whose call alone takes as long as the row: the formatter returns data when there is
        # enough to send.
        for data in filter(None, map(self._copy.formatter.write_row, rows)):
            self._copy.writer.write(data)
        return None  # counted at the end of the COPY

    def _open_copy(self, form: str) -> None:
        from psycopg.copy import LibpqWriter
        from psycopg.types.numeric import IntNumericDumper

        statement = f"{self._into}{form}"
        cursor = self._copying.enter_context(self.raw.cursor())
        self._copying.callback(self._take_count, cursor)  # between the end of the COPY and that of the cursor
        # As text, integers of all sizes are alike, and the usual dumper checks each value to choose a size.
        cursor.adapters.register_dumper(int, IntNumericDumper)
        writer = LibpqWriter(cursor)
        writer.flush_threshold = _UNSENT
        self._copy = self._copying.enter_context(cursor.copy(statement, writer=CopyWriter(writer)))
        self._binary = form == _BINARY
        if self._binary:
            self._copy.write(HEADER)
