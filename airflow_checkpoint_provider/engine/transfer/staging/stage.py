"""The stage of ``write_mode="replace_atomic"``: a table next to the destination, for rows that nobody is to see yet."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import Identity

MARK = "__stage_"
"""What stands in the name of every stage, for people who look for those that were left behind."""

_LONGEST_NAME = 63  # bytes, in Postgres; MySQL has 64 characters


class Stage:
    """
    A table with the columns that are written, and none of the destination's constraints.

    :param destination: has been looked at, so that its name is the catalog's
    :param identity: whose rows it takes; each part of a mapped task has a stage of its own
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
        """Its name, as it stands in a statement."""
        return self.table.quote(self._destination.connection.dialect)

    def is_there(self) -> bool:
        """Tell whether it exists."""
        return self.table.resolve(sa.inspect(self._destination.connection)) is not None

    def create(self) -> None:
        """
        Make it anew, empty, and let the destination's rows go there; DDL commits by itself in some databases.

        :raises DestinationError: when the database refuses
        """
        destination = self._destination
        statement = destination.dialect.stage_creation(destination.connection).format(
            stage=self.name,
            columns=", ".join(map(destination.quote, destination.columns)),
            table=destination.table.quote(destination.connection.dialect),
        )
        what = (
            f"could not be given the stage {self.table} (which takes the right to create a table next to it)"
        )
        with destination.errors(what, "its rows are unchanged"):
            self.drop()
            self.run(statement)
        self.take()

    def take(self) -> None:
        """Let what is written to the destination go here."""
        self._destination.write_into(self.name)

    def drop(self) -> None:
        """Drop it, if it is there."""
        if self.is_there():
            self.run(self._destination.dialect.drop_table.format(table=self.name))

    def columns(self) -> list[str]:
        """Return its columns, in the order in which it has them."""
        with closing(self._destination.raw.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {self.name} WHERE 1 = 0")
            names = [str(column[0]) for column in cursor.description]
            cursor.fetchall()  # what is not read may be in the way of the next statement, even where it is nothing
            return names

    def count(self) -> int:
        """Count its rows."""
        with closing(self._destination.raw.cursor()) as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {self.name}")
            return int(cursor.fetchone()[0])

    def run(self, statement: str) -> int:
        """Run a statement on the destination's connection; return how many rows it hit, -1 if that is unknown."""
        with closing(self._destination.raw.cursor()) as cursor:
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()
            return int(cursor.rowcount)
