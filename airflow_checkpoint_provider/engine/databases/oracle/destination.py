"""Writing to Oracle: arrays of bind variables, whose types are the columns'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.codec import codec_of
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.oracle.dictionary import filled_columns, primary_key
from airflow_checkpoint_provider.engine.databases.oracle.errors import OF_ROWS, TOO_LONG, error_code
from airflow_checkpoint_provider.engine.databases.oracle.scripts import split_script
from airflow_checkpoint_provider.engine.databases.oracle.table_facts import table_columns
from airflow_checkpoint_provider.engine.databases.oracle.values.binding import is_long, sized
from airflow_checkpoint_provider.engine.databases.oracle.values.columns import (
    Column,
    column_of,
    in_character_set,
    reads,
)
from airflow_checkpoint_provider.engine.databases.oracle.values.description import as_it_is
from airflow_checkpoint_provider.engine.databases.rows.blocks import Block
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.databases.values.refusals import shown
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind
from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    CheckpointError,
    ConnectionGoneError,
    DestinationError,
    DestinationMismatchError,
    one_line,
)

_NULL_REFUSED = frozenset((1400, 1407))
_ALSO_NULL = ". In Oracle, an empty string is NULL, too."
_MOST_BYTES = 4_000  # of a text, whatever its column, where MAX_STRING_SIZE is STANDARD


class OracleDestination(Destination):
    """
    A table in Oracle.

    Direct path loading is faster and not used: it commits by itself, so a batch and its checkpoint would not be
    in one transaction.
    """

    def quote(self, name: str) -> str:
        # The names are the catalog's, as the server describes them, to the letter.
        return str(self.connection.dialect.identifier_preparer.quote_identifier(name))

    def run_script(self, script: str | Sequence[str]) -> list[tuple[str, int | None]]:
        texts = [script] if isinstance(script, str) else script
        return super().run_script([statement for text in texts for statement in split_script(text)])

    def reads(self, index: int, kind: WrittenKind) -> bool:
        return reads(self._types[index][1].name, kind)

    def declared(self, index: int) -> str:
        return _type(self._types[index])

    def check_at_once(self) -> None:
        self._run("SET CONSTRAINTS ALL IMMEDIATE")

    def _columns_there(self, inspector: sa.Inspector) -> dict[str, Any]:
        invisible = table_columns(self.raw, *self.table.in_catalog(self.connection.dialect)).invisible
        shown = ", ".join(["dst.*", *(f"dst.{self.quote(name)}" for name in invisible)])
        cursor = self.raw.cursor()
        try:
            cursor.outputtypehandler = as_it_is
            cursor.execute(f"SELECT {shown} FROM {self.name} dst WHERE 1 = 0")
            return {str(column[0]): column for column in cursor.description}
        finally:
            cursor.close()

    def _primary_key(self, inspector: sa.Inspector) -> list[str]:
        return primary_key(self.raw, *self.table.in_catalog(self.connection.dialect))

    def writing_statements(self) -> list[str]:
        return [self._statement]

    def _prepared(self) -> None:
        catalog = self.table.in_catalog(self.connection.dialect)
        self._filled = frozenset(filled_columns(self.raw, *catalog))
        self._codec = codec_of(self.connection.dialect)
        self._writers: list[Column] = []
        for name, described in zip(self.columns, self._types, strict=True):
            column = column_of(described)
            if column is None:
                raise DestinationMismatchError(
                    f"destination_columns: {name} of {self.table} in {self.conn_id!r} is of type {_type(described)}, "
                    "which cannot be written. Leave it out, by a mapping in destination_columns."
                )
            self._writers.append(in_character_set(column, self._codec) if self._codec else column)
        upsert = self.write_mode == "upsert"
        self._bound_as = [writer.in_merge if upsert else writer.in_insert for writer in self._writers]
        self._order = sorted(range(len(self.columns)), key=lambda index: is_long(self._bound_as[index]))
        self._statement = self._merge() if upsert else self.insert_statement()

    def insert_statement(self) -> str:
        """Write the INSERT with the driver's placeholders."""
        names = ", ".join(self.quote(self.columns[index]) for index in self._order)
        return f"INSERT INTO {self.name} ({names}) VALUES ({', '.join(self._placeholders())})"

    @contextmanager
    def errors(self, what: str, outcome: str = "nothing of it is committed") -> Iterator[None]:
        try:
            with super().errors(what, outcome):
                yield
        except DestinationError as error:
            if error_code(error.__cause__) in _NULL_REFUSED:
                raise BadRowsError(
                    f"{error}{_ALSO_NULL}", _reason(error.__cause__ or error)
                ) from error.__cause__
            raise
        except CheckpointError:
            raise
        except OSError as error:
            message = f"Destination {self.conn_id!r}: {self.table} {what}, and {outcome}: {one_line(error)}"
            raise DestinationError(message) from ConnectionGoneError(one_line(error))
        except (ValueError, TypeError) as error:  # a value that the driver cannot bind
            raise BadRowsError(
                f"Destination {self.conn_id!r}: {self.table} {what}, and {outcome}: {one_line(error)}",
                one_line(error),
            ) from error

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        writer = self._writers[index]
        variable = self.raw.cursor().var(getattr(self.connection.dialect.loaded_dbapi, writer.in_merge))
        variable.setvalue(0, writer.convert(value))
        return writer.form, variable

    def _is_absent(self, values: Iterable[Any]) -> bool:
        return any(value is None or value == "" for value in values)  # Oracle stores an empty string as NULL

    def _merge(self) -> str:
        names = [self.quote(self.columns[index]) for index in self._order]
        keys = [self.quote(name) for name in self.conflict_columns]
        placed = ", ".join(
            f"{placeholder} AS {name}" for placeholder, name in zip(self._placeholders(), names, strict=True)
        )
        same = " AND ".join(f"dst.{key} = src.{key}" for key in keys)
        changes = ", ".join(f"dst.{name} = src.{name}" for name in names if name not in keys)
        # The rows of an array are merged one at a time: of several with one key the last wins.
        return (
            f"MERGE INTO {self.name} dst USING (SELECT {placed} FROM dual) src ON ({same})"
            + (f" WHEN MATCHED THEN UPDATE SET {changes}" if changes else "")
            + f" WHEN NOT MATCHED THEN INSERT ({', '.join(names)})"
            + f" VALUES ({', '.join(f'src.{name}' for name in names)})"
        )

    def _placeholders(self) -> list[str]:
        return [self._writers[index].form.format(f":{n}") for n, index in enumerate(self._order, 1)]

    def write_good(self, rows: Block, route: RowRoute = VALUES) -> list[tuple[int, str]] | None:
        self.check(rows)
        with self.errors("refused the batch"), closing(self.raw.cursor()) as cursor:
            self._execute(cursor, rows, route, batcherrors=True)
            error_of = self.connection.dialect.loaded_dbapi.DatabaseError
            found = [(details.offset, error_of(details)) for details in cursor.getbatcherrors()]
            for _, error in found:
                if error_code(error) not in OF_ROWS:
                    raise error
            if not self._has_only_keys:
                self.compare(len(rows) - len(found), cursor.rowcount)
            return [(place, _reason(error)) for place, error in found]

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        with closing(self.raw.cursor()) as cursor:
            self._execute(cursor, rows, route)
            return None if self._has_only_keys else int(cursor.rowcount)

    def _execute(self, cursor: Any, rows: Any, route: RowRoute, **options: Any) -> None:
        columns = list(zip(*rows, strict=True))
        changed = self._order != list(range(len(columns)))
        for index, (writer, values) in enumerate(zip(self._writers, columns, strict=True)):
            if self.columns[index] in self._filled and (None in values or "" in values or b"" in values):
                reason = (
                    f"{self.columns[index]} of {self.table} takes no NULL, for which Oracle would put its default; and "
                    "an empty text is NULL."
                )
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {reason} Leave the column out, by a mapping in "
                    "destination_columns, or have the query return a value.",
                    reason,
                )
            padded = index in route.padded and writer.pads
            if (not padded or self._codec) and not writer.as_they_are.issuperset(map(type, values)):
                columns[index] = self._converted(index, writer, values)
                changed = True
        ordered = [columns[index] for index in self._order]
        driver = self.connection.dialect.loaded_dbapi
        # A column without a value in a block would otherwise be bound as text.
        cursor.setinputsizes(
            *(
                sized(cursor, driver, self._bound_as[index], self._writers[index].size, columns[index])
                for index in self._order
            )
        )
        given = list(zip(*ordered, strict=True)) if changed else list(rows)
        try:
            cursor.executemany(self._statement, given, **options)
        except driver.DatabaseError as error:
            if error_code(error) in TOO_LONG and self._have_longer(columns):
                refused = (
                    f"Destination {self.conn_id!r}: {self.table} refused the batch, and nothing of it is"
                )
                raise BadRowsError(f"{refused} committed: {one_line(error)}", one_line(error)) from error
            raise

    @property
    def _has_only_keys(self) -> bool:
        """Whether a MERGE has no column to update, and so does not count existing rows."""
        return self.write_mode == "upsert" and set(self.columns) == set(self.conflict_columns)

    def _have_longer(self, columns: Sequence[Sequence[Any]]) -> bool:
        """Return whether a value is longer than its column, whose size is in characters or in bytes."""
        return any(
            len(value) > writer.size
            or len(str(value).encode(errors="replace")) > max(writer.size, _MOST_BYTES)
            for writer, values in zip(self._writers, columns, strict=True)
            if writer.size
            for value in values
            if value is not None
        )

    def _converted(self, index: int, writer: Column, values: tuple[Any, ...]) -> Any:
        converted = []
        for value in values:
            try:
                converted.append(None if value is None else writer.convert(value))
            except (ValueError, ArithmeticError, TypeError) as error:
                column, type_ = f"{self.columns[index]} of {self.table}", _type(self._types[index])
                reason = f"{column} is {type_}, and {shown(value)} {error}."
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {reason} Nothing of the batch is committed. Convert it in the "
                    "query or in rows_processor.",
                    reason,
                ) from error
        return converted


def _reason(error: BaseException) -> str:
    return f"{one_line(error)}{_ALSO_NULL if error_code(error) in _NULL_REFUSED else ''}"


def _type(described: Any) -> str:
    return str(described[1].name).removeprefix("DB_TYPE_")
