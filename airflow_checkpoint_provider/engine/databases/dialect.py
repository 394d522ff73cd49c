"""The questions about a server, each with an answer that is safe for an unknown one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.planning.plan_questions import PlanQuestions
from airflow_checkpoint_provider.engine.databases.questions.catalog_dialect import CatalogDialect
from airflow_checkpoint_provider.engine.databases.questions.late_key import LateKeys
from airflow_checkpoint_provider.engine.databases.questions.metadata_dialect import MetadataDialect
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
from airflow_checkpoint_provider.engine.databases.questions.session_dialect import SessionDialect
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import TypeDialect
from airflow_checkpoint_provider.engine.databases.statements.query import TOKENS
from airflow_checkpoint_provider.engine.databases.statements.server_digest import ServerDigest
from airflow_checkpoint_provider.engine.databases.table_facts import Hazard, TableColumns, TableFacts
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind, StoredType

_NOT_ASKED = (
    "this kind of database is not asked for foreign keys: if one refers to them with ON DELETE CASCADE, SET NULL or "
    "SET DEFAULT, rows of other tables change with them"
)
_KEPT_AS = "airflow_checkpoint_dialect"
_NONE: Mapping[str, Any] = MappingProxyType({})


class Dialect(CatalogDialect, MetadataDialect, SessionDialect, TypeDialect):
    """
    The engine's questions about a database; each folder beside this module answers them for one.

    Attributes are facts and abilities. Methods take what is particular to a connection, and keep no state.
    """

    title: str = "a database"
    """Its name in messages."""

    # Connecting
    drivers: Mapping[str, str] = _NONE
    """Packages of drivers, each with the URL of SQLAlchemy's dialect for it."""
    refused_drivers: Mapping[str, str] = _NONE
    """Packages of drivers that are refused instead of treated as unknown ones, each with the remedy."""
    remote: bool = True
    """Connecting reaches a server, so another thread may do it and be abandoned."""
    engine_options: Mapping[str, Any] = _NONE

    # Names and statements
    has_schemas: bool = True
    database_query: str | None = None
    """Asks for the database that a connection leads to, where a server has several with schemas in each."""
    folds_to_upper: bool = False
    """A name in lower case, written without quotes, means one in upper case."""
    tokens: re.Pattern[str] = TOKENS
    """How quotes and comments are written."""

    # Transactions
    transactional: bool = False
    """A rollback is known to undo the written rows."""
    savepoints: bool = False
    """A rollback to a savepoint is known to undo that part of a transaction alone."""
    waits: bool = True
    """Writing leaves this process free to read meanwhile."""

    # Stages
    create_stage: str = "CREATE TABLE {stage} AS SELECT {columns} FROM {table} WHERE 1 = 0"
    drop_table: str = "DROP TABLE {table}"
    publishing_lock: str | None = None
    """Makes a second publisher wait, at most ``seconds`` where that can be set; readers do not wait."""
    defer_constraints: str | None = None
    check_constraints: str | None = None
    override_identity: str = ""
    """Stands before the SELECT of an INSERT whose values are to replace generated ones."""

    plan: PlanQuestions = PlanQuestions()
    """What only a plan of a load asks."""
    late_keys: LateKeys = LateKeys()
    """What is asked of a primary key that is built after the rows."""

    @property
    def source_class(self) -> Any:
        """A ``Source`` class, imported on use because its module imports this one."""
        raise NotImplementedError

    @property
    def destination_class(self) -> Any:
        """A ``Destination`` class, likewise."""
        raise NotImplementedError

    def before_connecting(self) -> None:
        """Set up the driver, if its package is loaded."""

    def limit_connecting(self, hook: Any, seconds: float) -> None:
        """
        Limit the time in which a hook's driver connects, unless the connection sets a limit itself.

        :param hook: opens connections by its ``get_conn``; may be the hook of another database
        """

    def why_not_connected(self, error: BaseException) -> str | None:
        """Return the remedy for a connection that could not be opened, where the driver's error does not name it."""
        return None

    def prepare(
        self, raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0
    ) -> float:
        """
        Bring a new connection of the driver to the state that the engine relies on.

        :param lock_timeout: seconds to wait for a lock, where that is a setting of the connection
        :param for_writing: the connection waits for another attempt's update, and then sees it
        :param statement_limit: seconds after which a statement ends with an error, where the server or the driver has
            a limit for that and the connection itself sets none; 0 for no limit
        :return: the seconds that a statement may take now, 0 for no limit
        """
        return statement_limit

    def configure(self, engine: sa.Engine, *, for_writing: bool) -> None:
        """Set how SQLAlchemy begins transactions."""

    def codec(self, raw: Any) -> str | None:
        """Return the Python codec of a new connection's database; ``None`` where it stores every character."""
        return None

    def starts_again(self, error: BaseException) -> bool:
        """Return whether a new connection cures an error of the driver, beyond those that SQLAlchemy knows."""
        return False

    def is_lock_timeout(self, error: BaseException) -> bool:
        """Return whether a wait for a lock timed out."""
        text = str(error).lower()
        return "lock" in text and any(word in text for word in ("timeout", "timed out", "is locked"))

    def is_time_limit(self, error: BaseException) -> bool:
        """Return whether a statement was ended because it took too long."""
        return False

    def is_name_in_use(self, error: BaseException) -> bool:
        """Return whether a table could not be created because another session is creating it."""
        return False

    def blames_rows(self, error: BaseException) -> bool:
        """Return whether rows are refused for their values: another row in the place of one would be accepted."""
        return isinstance(error, (UnicodeError, OverflowError)) or type(error).__name__ in (
            "IntegrityError",
            "DataError",
        )

    def limit_waiting(self, connection: sa.Connection, seconds: float) -> None:
        """Limit the wait for locks in this transaction, where the session does not."""

    def locking(self, statement: sa.Select[Any], seconds: float) -> sa.Select[Any]:
        """Have a query lock the rows that it returns."""
        return statement.with_for_update()

    def has_table(self, inspector: sa.Inspector, table: str, schema: str | None) -> bool:
        """Return whether the catalog has a table, or a view, of a name as SQLAlchemy spells it."""
        return inspector.has_table(table, schema=schema)

    def is_there(self, inspector: sa.Inspector, table: str, schema: str | None, quoted: str) -> bool:
        """
        Return whether a name can be selected from.

        :param quoted: the whole name, as it stands in a statement
        """
        return self.has_table(inspector, table, schema)

    def as_created(self, inspector: sa.Inspector, table: str, schema: str | None) -> str:
        """Return the name of an existing table as SQLAlchemy's reading of the catalog needs it."""
        return table

    def unusable(self, name: str, driver: str) -> str | None:
        """Return the part of a name that the driver or the server cannot take, and why."""
        return None

    def stored(self, type_: Any) -> StoredType:
        """Return what a column keeps of a value, from its type as the destination has it."""
        return StoredType.of(type_)

    def type_name(self, type_: Any) -> str:
        """Name a column's type, for messages."""
        return str(type_)

    def keeps_order(self, type_: Any, kind: BoundKind, value: Any) -> bool:
        """Return whether values that differ at the source stay different in a column, and in their order."""
        return False

    def meant_table(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> str | None:
        """
        Return the schema and the table that a name means in this session, where the server reports it.

        :param table: as the catalog has it
        :param quoted: the whole name, as it stands in a statement
        """
        return None

    def database_name(self, connection: sa.Connection) -> str | None:
        """Return the database that a connection leads to, where its tables are not named with it."""
        return None

    def table_facts(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
    ) -> TableFacts:
        """
        Return what the server knows about a table, as far as it bears on a load.

        :param table: as the catalog has it
        :param quoted: the whole name, as it stands in a statement
        :param deletes: rows of it will be deleted, so that the foreign keys that refer to them matter
        """
        return TableFacts(hidden_referrers=_NOT_ASKED if deletes else None)

    def table_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> TableColumns:
        """
        Return which columns of a table ``SELECT *`` leaves out, and which the server computes.

        :param table: as the catalog has it
        :param quoted: the whole name, as it stands in a statement
        """
        return TableColumns()

    def hazard(
        self, connection: sa.Connection, tables: Sequence[tuple[str, str | None, str]]
    ) -> Hazard | None:
        """
        Return why one of some tables does not stay in step with the others, where that is known.

        :param tables: the name and the schema as the catalog has them, and the whole name as it stands in a statement;
            those that do not exist are left out
        """
        return None

    def stage_creation(self, connection: sa.Connection) -> str:
        """Return :attr:`create_stage`, or what this server takes instead."""
        return self.create_stage

    def why_read_only(self, connection: sa.Connection) -> str | None:
        """Return why nothing can be written through a connection, as the end of a sentence, where that is known."""
        return None

    def server_digests(
        self, source: Any, destination: Any, table: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[ServerDigest, ServerDigest] | None:
        """
        Return how the servers of two sides digest rows alike, or ``None`` where they do not.

        :param table: the destination's, quoted
        :param source: a ``Source``, as is ``destination``
        :param pairs: columns of the source and of the destination
        """
        return None

    def server_sessions(self, connection: sa.Connection) -> Sequence[ServerSession] | None:
        """
        Return the sessions that are at work or in a transaction, as far as the user may see them.

        :return: ``None`` where this kind of database is not asked
        """
        return None

    def is_same_file(self, reader: sa.Connection, writer: sa.Connection) -> bool:
        """Return whether two connections are open on one file, on which only one may be at work."""
        return False

    def write_again(self, connection: sa.Connection) -> None:
        """Undo the settings made for reading, on a connection that writes."""


_UNKNOWN = Dialect()


def keep(dialect: Dialect, on: sa.Dialect) -> None:
    """Let :func:`dialect_of` find a dialect on SQLAlchemy's."""
    setattr(on, _KEPT_AS, dialect)


def dialect_of(at: sa.Connection | sa.Inspector | sa.Dialect) -> Dialect:
    """Return the dialect of an open connection, of its inspector, or of SQLAlchemy's dialect."""
    found: Dialect = getattr(at if isinstance(at, sa.Dialect) else at.dialect, _KEPT_AS, _UNKNOWN)
    return found
