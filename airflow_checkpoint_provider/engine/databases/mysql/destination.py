"""Writing to MySQL and MariaDB: INSERTs of many rows, and nothing rounded or cut on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.mysql import drivers as mysql
from airflow_checkpoint_provider.engine.databases.mysql.errors import error_number, is_signalled, sqlstate_of
from airflow_checkpoint_provider.engine.databases.mysql.rows.file_writer import FileWriter
from airflow_checkpoint_provider.engine.databases.mysql.rows.literals import tuples_of
from airflow_checkpoint_provider.engine.databases.mysql.rows.loading import (
    Loading,
    cannot_load,
    inserted,
    loaded,
)
from airflow_checkpoint_provider.engine.databases.mysql.scripts import split_script
from airflow_checkpoint_provider.engine.databases.mysql.table_facts import in_full
from airflow_checkpoint_provider.engine.databases.mysql.upsert import on_duplicate
from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.mysql.values.destination_checks import ColumnWriter
from airflow_checkpoint_provider.engine.databases.mysql.values.text_values import reads
from airflow_checkpoint_provider.engine.databases.mysql.values.tuple_types import tuple_type
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute
from airflow_checkpoint_provider.engine.databases.rows.tuples import LOADED, LOADED_TEXT, Tuples
from airflow_checkpoint_provider.engine.databases.statements.identifiers import quote_name
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

_ROWS_AT_ONCE = 1_000
_BYTES_AT_ONCE = 1_000_000
_ESCAPED = (b"\0", b"'", b'"', b"\\", b"\n", b"\r", b"\x1a")
_COLLATED = frozenset(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"))
_NOT_MINE = (
    1242  # more than one row from a subquery: raised by the UPDATE of a row that another unique key matches
)

_COLUMNS = sa.text(
    "SELECT column_name, data_type, column_type, character_maximum_length, numeric_scale, datetime_precision,"
    " is_nullable, extra, character_set_name"
    " FROM information_schema.columns WHERE table_schema = :schema AND table_name = :name"
)


class MysqlDestination(Destination):
    """A table in MySQL or MariaDB."""

    leaves_out = "a view, or the engine of the table,"

    _files: FileWriter | None = None

    def run_script(self, script: str | Sequence[str]) -> list[tuple[str, int | None]]:
        listed = [script] if isinstance(script, str) else script
        ran = []
        for statement in (part for text in listed for part in split_script(text)):
            # MySQL commits DDL by itself, with the statements before it.
            outcome = "only what its DDL has committed stays"
            with self.errors("refused the preoperator", outcome), closing(self.raw.cursor()) as cursor:
                cursor.execute(statement)
                ran += self._results(cursor, statement)
        return ran

    def insert_statement(self) -> str:
        names = ", ".join(map(self._name, self.columns))
        return f"INSERT INTO {self._escape(self.name)} ({names}) VALUES "

    def writing_statements(self) -> list[str]:
        return [f"{self._into}{self._row}{self._suffix}"]

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        return "{}", mysql.as_parameter(value)

    def _prepared(self) -> None:
        # Values that a column refuses by itself, such as text that is too long, are left to the server.
        self._facts = self._find_facts()
        self._choose_writers(())
        self._into = self.insert_statement()
        self._row = f"({', '.join(['%s'] * len(self.columns))})"
        self._suffix = ""
        if self.write_mode == "upsert":
            coarse = {name for name in self.conflict_columns if self._facts[name].kind in _COLLATED}
            self._suffix = on_duplicate(
                self.connection, self.table, self.columns, self.conflict_columns, coarse, self._name
            )
        with closing(self.raw.cursor()) as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            self._packet = int(cursor.fetchone()[0])
            self._plan(cursor)
        self._forms = self._find_forms()

    def _find_forms(self) -> Sequence[PackedForm]:
        keys = self.conflict_columns if self.write_mode == "upsert" else ()
        types = tuple(tuple_type(self._facts[name], in_key=name in keys) for name in self.columns)
        known = [type_ for type_ in types if type_]
        self._files = None
        if (
            self.written_forms.isdisjoint((LOADED, LOADED_TEXT))
            or self.write_mode == "upsert"
            or len(known) < len(types)
        ):
            return (inserted(types),)
        names = [quote_name(name, self.connection.dialect) for name in self.columns]
        error = self.connection.dialect.loaded_dbapi.Error
        named = in_full(self.connection, self.table.table, self.table.schema)
        loading = Loading(self.raw, error, named, self.name, list(zip(names, known, strict=True)))
        if why_not := cannot_load(self.facts) or loading.why_not():
            return (inserted(types, why_not),)
        self._files = FileWriter(loading, self._packet, self._insert_tuples, self._refuse_lines)
        return *loaded(types), inserted(types)

    @contextmanager
    def batch(self) -> Iterator[None]:
        if self._files:
            self._files.begin()
        yield
        with self.errors("refused the batch"):
            if self._files:
                self._files.send()

    def _plan(self, cursor: Any) -> None:
        """Have the server plan the statements of the load, so that it checks the user's rights."""
        nothing = ", ".join(["NULL"] * len(self.columns))
        insert = f"{self._into.removesuffix(' VALUES ')} SELECT {nothing} FROM DUAL WHERE 1 = 0{self._suffix}"
        statements = [insert.replace("%%", "%")]
        if self.write_mode in ("replace", "replace_atomic"):
            statements.append(f"DELETE FROM {self.name}")
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement}")
            cursor.fetchall()

    def _choose_writers(self, padded: Collection[int]) -> None:
        self._padded = padded
        self._writers = [
            ColumnWriter(
                f"Destination {self.conn_id!r}: {name} of {self.table}",
                replace(self._facts[name], padded=index in padded),
            )
            for index, name in enumerate(self.columns)
        ]

    def _find_facts(self) -> dict[str, ColumnFacts]:
        """Read the facts of the table's columns from the catalog; a stage has the types, but no AUTO_INCREMENT."""
        wanted = dict(
            zip(
                ("schema", "name"), in_full(self.connection, self.table.table, self.table.schema), strict=True
            )
        )
        types = dict(zip(self.columns, self._types, strict=True))
        facts = {}
        for name, kind, declared, length, scale, fraction, nulls, extra, charset in self.connection.execute(
            _COLUMNS, wanted
        ):
            type_ = types.get(str(name))
            listed = getattr(type_, "enums", None) or getattr(type_, "values", None) or ()
            facts[str(name)] = ColumnFacts(
                kind=mysql.text_of(kind).lower(),
                declared=mysql.text_of(declared),
                length=length,
                scale=scale,
                fraction=fraction or 0,
                nulls=mysql.text_of(nulls) == "YES",
                counts="auto_increment" in mysql.text_of(extra).lower(),
                listed=tuple(listed),
                charset=mysql.text_of(charset or ""),
            )
        return facts

    def packed_forms(self) -> Sequence[PackedForm]:
        return self._forms

    def reads(self, index: int, kind: WrittenKind) -> bool:
        return reads(self._facts[self.columns[index]].kind, kind)

    def declared(self, index: int) -> str:
        return self._facts[self.columns[index]].kind

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        if self._files and route.name in (LOADED, LOADED_TEXT):
            self._files.add(rows)
            return None  # counted when they are sent
        if isinstance(rows, Tuples):
            return self._write_tuples(rows)
        if route.padded != self._padded:
            self._choose_writers(route.padded)
        columns = zip(*rows, strict=True)
        written = [writer.converted(values) for writer, values in zip(self._writers, columns, strict=True)]
        rows = list(zip(*written, strict=True))
        taken = 0
        with closing(self.raw.cursor()) as cursor:
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                for piece in self._pieces(rows[start : start + _ROWS_AT_ONCE]):
                    taken += self._insert(cursor, *self._statement(piece))
        return None if self._suffix else taken  # an update counts twice, or not at all

    def _statement(self, rows: Sequence[Row]) -> tuple[str | bytes, Any]:
        """Return an INSERT and its parameters."""
        # A single row may be too large to be copied once more.
        if len(rows) > 1 and mysql.is_mysqlclient(self.raw):
            before, behind = self._ends()
            return b"".join((before, tuples_of(self.raw, rows), behind)), None
        statement = f"{self._into}{', '.join([self._row] * len(rows))}{self._suffix}"
        values = list(chain.from_iterable(rows))
        return mysql.as_read(self.raw, statement, values) if "%" in self._into else (statement, values)

    def _ends(self) -> tuple[bytes, bytes]:
        """Return what is before and behind the tuples of an INSERT without parameters."""
        before, behind = (part.replace("%%", "%").encode() for part in (self._into, self._suffix))
        return before, behind

    def _insert_tuples(self, rows: Tuples) -> None:
        taken = self._write_tuples(rows)
        if taken is not None:
            self.compare(len(rows), taken)

    def _refuse_lines(self, lines: int) -> None:
        reason = f"LOAD DATA has not taken all of {lines:,} rows of {self.table} as they are"
        raise BadRowsError(
            f"Destination {self.conn_id!r}: {reason}. Nothing of the batch is committed.", reason
        )

    def _write_tuples(self, rows: Tuples) -> int | None:
        before, behind = self._ends()
        around = len(before) + len(behind) + 1  # a byte for the command
        taken = 0
        with closing(self.raw.cursor()) as cursor:
            for piece in rows.pieces(min(_BYTES_AT_ONCE, self._packet) - around):
                statement = b"".join((before, b",".join(piece), behind))
                self._check_packet(len(statement) + 1)
                taken += self._insert(cursor, statement, None)
        return None if self._suffix else taken

    def _insert(self, cursor: Any, statement: str | bytes, values: Any) -> int:
        try:
            cursor.execute(statement, values)
            return int(cursor.rowcount)
        except self.connection.dialect.loaded_dbapi.Error as error:
            if error_number(error) == _NOT_MINE and self._suffix:
                keys = ", ".join(self.conflict_columns)
                reason = (
                    f"a row is equal to one of {self.table} in another unique index than that of {keys}, or differs "
                    f"from it only in what the collation of {keys} ignores (case, accents, blanks at the "
                    "end), and would change that one."
                )
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {reason} Nothing of the batch is committed; give conflict_columns "
                    "of the index that tells the rows apart, remove the other, or give the columns a binary collation.",
                    reason,
                ) from error
            if not self.dialect.blames_rows(error) and is_signalled(error, sqlstate_of(error, cursor)):
                raise self.refusal(error, "refused the batch", of_rows=True) from error
            raise

    def _pieces(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """Cut rows so that each statement fits into a packet."""
        size = sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))
        if size <= _BYTES_AT_ONCE:
            yield rows
        elif len(rows) > 1:
            middle = len(rows) // 2
            yield from self._pieces(rows[:middle])
            yield from self._pieces(rows[middle:])
        else:
            self._check_packet(_packet_size(rows[0]))
            yield rows

    def _check_packet(self, needed: int) -> None:
        if needed > self._packet:
            raise BadRowsError(
                f"Destination {self.conn_id!r}: a row for {self.table} takes {needed:,} bytes, and the server "
                f"accepts {self._packet:,} at a time. Raise max_allowed_packet there."
            )

    def _name(self, column: str) -> str:
        return self._escape(quote_name(column, self.connection.dialect))

    def _escape(self, name: str) -> str:
        """Escape a name for a statement with parameters."""
        return name.replace("%", "%%")


def _packet_size(row: Row) -> int:
    texts = (
        v.encode("utf-8", "replace") if isinstance(v, str) else v for v in row if isinstance(v, (str, bytes))
    )
    return 1_000 + sum(len(text) + sum(map(text.count, _ESCAPED)) for text in texts)
