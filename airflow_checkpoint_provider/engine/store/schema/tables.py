"""The metadata tables: one row per checkpoint, its history, and its rejected rows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

import sqlalchemy as sa
from sqlalchemy.schema import ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import sqlalchemy_dialects
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MetadataTableError, one_line
from airflow_checkpoint_provider.engine.store.schema import migration
from airflow_checkpoint_provider.engine.store.schema.columns import (
    FORMAT_VERSION,
    SINCE,
    _checkpoint_table,
    _event_table,
    _reject_table,
)

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

    def create(self, connection: sa.Connection, *, rejects: bool = False, seconds: float = 60) -> None:
        """
        Create missing tables, and migrate those of an earlier format, in transactions of their own.

        :param rejects: the table of rejected rows, too
        :param seconds: wait no longer for those who use a table that is to be changed
        :raises MetadataTableError: when the database refuses
        """
        self._create(connection, rejects=rejects)
        for table in self._outdated(connection):
            migration.migrate(connection, table, seconds)

    def _create(self, connection: sa.Connection, *, rejects: bool) -> None:
        dialect = dialect_of(connection)
        refused: sa.exc.DBAPIError | None = None
        self._check_name(connection.dialect)
        wanted = self._wanted(rejects)
        # More than once, because another attempt may create one table, or both, first.
        for tried in range(_CREATION_TRIES):
            missing = self._missing(connection, wanted)
            if not missing:
                return
            if len(missing) < len(wanted):
                refuse_other_table(connection, self)  # nothing is created beside it
            try:
                with connection.begin():
                    for table in missing:
                        for statement in dialect.creation(table):
                            connection.execute(statement)
            except sa.exc.DBAPIError as error:
                refused = error
                if error.orig and dialect.is_name_in_use(error.orig):
                    time.sleep(0.1)  # another session is creating it, and commits each table separately
                elif tried == 2:
                    break
        if refused and (missing := self._missing(connection, wanted)):
            raise MetadataTableError(
                f"The metadata table {missing[0].fullname} could not be created: {one_line(refused)}. Grant the right "
                f"to create {dialect.needed_to_create}, or have a DBA run the script that CheckpointHook.ddl() returns."
            ) from refused

    def _check_name(self, dialect: sa.Dialect) -> None:
        tables = self._wanted(rejects=True)
        names = [table.name for table in tables] + [str(i.name) for table in tables for i in table.indexes]
        longest, most = max(names, key=len), dialect.max_identifier_length
        if len(longest) > most:
            end = longest.removeprefix(self.checkpoint.name)
            raise ArgumentError(
                f"checkpoint_table: {self.checkpoint.name!r} is too long: a name has at most {most} characters here, "
                f"and {end} stands behind this one. Give a name of at most {most - len(end)} characters."
            )
        if reason := dialect_of(dialect).unusable(self.name, dialect.driver):
            raise ArgumentError(f"checkpoint_table: {self.name!r} has {reason}")

    def require(
        self, connection: sa.Connection, *, create: bool, rejects: bool = False, seconds: float = 60
    ) -> None:
        """
        Make sure that the tables exist in the present format.

        :param create: create missing tables, and migrate those of an earlier format
        :param rejects: the table of rejected rows, too
        :param seconds: wait no longer for those who use a table that is to be changed
        :raises MetadataTableError: when they do not, and are not to be created or changed
        """
        if create:
            self.create(connection, rejects=rejects, seconds=seconds)
            return
        if missing := self._missing(connection, self._wanted(rejects)):
            raise MetadataTableError(
                f"The metadata table {missing[0].fullname} does not exist, and [checkpoint] auto_create is off. Have a "
                "DBA run the script that CheckpointHook.ddl() returns."
            )
        self.refuse_outdated(connection, "[checkpoint] auto_create is off")

    def foresee(self, connection: sa.Connection, *, create: bool, rejects: bool = False) -> list[sa.Table]:
        """
        Return the tables that :meth:`require` would create or change; nothing is changed.

        The parameters are those of :meth:`require`.

        :raises MetadataTableError: when it would refuse what is there
        :raises ArgumentError: when the database takes no such name
        """
        if not create:
            self.require(connection, create=False, rejects=rejects)
            return []
        self._check_name(connection.dialect)
        wanted = self._wanted(rejects)
        missing = self._missing(connection, wanted)
        if len(missing) < len(wanted):
            refuse_other_table(connection, self)
        is_there = self.checkpoint not in missing and self.event not in missing
        outdated = self._outdated(connection) if is_there else []
        return [*missing, *(table for table in outdated if table not in missing)]

    def refuse_outdated(self, connection: sa.Connection, reason: str) -> None:
        """
        Refuse tables of an earlier format.

        :param reason: why they are not changed now
        :raises MetadataTableError: when there is one
        """
        if outdated := self._outdated(connection):
            raise MetadataTableError(
                f"The metadata table {outdated[0].fullname} has an earlier format than {FORMAT_VERSION}, and {reason}. "
                "Have a DBA run the script that `airflow checkpoint ddl --migrate` prints, or CheckpointHook.ddl() "
                "with migrate=True."
            )

    def _outdated(self, connection: sa.Connection) -> list[sa.Table]:
        """Return the tables to be migrated, that of the checkpoints last."""
        general = migration.is_of_general_path(connection, self.checkpoint)
        tables = [self.event, *([self.reject] if self.keeps_rejects(connection) else []), self.checkpoint]
        return [table for table in tables if general or migration.is_outdated(connection, table)]

    def missing(self, connection: sa.Connection, *, rejects: bool = False) -> list[sa.Table]:
        """
        Return the tables that do not exist.

        :param rejects: that of rejected rows counts, too
        """
        return self._missing(connection, self._wanted(rejects))

    def exist(self, connection: sa.Connection) -> bool:
        """Return whether the tables that every checkpoint needs exist."""
        return not self._missing(connection, self._wanted(rejects=False))

    def keeps_rejects(self, connection: sa.Connection) -> bool:
        """Return whether the table of rejected rows exists; an unknown database never has it."""
        return dialect_of(connection).savepoints and not self._missing(connection, [self.reject])

    def _wanted(self, rejects: bool) -> list[sa.Table]:
        return [self.checkpoint, self.event, *([self.reject] if rejects else [])]

    def _missing(self, connection: sa.Connection, wanted: list[sa.Table]) -> list[sa.Table]:
        with reading(connection):
            inspector = sa.inspect(connection)
            exists = partial(dialect_of(connection).has_table, inspector)
            return [table for table in wanted if not exists(table.name, table.schema)]

    def ddl(self, dialect_name: str, *, migrate: bool = False) -> str:
        """
        Return the script that creates the tables.

        :param dialect_name: ``postgresql``, ``sqlite``, ``oracle`` or ``mysql``
        :param migrate: instead, the script that migrates tables of the first format to the present one
        :raises ArgumentError: for any other name
        """
        known = sqlalchemy_dialects()
        if not isinstance(dialect_name, str) or dialect_name not in known:
            raise ArgumentError(
                f"dialect: {dialect_name!r} is not known; choose one of {', '.join(sorted(known))}."
            )
        dialect = known[dialect_name]()
        asked = dialect_of(dialect)
        if migrate:
            before, after = asked.migration_frame
            tables = (self.event, self.checkpoint, self.reject)
            parts = [
                f"{before}{_write(migration.script(table, dialect), dialect)}{after}" for table in tables
            ]
            return "\n".join(parts)
        return _write(
            [item for table in self._wanted(rejects=True) for item in asked.creation(table)], dialect
        )


def _write(statements: Iterable[ExecutableDDLElement], dialect: sa.Dialect) -> str:
    return "\n".join(f"{str(item.compile(dialect=dialect)).strip()};\n" for item in statements)


@lru_cache(maxsize=32)  # describing them takes milliseconds
def _tables(name: str, schema: str | None) -> Tables:
    metadata = sa.MetaData(schema=schema)
    return Tables(
        _checkpoint_table(name, metadata),
        _event_table(f"{name}_event", metadata),
        _reject_table(f"{name}_reject", metadata),
    )


def refuse_other_table(connection: sa.Connection, tables: Tables) -> None:
    """
    Check that the existing tables can be the metadata tables.

    :raises MetadataTableError: when one lacks columns of a metadata table
    """
    with reading(connection):
        inspector = sa.inspect(connection)
        for table in (tables.checkpoint, tables.event):
            if not dialect_of(connection).has_table(inspector, table.name, table.schema):
                continue
            nothing = sa.select(sa.text("*")).select_from(table).where(sa.text("1 = 0"))
            there = set(connection.execute(nothing).keys())
            wanted = [column.name for column in table.columns if SINCE not in column.info]
            if missing := [name for name in wanted if name not in there]:
                raise MetadataTableError(
                    f"checkpoint_table: {table.fullname} exists, and is not a table of checkpoints: it has no column "
                    f"{missing[0]}. Give a name that no other table has."
                )
