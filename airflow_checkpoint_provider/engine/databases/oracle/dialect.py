"""The dialect of Oracle: answers to the engine's questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection, reading
from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.migration import TableChange
from airflow_checkpoint_provider.engine.databases.oracle import errors
from airflow_checkpoint_provider.engine.databases.oracle.connecting import advice, keep_alive
from airflow_checkpoint_provider.engine.databases.oracle.ddl import change_table, order_numbers
from airflow_checkpoint_provider.engine.databases.oracle.dictionary import (
    SCHEMA,
    codec,
    meant_table,
    primary_key,
    referred_tables,
    required_columns,
    table_names,
)
from airflow_checkpoint_provider.engine.databases.oracle.planning.flashback import newest_moment
from airflow_checkpoint_provider.engine.databases.oracle.planning.plan_questions import OraclePlanQuestions
from airflow_checkpoint_provider.engine.databases.oracle.server_sessions import server_sessions
from airflow_checkpoint_provider.engine.databases.oracle.session import LEAVES_STATE, prepare_session
from airflow_checkpoint_provider.engine.databases.oracle.table_facts import table_columns, table_facts
from airflow_checkpoint_provider.engine.databases.oracle.values import column_types
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, quote_name
from airflow_checkpoint_provider.engine.databases.table_facts import TableColumns, TableFacts
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind, StoredType
from airflow_checkpoint_provider.engine.model.column_type import ColumnType
from airflow_checkpoint_provider.engine.model.errors import ConnectionGoneError, one_line

_BITS = {"BINARY_FLOAT": 32, "BINARY_DOUBLE": 64}
_REWRITTEN = frozenset(("XMLTYPE", "INTERVAL_YM"))
_KEEPING_ORDER = {
    BoundKind.NUMBER: ("NUMBER",),
    BoundKind.DAY: ("DATE", "TIMESTAMP"),
    BoundKind.MOMENT: ("DATE", "TIMESTAMP"),
    BoundKind.ZONED: ("TIMESTAMP_TZ", "TIMESTAMP_LTZ"),
}


class OracleDialect(Dialect):
    """Oracle, through oracledb. Its types are the driver's descriptions of columns."""

    title = "Oracle"

    drivers = {"oracledb": "oracle+oracledb://"}  # noqa: RUF012
    folds_to_upper = True
    database_query = "SELECT SYS_CONTEXT('USERENV', 'CON_NAME') FROM DUAL"

    session_statement = LEAVES_STATE
    session_settings = (
        "Name tables with their schema, or let the connection have the schema, in its field Schema"
    )

    # SQLAlchemy's DateTime is a DATE, which has no fractions, and the driver drops the zone of a time.
    time_type = sa.TIMESTAMP()
    numbers_rows = True
    limits_rows = True
    cuts_text = True
    needed_to_create = "tables and sequences"  # the sequence is that of an identity column

    empty_is_null = True
    add_column = "ALTER TABLE {table} ADD ({column})"
    too_long_for_key = frozenset(("clob", "blob"))

    transactional = True
    savepoints = True

    drop_table = "DROP TABLE {table} PURGE"
    publishing_lock = "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE WAIT {seconds}"
    check_constraints = "SET CONSTRAINTS ALL IMMEDIATE"

    plan = OraclePlanQuestions()

    @property
    def source_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.oracle.source import OracleSource

        return OracleSource

    @property
    def destination_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.oracle.destination import OracleDestination

        return OracleDestination

    def codec(self, raw: Any) -> str | None:
        return codec(raw)

    def configure(self, engine: sa.Engine, *, for_writing: bool) -> None:
        def know_longest_name(connection: sa.Connection) -> None:
            # SQLAlchemy reads v$parameter, which few users may, and takes the version of the server for its COMPATIBLE.
            longest = getattr(connection.connection.driver_connection, "max_identifier_length", None)
            connection.dialect.max_identifier_length = longest or connection.dialect.max_identifier_length

        def name_lost_line(context: sa.ExceptionContext) -> BaseException | None:
            error = context.original_exception
            return ConnectionGoneError(one_line(error)) if isinstance(error, OSError) else None

        sa.event.listen(engine, "engine_connect", know_longest_name)
        sa.event.listen(engine, "handle_error", name_lost_line)

    def before_connecting(self) -> None:
        keep_alive()

    def why_not_connected(self, error: BaseException) -> str | None:
        return advice(error)

    def prepare(
        self, raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0
    ) -> float:
        return prepare_session(raw, for_writing=for_writing, statement_limit=statement_limit)

    def starts_again(self, error: BaseException) -> bool:
        return errors.means_start_again(error)

    def is_lock_timeout(self, error: BaseException) -> bool:
        return errors.error_code(error) in errors.ROWS_BUSY

    def is_time_limit(self, error: BaseException) -> bool:
        return errors.full_code(error) in errors.CALL_TIMEOUT

    def is_name_in_use(self, error: BaseException) -> bool:
        return errors.error_code(error) == errors.NAME_IN_USE

    def blames_rows(self, error: BaseException) -> bool:
        if isinstance(error, (UnicodeError, OverflowError)):
            return True
        return errors.error_code(error) in errors.OF_ROWS

    def locking(self, statement: sa.Select[Any], seconds: float) -> sa.Select[Any]:
        # Without WAIT, Oracle waits for ever; WAIT takes whole seconds.
        return super().locking(statement, seconds).suffix_with(f"WAIT {max(math.ceil(seconds), 1)}")

    def is_there(self, inspector: sa.Inspector, table: str, schema: str | None, quoted: str) -> bool:
        # No single view of the dictionary resolves a synonym; the server does.
        connection = inspector.bind
        try:
            connection.exec_driver_sql(f"SELECT 1 FROM {quoted} WHERE 1 = 0").close()  # type: ignore[union-attr]
        except sa.exc.DBAPIError as error:
            if error.orig and errors.error_code(error.orig) in errors.NO_TABLE:
                return False
            raise
        return True

    def table_names(self, connection: sa.Connection, schema: str | None) -> Sequence[str]:
        raw, dialect = raw_connection(connection), connection.dialect
        owner = dialect.denormalize_name(schema) if schema else None
        return [dialect.normalize_name(name) for name in table_names(raw, owner)]

    def referred_tables(
        self, connection: sa.Connection, table: str, schema: str | None
    ) -> Sequence[tuple[str | None, str]]:
        return referred_tables(raw_connection(connection), schema, table)

    def unusable(self, name: str, driver: str) -> str | None:
        return "a double quote, which Oracle has in no name." if '"' in name else None

    def creation(self, table: sa.Table) -> list[ExecutableDDLElement]:
        order_numbers(table)
        return super().creation(table)

    def hold_for_migration(self, connection: sa.Connection, quoted: str, seconds: float) -> None:
        # Without this setting, DDL does not wait for a lock at all.
        connection.exec_driver_sql(f"ALTER SESSION SET ddl_lock_timeout = {max(math.ceil(seconds), 1)}")

    def migration(
        self, change: TableChange, inspector: sa.Inspector | None = None
    ) -> list[ExecutableDDLElement]:
        return change_table(change)

    def primary_key(self, inspector: sa.Inspector, table: sa.Table) -> tuple[list[str], str | None]:
        # SQLAlchemy's reading of the dictionary asks for much more, and is slow.
        name, dialect = TableName(table.name, table.schema), inspector.dialect
        owner, spelt = name.in_catalog(dialect)
        raw = raw_connection(inspector.bind)  # type: ignore[arg-type]
        return [column.lower() for column in primary_key(raw, owner, spelt)], None

    def is_changed_already(self, error: BaseException) -> bool:
        return errors.error_code(error) in errors.CHANGED_ALREADY

    def time_value(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=None)

    def stored(self, type_: Any) -> StoredType:
        name = self.type_name(type_)
        return StoredType(
            padded=name in ("CHAR", "NCHAR"),
            json=name == "JSON",
            bits=_BITS.get(name, 0),
            rewrites=name in _REWRITTEN,
            empty_is_null=True,
        )

    def session_state(self, connection: sa.Connection) -> Mapping[str, str]:
        return {"CURRENT_SCHEMA": str(connection.exec_driver_sql(SCHEMA).scalar())}

    def newest_moment(self, connection: sa.Connection) -> str:
        return newest_moment(raw_connection(connection))

    def meant_table(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> str | None:
        return ".".join(meant_table(raw_connection(connection), schema, table))

    def table_facts(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
    ) -> TableFacts:
        with reading(connection):
            return table_facts(raw_connection(connection), schema, table, deletes=deletes)

    def table_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> TableColumns:
        with reading(connection):
            return table_columns(raw_connection(connection), schema, table)

    def describe_type(self, text: str) -> ColumnType | None:
        return column_types.describe(text)

    def declare_type(self, type_: ColumnType) -> str | None:
        return column_types.declare(type_)

    def declared_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, DeclaredColumn]:
        with reading(connection):
            raw = raw_connection(connection)
            required = required_columns(raw, schema, table)
            return column_types.declared_columns(raw, quoted, required)

    def retype(self, connection: sa.Connection, table: str, column: str, declared: str) -> str | None:
        return f"ALTER TABLE {table} MODIFY ({quote_name(column, connection.dialect)} {declared})"

    def why_read_only(self, connection: sa.Connection) -> str | None:
        with reading(connection):
            role = connection.exec_driver_sql(
                "SELECT SYS_CONTEXT('USERENV', 'DATABASE_ROLE') FROM dual"
            ).scalar()
        if role and str(role).endswith("STANDBY"):
            return f"it is a {str(role).lower()}, which takes no rows. Let the connection name the primary"
        return None

    def server_sessions(self, connection: sa.Connection) -> Sequence[ServerSession]:
        return server_sessions(connection)

    def type_name(self, type_: Any) -> str:
        return str(type_[1].name).removeprefix("DB_TYPE_")

    def keeps_order(self, type_: Any, kind: BoundKind, value: Any) -> bool:
        # A value that a column would round is refused before it is written.
        return self.type_name(type_) in _KEEPING_ORDER[kind]
