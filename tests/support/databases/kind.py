"""A kind of database in the tests: its creation, its SQL, and its abilities."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db


class Kind(ABC):
    """
    One kind. Abilities are plain fields, by default those of an unknown database; tests read them, never the name.

    A new database is a subclass in a module of its own, and a line in :mod:`tests.support.databases.registry`.
    """

    name: ClassVar[str]
    needs_server: ClassVar[bool] = True

    # Abilities
    rejects: ClassVar[bool] = False
    """Bad rows are put aside: savepoints are known."""
    transactional: ClassVar[bool] = False
    """A rollback is known to take back rows, without a checkpoint that shows it."""
    knows_primary_keys: ClassVar[bool] = False
    """The catalog tells the primary key of a table."""
    knows_unique_keys: ClassVar[bool] = False
    """Columns that no unique index covers are refused for an upsert."""
    tells_identity: ClassVar[bool] = False
    """The catalog tells a table from another one of its name."""
    truncates: ClassVar[bool] = False
    """TRUNCATE empties a table, and the catalog tells it."""
    knows_views: ClassVar[bool] = False
    """A view that takes no rows is refused before anything is done."""
    reads_moments: ClassVar[bool] = False
    """A table can be read as it was at an earlier moment."""
    shares_moments: ClassVar[bool] = False
    """Several tables can be read as of one moment, which perhaps a session holds."""
    holds_moments: ClassVar[bool] = False
    """Such a moment is held by a session."""
    has_rowids: ClassVar[bool] = False
    """A table can be split as it is stored."""
    hides_columns: ClassVar[bool] = False
    """A column may be INVISIBLE, so that ``*`` leaves it out."""
    computes: ClassVar[str | None] = None
    """How a column is declared that the server computes, with ``{}`` for the expression."""
    lists_tables: ClassVar[bool] = False
    """The catalog tells the names of the tables."""
    has_schemas: ClassVar[bool] = False
    has_one_lock: ClassVar[bool] = False
    """A transaction that writes locks all tables."""
    keeps_empty_text: ClassVar[bool] = True
    """An empty text is not NULL."""
    enforces_references: ClassVar[bool] = True
    """A foreign key is checked without a request of the connection."""
    enforces_types: ClassVar[bool] = True
    """A value that its column's type does not take is refused."""
    folds_to_upper: ClassVar[bool] = False
    """A name written without quotes means one in upper case."""
    keeps_lock_timeout: ClassVar[bool] = False
    """A lock is waited for as long as ``lock_timeout`` says."""

    serves_both_sides: ClassVar[bool] = True
    """One database may be source and destination of a load."""

    moment: ClassVar[str] = "timestamp"
    """The type of a time without a zone."""

    rows_in_an_answer: ClassVar[int] = 0
    """How many rows the server sends together, whatever their sizes."""

    long_text: ClassVar[str] = "text"
    """The type of text of any length."""

    doubles_percent: ClassVar[bool] = False
    """The driver takes a percent sign in a statement with parameters for the beginning of one."""

    @abstractmethod
    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        """
        Create an empty database, and return its place.

        :param role: ``source`` or ``destination``; without a server, anything
        """

    @abstractmethod
    def connect(self, db: Db) -> Any:
        """Open a connection as the engine does."""

    def by_hand(self, db: Db) -> Any:
        """Open a connection for the tests' own statements, with names in standard quotes."""
        return self.connect(db)

    def ddl(self, statement: str) -> str:
        """Translate a test's statement to this database's SQL."""
        return statement

    def marks(self, count: int) -> Sequence[str]:
        """Return placeholders for a statement by hand."""
        return ["%s"] * count

    def bound(self, value: Any) -> Any:
        """Return the value to bind, where this database does not take it as it is."""
        return value

    def prepare_cursor(self, cursor: Any) -> None:  # noqa: B027
        """Let a cursor fetch values without loss."""

    def fetched(self, value: Any) -> Any:
        """Return a fetched value in the form of other databases."""
        return value

    def spelt(self, name: str) -> str:
        """Return the catalog's form of a name in lower case without quotes."""
        return name.upper() if self.folds_to_upper else name

    @abstractmethod
    def uri(self, db: Db) -> str:
        """Return the Airflow connection."""

    def hide(self, table: str, column: str, declared: str) -> str:
        """Return the statement that makes a column INVISIBLE."""
        return f"ALTER TABLE {table} MODIFY {column} {declared} INVISIBLE"

    def drop_schema(self, name: str) -> str:
        """Return the statement that drops a schema and its contents."""
        return f"DROP SCHEMA {name} CASCADE"

    @abstractmethod
    def tables(self, db: Db) -> list[str]:
        """Return the names of the tables."""

    def lock_checkpoints(self, db: Db, connection: Any) -> None:
        """Lock the checkpoints in the connection's transaction, as a running attempt does."""
        with closing(connection.cursor()) as cursor:
            cursor.execute("UPDATE airflow_checkpoint SET owner = owner")


def as_extra(values: dict[str, Any]) -> str:
    """Write the extras of an Airflow connection."""
    return f"__extra__={quote(json.dumps(values))}"
