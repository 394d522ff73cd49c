"""Tuples of SQL that LOAD DATA LOCAL reads from a file in memory, or from a FIFO."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_connector, opens_fifo, text_of
from airflow_checkpoint_provider.engine.databases.mysql.errors import PASSING, error_number
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm
from airflow_checkpoint_provider.engine.databases.rows.tuples import LOADED, TUPLES, TupleKind, TupleType
from airflow_checkpoint_provider.engine.databases.table_facts import INSERT, TableFacts
from airflow_checkpoint_provider.engine.model.errors import one_line

_SPLITTING = "wsrep_load_data_splitting"
_SAVEPOINT = "airflow_checkpoint_load"
# MySQL lists triggers only for users with this right; one held by a role is not found here.
_SEES_TRIGGERS = (
    "SELECT COUNT(*) FROM (SELECT grantee FROM information_schema.user_privileges WHERE privilege_type = 'TRIGGER'"
    " UNION ALL SELECT grantee FROM information_schema.schema_privileges"
    " WHERE privilege_type = 'TRIGGER' AND %s LIKE table_schema"
    " UNION ALL SELECT grantee FROM information_schema.table_privileges"
    " WHERE privilege_type = 'TRIGGER' AND table_schema = %s AND table_name = %s) AS held"
    " WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
)
# A file has no literals of these kinds.
_CONVERTED = {
    TupleKind.BYTES: "UNHEX(SUBSTRING({0}, 3, LENGTH({0}) - 3))",
    TupleKind.BITS: "CAST({0} AS UNSIGNED)",
}
_READ_AS = (
    " CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '''' ESCAPED BY '\\\\'"
    " LINES STARTING BY '(' TERMINATED BY ')\\n'"
)


def loaded(types: tuple[TupleType | None, ...]) -> PackedForm:
    """Return the form of rows that LOAD DATA reads."""
    return PackedForm(LOADED, types, "LOAD DATA reads it")


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
        self._named = named
        self._error = error
        names, changes = [], []
        for index, (name, type_) in enumerate(columns):
            if type_.kind in _CONVERTED:
                variable = f"@airflow_checkpoint_{index}"
                names.append(variable)
                changes.append(f"{name} = {_CONVERTED[type_.kind].format(variable)}")
            else:
                names.append(name)
        into = f" INTO TABLE {table}{_READ_AS} ({', '.join(names)})"
        self._into = f"{into} SET {', '.join(changes)}" if changes else into

    def why_not(self) -> str:
        """Return why no file can be read, as server and connection are set up; empty where it can."""
        if not hasattr(os, "memfd_create"):
            return "only Linux has files in memory"
        if is_connector(self._raw) and not opens_fifo(self._raw):
            return "the connection does not allow it"
        with closing(self._raw.cursor()) as cursor:
            cursor.execute(f"SHOW GLOBAL VARIABLES LIKE '{_SPLITTING}'")
            if any(text_of(value).upper() in ("ON", "1") for _, value in cursor.fetchall()):
                return f"{_SPLITTING} commits parts of a file"
            cursor.execute(_SEES_TRIGGERS, (self._named[0], *self._named))
            if not cursor.fetchone()[0]:
                return "it would hide errors of triggers, which this user may not see without GRANT TRIGGER"
            try:
                self._run(cursor, ())
            except (self._error, OSError) as error:
                return one_line(error)
        return ""

    def take(self, texts: Sequence[bytes]) -> bool:
        """
        Have the server read tuples in the current transaction.

        :return: whether all rows are stored as they are; otherwise none of them is
        """
        with closing(self._raw.cursor()) as cursor:
            cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
            try:
                taken = self._run(cursor, texts)
                cursor.execute("SELECT @@warning_count")
                warnings = int(cursor.fetchone()[0])
                if taken == len(texts) and not warnings:
                    return True
            except self._error as error:
                if error_number(error) in PASSING:
                    raise
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            return False

    def _run(self, cursor: Any, texts: Sequence[bytes]) -> int:
        # MySQL's own driver takes the path of a file in memory for a symbolic link, which it refuses.
        provide = _through_fifo if is_connector(self._raw) else _in_memory
        with provide(b"\n".join((*texts, b""))) as path:
            cursor.execute(f"LOAD DATA LOCAL INFILE '{path}'{self._into}")
            return int(cursor.rowcount)


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Write data to a file that is on no disk, and yield its path in this process."""
    with os.fdopen(os.memfd_create("airflow_checkpoint"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


@contextmanager
def _through_fifo(data: bytes) -> Iterator[str]:
    """Yield the path of a FIFO through which data can be read once."""

    def write() -> None:
        with suppress(BrokenPipeError), Path(path).open("wb") as file:
            file.write(data)

    with TemporaryDirectory(prefix="airflow_checkpoint_") as folder:
        path = f"{folder}/rows"
        os.mkfifo(path, 0o600)
        writer = Thread(target=write, daemon=True)
        writer.start()
        try:
            yield path
        finally:
            while writer.is_alive():  # it waits for a reader that has left, or has never come
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                writer.join(0.01)
