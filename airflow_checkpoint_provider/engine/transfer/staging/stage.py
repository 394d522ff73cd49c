"""The stage of ``write_mode="replace_atomic"``: a table next to the destination, for rows not yet published."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import Identity

MARK = "__stage_"
"""A part of the name of every stage, for people who search for stages left behind."""

_LONGEST_NAME = 63  # bytes, in Postgres; MySQL has 64 characters


class Stage:
    """
    A table with the written columns, and none of the destination's constraints.

    :param destination: already found in the catalog, so that its name is the catalog's
    :param identity: the load of its rows; each partition of a mapped task has a stage of its own
    """

    def __init__(self, destination: Destination, identity: Identity) -> None:
        self._destination = destination
        self._identity = identity

    @property
    def table(self) -> TableName:
        """Its name, the same in every attempt of a load."""
        table, identity = self._destination.table, self._identity
        whose = (str(table), identity.dag_id, identity.task_id, identity.run_id)
        end = f"{MARK}{sha256(repr(whose).encode()).hexdigest()[:12]}"
        if identity.map_index >= 0:
            end += f"_{identity.map_index}"
        longest = min(_LONGEST_NAME, self._destination.connection.dialect.max_identifier_length)
        begin = table.table.encode()[: longest - len(end)].decode(errors="ignore")
        return replace(table, table=f"{begin}{end}")

    @property
    def name(self) -> str:
        """Its name, quoted for a statement."""
        return self.table.quote(self._destination.connection.dialect)

    def is_there(self) -> bool:
        """Return whether the stage exists."""
        return self.table.resolve(sa.inspect(self._destination.connection)) is not None

    def creation(self) -> str:
        """Return the statement that creates it."""
        destination = self._destination
        return destination.dialect.stage_creation(destination.connection).format(
            stage=self.name,
            columns=", ".join(map(destination.quote, destination.columns)),
            table=destination.table.quote(destination.connection.dialect),
        )

    def create(self) -> None:
        """
        Create it anew, and direct the destination's rows there; DDL commits by itself in some databases.

        :raises DestinationError: when the database refuses
        """
        destination = self._destination
        statement = self.creation()
        what = (
            f"could not be given the stage {self.table} (which takes the right to create a table next to it)"
        )
        with destination.errors(what, "its rows are unchanged"):
            self.drop()
            self.run(statement)
        self.take()

    def take(self) -> None:
        """Direct the destination's rows to it."""
        self._destination.write_into(self.name)

    def drop(self) -> None:
        """Drop it, if it exists."""
        if self.is_there():
            self.run(self._destination.dialect.drop_table.format(table=self.name))

    def columns(self) -> list[str]:
        """Return its columns, in its order."""
        with closing(self._destination.raw.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {self.name} WHERE 1 = 0")
            names = [str(column[0]) for column in cursor.description]
            cursor.fetchall()  # an unread result may be in the way of the next statement, even an empty one
            return names

    def count(self) -> int:
        """Count its rows."""
        with closing(self._destination.raw.cursor()) as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {self.name}")
            return int(cursor.fetchone()[0])

    def run(self, statement: str) -> int:
        """Run a statement on the destination's connection; return the number of affected rows, -1 if unknown."""
        return run_statement(self._destination, statement)


def run_statement(destination: Destination, statement: str) -> int:
    """Run a statement on a destination's connection; return the number of affected rows, -1 if unknown."""
    with closing(destination.raw.cursor()) as cursor:
        cursor.execute(statement)
        if cursor.description:
            cursor.fetchall()
        return int(cursor.rowcount)
