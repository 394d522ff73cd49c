"""The metadata tables: one row per checkpoint, its history, and the rows that were rejected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.generic import sqlalchemy_dialect as ansi
from airflow_checkpoint_provider.engine.databases.identifiers import TableName, has_table
from airflow_checkpoint_provider.engine.databases.mysql.ddl import creation
from airflow_checkpoint_provider.engine.databases.oracle.driver import NAME_IN_USE, error_code
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MetadataTableError, one_line
from airflow_checkpoint_provider.engine.store.columns import _checkpoint_table, _event_table, _reject_table

DEFAULT_TABLE = "airflow_checkpoint"

_CREATION_TRIES = 20


@dataclass(frozen=True)
class Tables:
    """The metadata tables under the name that the user chose; the last one only where rows are rejected."""

    checkpoint: sa.Table
    event: sa.Table
    reject: sa.Table

    @classmethod
    def named(cls, checkpoint_table: str) -> Tables:
        """
        Describe the tables called ``checkpoint_table``, ``<checkpoint_table>_event`` and ``..._reject``.

        :raises ArgumentError: when it is not a table name
        """
        name = TableName.parse(checkpoint_table, argument="checkpoint_table")
        return _tables(name.table, name.schema)

    @property
    def name(self) -> str:
        return self.checkpoint.fullname

    def create(self, connection: sa.Connection, *, rejects: bool = False) -> None:
        """
        Create what is missing, in a transaction of its own.

        :param rejects: the table of rejected rows, too
        :raises MetadataTableError: when the database refuses
        """
        refused: sa.exc.DBAPIError | None = None
        self._check_name(connection.dialect)
        wanted = self._wanted(rejects)
        # More than once, because another attempt may be faster, with one table or with both.
        for tried in range(_CREATION_TRIES):
            missing = self._missing(connection, wanted)
            if not missing:
                return
            try:
                with connection.begin():
                    for table in missing:
                        for statement in creation(table, connection.dialect):
                            connection.execute(statement)
            except sa.exc.DBAPIError as error:
                refused = error
                if error_code(error.orig) == NAME_IN_USE:
                    time.sleep(0.1)  # it is at it: in Oracle each table is committed by itself
                elif tried == 2:
                    break
        if refused and (missing := self._missing(connection, wanted)):
            # The sequence is that of an identity column.
            too = " and sequences" if connection.dialect.name == "oracle" else ""
            raise MetadataTableError(
                f"The metadata table {missing[0].fullname} could not be created: {one_line(refused)}. Grant the right "
                f"to create tables{too}, or have a DBA run the script that CheckpointHook.ddl() returns."
            ) from refused

    def _check_name(self, dialect: sa.Dialect) -> None:
        if len(self.reject.name) > dialect.max_identifier_length:
            raise ArgumentError(
                f"checkpoint_table: {self.checkpoint.name!r} is too long: with _reject behind it, a name has at most "
                f"{dialect.max_identifier_length} characters here."
            )
        if dialect.name == "oracle" and '"' in self.name:
            raise ArgumentError(
                f"checkpoint_table: {self.checkpoint.name!r} has a double quote, which Oracle has in no name."
            )
        if getattr(dialect, "driver", "") == "mysqlconnector" and "%(" in self.name:
            raise ArgumentError(
                f"checkpoint_table: {self.name!r} has %(, which mysql-connector-python takes for a parameter. Choose "
                "another name, or use mysqlclient."
            )

    def require(self, connection: sa.Connection, *, create: bool, rejects: bool = False) -> None:
        """
        Make sure that the tables are there.

        :param rejects: the table of rejected rows, too

        :raises MetadataTableError: when they are not, and are not to be created
        """
        if create:
            self.create(connection, rejects=rejects)
        elif missing := self._missing(connection, self._wanted(rejects)):
            raise MetadataTableError(
                f"The metadata table {missing[0].fullname} does not exist, and [checkpoint] auto_create is off. Have a "
                "DBA run the script that CheckpointHook.ddl() returns."
            )

    def exist(self, connection: sa.Connection) -> bool:
        """Tell whether the tables are there that every checkpoint needs."""
        return not self._missing(connection, self._wanted(rejects=False))

    def keeps_rejects(self, connection: sa.Connection) -> bool:
        """Tell whether the table of rejected rows is there; a database of which nothing is known never has it."""
        return connection.dialect.name != ansi.NAME and not self._missing(connection, [self.reject])

    def _wanted(self, rejects: bool) -> list[sa.Table]:
        return [self.checkpoint, self.event, *([self.reject] if rejects else [])]

    def _missing(self, connection: sa.Connection, wanted: list[sa.Table]) -> list[sa.Table]:
        with reading(connection):
            inspector = sa.inspect(connection)
            return [table for table in wanted if not has_table(inspector, table.name, table.schema)]

    def ddl(self, dialect_name: str) -> str:
        """
        Write the script that creates the tables.

        :param dialect_name: ``postgresql``, ``sqlite``, ``oracle`` or ``mysql``
        :raises ArgumentError: for another name
        """
        try:
            dialect = sa.create_mock_engine(_urls()[dialect_name], _ignore).dialect
        except (KeyError, TypeError):  # one that is no text is no key, either
            raise ArgumentError(
                f"dialect: {dialect_name!r} is not known; choose one of {', '.join(sorted(_urls()))}."
            ) from None
        statements = [item for table in self._wanted(rejects=True) for item in creation(table, dialect)]
        return "\n".join(f"{str(item.compile(dialect=dialect)).strip()};\n" for item in statements)


@lru_cache(maxsize=32)  # to describe them takes milliseconds
def _tables(name: str, schema: str | None) -> Tables:
    metadata = sa.MetaData(schema=schema)
    return Tables(
        _checkpoint_table(name, metadata),
        _event_table(f"{name}_event", metadata),
        _reject_table(f"{name}_reject", metadata),
    )


def _ignore(*_: Any, **__: Any) -> None:
    """Stand in for the execution of a statement that is only written."""


def _urls() -> dict[str, str]:
    return {
        "postgresql": "postgresql+psycopg://",
        "sqlite": "sqlite://",
        "oracle": "oracle+oracledb://",
        "mysql": "mysql+mysqldb://",
    }


def refuse_other_table(connection: sa.Connection, tables: Tables) -> None:
    """
    Look whether the tables that are there can be the metadata tables.

    :raises MetadataTableError: when one lacks columns of a metadata table
    """
    with reading(connection):
        inspector = sa.inspect(connection)
        for table in (tables.checkpoint, tables.event):
            if not has_table(inspector, table.name, table.schema):
                continue
            nothing = sa.select(sa.text("*")).select_from(table).where(sa.text("1 = 0"))
            there = set(connection.execute(nothing).keys())
            if missing := [column.name for column in table.columns if column.name not in there]:
                raise MetadataTableError(
                    f"checkpoint_table: {table.fullname} is there, and is no table of checkpoints: it has no column "
                    f"{missing[0]}. Give a name that no other table has."
                )
