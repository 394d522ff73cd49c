"""Writing to SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.sqlite.affinity import Affinity, affinity_of
from airflow_checkpoint_provider.engine.databases.sqlite.attached import made_by, schema_of
from airflow_checkpoint_provider.engine.databases.sqlite.scripts import split_script
from airflow_checkpoint_provider.engine.databases.sqlite.stored_values import (
    FLOAT_DIGITS,
    NATIVE,
    StoredValues,
)
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind
from airflow_checkpoint_provider.engine.model.errors import BadRowsError, DestinationError

_OF_COLUMNS = "SELECT name, type, pk FROM pragma_table_xinfo(?, ?)"
_OWN_WAY = re.compile(r"\bON\s+CONFLICT\s+(?:IGNORE|REPLACE|FAIL|ROLLBACK)\b", re.IGNORECASE)
_NO_ROWID = re.compile(r"\bWITHOUT\s+ROWID\b", re.IGNORECASE)
_IS_STRICT = re.compile(r"\bSTRICT\b[^)]*\Z", re.IGNORECASE)


class SqliteDestination(Destination):
    """A table in SQLite: values that it has no type for are written as text, with all their digits."""

    leaves_out = "a trigger with RAISE(IGNORE), or a key whose collation takes keys that differ for equal,"

    _rolled_back: DestinationError | None = None

    def run_script(self, script: str | Sequence[str]) -> list[tuple[str, int | None]]:
        scripts = [script] if isinstance(script, str) else script
        return super().run_script([statement for text in scripts for statement in split_script(text)])

    def reads(self, index: int, kind: WrittenKind) -> bool:
        return self._values.keeps_text(index) or kind.hides_no_number

    def text_digits(self, column: str) -> float:
        return inf if self._values.keeps_text(self.columns.index(column)) else FLOAT_DIGITS

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        return "{}", value if type(value) in NATIVE else self._values.convert(index, value)

    @contextmanager
    def errors(self, what: str, outcome: str = "nothing of it is committed") -> Iterator[None]:
        try:
            with super().errors(what, outcome):
                yield
        except BadRowsError as error:
            if self.connection.in_transaction() and not self.raw.in_transaction:
                # RAISE(ROLLBACK), or a constraint with ON CONFLICT ROLLBACK: no savepoint is left to go back to.
                self._rolled_back = DestinationError(
                    f"{error}. SQLite has rolled back the whole transaction: no row can be put aside."
                )
                raise self._rolled_back from error
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        try:
            with super().savepoint():
                yield
        except sa.exc.DBAPIError:
            if self._rolled_back:  # the savepoint is gone with the transaction
                raise self._rolled_back from None
            raise

    def writing_statements(self) -> list[str]:
        return [self._statement]

    def insertion(self) -> str:
        _, sql = self._made_by()
        # The table's own way would leave rows out, or replace others, without an error.
        return "INSERT OR ABORT INTO" if _OWN_WAY.search(sql) else super().insertion()

    def _made_by(self) -> tuple[str, str]:
        return made_by(self.raw, self.table.table, self._schema or "main") or ("", "")

    @property
    def _schema(self) -> str | None:
        return schema_of(self.raw, self.table.table, self.table.schema)

    def _prepared(self) -> None:
        self._look_at_table()
        self._statement = self.insert_statement()
        if self.write_mode == "upsert":
            keys = ", ".join(map(self.quote, self.conflict_columns))
            others = [name for name in self.columns if name not in self.conflict_columns]
            changes = ", ".join(
                f"{name} = excluded.{name}" for name in map(self.quote, others or self.conflict_columns[:1])
            )
            # In the collation of a key, keys that differ may be equal: such a row is not written, as the count shows.
            same = " AND ".join(
                f"({name} COLLATE BINARY) IS excluded.{name}"
                for name in map(self.quote, self.conflict_columns)
            )
            self._statement += f" ON CONFLICT ({keys}) DO UPDATE SET {changes} WHERE {same}"

    def _look_at_table(self) -> None:
        kind, sql = self._made_by()
        self._counts = kind == "table"  # rows that go through a view's trigger are not counted
        strict = bool(_IS_STRICT.search(sql))
        described = self.raw.execute(_OF_COLUMNS, (self.table.table, self._schema)).fetchall()
        affinities = {column: affinity_of(declared, strict=strict) for column, declared, _ in described}
        key = [(column, declared) for column, declared, place in described if place]
        numbered = -1
        if len(key) == 1 and key[0][1].upper() == "INTEGER" and not _NO_ROWID.search(sql):
            numbered = self.columns.index(key[0][0]) if key[0][0] in self.columns else -1
        written = [affinities.get(column, Affinity.NUMERIC) for column in self.columns]
        self._values = StoredValues(written, numbered, self._refused)

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        if route.plain and self._values.keeps_plain(route.texts):
            self._values.check_numbers(rows)
        else:
            rows = self._values.taken(rows)
        taken = self.raw.executemany(self._statement, rows).rowcount
        return int(taken) if self._counts else None

    def _refused(self, index: int, why: str) -> BadRowsError:
        return BadRowsError(f"Destination {self.conn_id!r}: {self.columns[index]} of {self.table} {why}")
