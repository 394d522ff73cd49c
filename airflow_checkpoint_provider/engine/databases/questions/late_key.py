"""The questions about a primary key that is built after the first rows of its table, not created with the table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa


class LateKeys:
    """By default, each table is created with its key."""

    known: bool = False
    """Whether a table here may lack a key that is built later."""

    def placeholder(self, connection: sa.Connection, columns: Sequence[str]) -> str | None:
        """
        Return the text that takes the place of a key in CREATE TABLE, and keeps its columns in the catalog.

        :return: ``None`` where the key is to be created with the table
        """
        return None

    def may_wait(self, connection: sa.Connection) -> bool:
        """Return whether rows may be written to, and deleted from, a table of this database that lacks its key."""
        return False

    def columns(self, connection: sa.Connection, table: str) -> Sequence[str]:
        """
        Return the columns of the key that a table still lacks, in their order; empty where it lacks none.

        :param table: the whole name, as it stands in a statement
        """
        return ()

    def why_not(self, connection: sa.Connection, table: str) -> str:
        """Return why this session may not build the key of a table, in words; empty where it may."""
        return ""

    def statement(self, connection: sa.Connection, table: str, columns: Sequence[str]) -> str:
        """Return the statement that builds the key of a table and removes its placeholder, both or neither."""
        raise NotImplementedError

    def take_time(self, connection: sa.Connection) -> None:
        """Have the statements of this transaction take as long as they need."""

    def is_duplicate(self, error: BaseException) -> bool:
        """Return whether the server refuses a key because of rows that it does not tell apart."""
        return False

    def progress(self, connection: sa.Connection, table: str) -> str:
        """Return in words how far another session has come with the key; empty where it is not known."""
        return ""
