"""Tuples of SQL that LOAD DATA LOCAL reads from a file in memory, or from a FIFO."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import drop, is_connector, opens_fifo, text_of
from airflow_checkpoint_provider.engine.databases.mysql.errors import PASSING, error_number
from airflow_checkpoint_provider.engine.databases.mysql.rows.load_files import (
    has_memory_files,
    in_memory,
    through_fifo,
)
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm
from airflow_checkpoint_provider.engine.databases.rows.tuples import (
    LOADED,
    LOADED_TEXT,
    TUPLES,
    TupleKind,
    TupleType,
)
from airflow_checkpoint_provider.engine.databases.table_facts import INSERT, TableFacts
from airflow_checkpoint_provider.engine.model.errors import ConnectionGoneError, one_line

_SPLITTING = "wsrep_load_data_splitting"
_SAVEPOINT = "airflow_checkpoint_load"
_ENGINE = "SELECT engine FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
# Others count in their own ways, commit parts of a file, or go back to no savepoint.
_ENGINES = frozenset(("innodb",))
# MySQL lists triggers only for users with this right; one held by a role is not found here.
_SEES_TRIGGERS = (
    "SELECT COUNT(*) FROM (SELECT grantee FROM information_schema.user_privileges WHERE privilege_type = 'TRIGGER'"
    " UNION ALL SELECT grantee FROM information_schema.schema_privileges"
    " WHERE privilege_type = 'TRIGGER' AND %s LIKE table_schema"
    " UNION ALL SELECT grantee FROM information_schema.table_privileges"
    " WHERE privilege_type = 'TRIGGER' AND table_schema = %s AND table_name = %s) AS held"
    " WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
)
_BITS = "CAST({0} AS UNSIGNED)"
# A file has no literals of these kinds.
_CONVERTED = {
    LOADED: {TupleKind.BYTES: "UNHEX(SUBSTRING({0}, 3, LENGTH({0}) - 3))", TupleKind.BITS: _BITS},
    LOADED_TEXT: {TupleKind.BYTES: "UNHEX({0})", TupleKind.BITS: _BITS},
}
_READ_AS = {
    LOADED: "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '''' ESCAPED BY '\\\\'"
    " LINES STARTING BY '(' TERMINATED BY ')\\n'",
    LOADED_TEXT: "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'",
}


def loaded(types: tuple[TupleType | None, ...]) -> tuple[PackedForm, ...]:
    """Return the forms of rows that LOAD DATA reads, the fastest first."""
    return tuple(PackedForm(name, types, "LOAD DATA reads it") for name in (LOADED_TEXT, LOADED))


def inserted(types: tuple[TupleType | None, ...], why_not: str = "") -> PackedForm:
    """
    Return the form of rows that INSERT reads.

    :param why_not: why LOAD DATA does not read them, where it could
    """
    reason = f" (not LOAD DATA LOCAL: {why_not})" if why_not else ""
    return PackedForm(TUPLES, types, f"INSERT reads it{reason}")


def cannot_load(facts: TableFacts) -> str:
    """Return why the rows of a table have to be inserted; empty where they can be loaded."""
    if not facts.columns or facts.hazard:
        return "a refused file could not be taken back" if facts.hazard else "the table is a view"
    if triggers := facts.triggers.get(INSERT):
        return f"it hides errors of the trigger {', '.join(triggers)}"
    return ""


def _read_as(form: str, columns: Sequence[tuple[str, TupleType]]) -> str:
    """Write how lines are read into columns."""
    names, changes = [], []
    for index, (name, type_) in enumerate(columns):
        if converted := _CONVERTED[form].get(type_.kind):
            variable = f"@airflow_checkpoint_{index}"
            names.append(variable)
            changes.append(f"{name} = {converted.format(variable)}")
        else:
            names.append(name)
    into = f"CHARACTER SET utf8mb4 {_READ_AS[form]} ({', '.join(names)})"
    return f"{into} SET {', '.join(changes)}" if changes else into


class NoFileError(Exception):
    """This machine has no room, or no descriptor, for the file; no statement has been sent."""


class Loading:
    """
    Has the server read tuples by LOAD DATA LOCAL.

    LOCAL stands for IGNORE: what is an error of an INSERT is a warning here, and a row is left out or changed.

    :param raw: the driver's connection
    :param error: the driver's class of errors
    :param named: the schema and the table, as the catalog has them
    :param table: as it stands in a statement
    :param columns: the written columns as they stand in a statement, each with what it reads in a tuple
    """

    def __init__(
        self,
        raw: Any,
        error: type[Exception],
        named: tuple[str, str],
        table: str,
        columns: Sequence[tuple[str, TupleType]],
    ) -> None:
        self._raw = raw
        # MySQL's own driver takes the path of a file in memory for a symbolic link, which it refuses.
        self._provide = through_fifo if is_connector(raw) else in_memory
        self._named = named
        self._error = error
        self._into = {name: f"INTO TABLE {table} {_read_as(name, columns)}" for name in _READ_AS}

    def why_not(self) -> str:
        """Return why no file can be read, as server and connection are set up; empty where it can."""
        if not has_memory_files():
            return "only Linux has files in memory"
        if is_connector(self._raw) and not opens_fifo(self._raw):
            return "the connection does not allow it"
        with closing(self._raw.cursor()) as cursor:
            cursor.execute(f"SHOW GLOBAL VARIABLES LIKE '{_SPLITTING}'")
            if any(text_of(value).upper() in ("ON", "1") for _, value in cursor.fetchall()):
                return f"{_SPLITTING} commits parts of a file"
            cursor.execute(_ENGINE, self._named)
            engine = text_of((cursor.fetchone() or ("an unknown engine",))[0])
            if engine.lower() not in _ENGINES:
                return f"it is not known how {engine} counts the rows of a file, and takes them back"
            cursor.execute(_SEES_TRIGGERS, (self._named[0], *self._named))
            if not cursor.fetchone()[0]:
                return "it would hide errors of triggers, which this user may not see without GRANT TRIGGER"
            try:
                self._run(cursor, ())
            except NoFileError as error:
                return one_line(error)
            except self._error as error:
                self._check_answers(cursor, error)
                return one_line(error)
        return ""

    def take(self, texts: Sequence[bytes], lines: int = 0) -> bool:
        """
        Have the server read tuples in the current transaction.

        :param lines: how many lines of COPY the texts have, where they are no tuples
        :return: whether all rows are stored as they are; otherwise none of them is
        """
        with closing(self._raw.cursor()) as cursor:
            cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
            try:
                taken = self._run(cursor, texts, lines=bool(lines))
                cursor.execute("SELECT @@warning_count")
                warnings = int(cursor.fetchone()[0])
                if taken == (lines or len(texts)) and not warnings:
                    return True
            except NoFileError:
                pass
            except self._error as error:
                if error_number(error) in PASSING:
                    raise
                self._check_answers(cursor, error)
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            return False

    def _run(self, cursor: Any, texts: Sequence[bytes], *, lines: bool = False) -> int:
        # Joined at once, for rows may be large; a file has one byte at least.
        data = b"".join(texts) if lines else b"\n".join((*texts, b"")) or b"\n"
        into = self._into[LOADED_TEXT if lines else LOADED]
        with ExitStack() as stack:
            try:
                path = stack.enter_context(self._provide(data))
            except (OSError, RuntimeError) as error:  # the second is for a thread that cannot be started
                raise NoFileError(one_line(error)) from error
            cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' {into}")
            return int(cursor.rowcount)

    def _check_answers(self, cursor: Any, error: Exception) -> None:
        """
        Check that a connection still answers its statements: a driver without the file may leave an answer unread.

        :param error: of LOAD DATA
        :raises ConnectionGoneError: when it does not; the connection is closed then
        """
        with suppress(Exception):  # of whichever driver
            cursor.execute("SELECT 'answers'")
            if [text_of(value) for value in cursor.fetchone()] == ["answers"]:
                return
        drop(self._raw)
        raise ConnectionGoneError(f"LOAD DATA LOCAL: {one_line(error)}") from error
