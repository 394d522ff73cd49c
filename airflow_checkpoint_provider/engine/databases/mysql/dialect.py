"""The dialect of MySQL and MariaDB: answers to the engine's questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.migration import TableChange
from airflow_checkpoint_provider.engine.databases.mysql import errors
from airflow_checkpoint_provider.engine.databases.mysql.ddl import change_table, create_whole, retype
from airflow_checkpoint_provider.engine.databases.mysql.drivers import URLS, is_mariadb, limit_connecting
from airflow_checkpoint_provider.engine.databases.mysql.planning.plan_questions import MysqlPlanQuestions
from airflow_checkpoint_provider.engine.databases.mysql.scripts import TOKENS
from airflow_checkpoint_provider.engine.databases.mysql.server_sessions import server_sessions
from airflow_checkpoint_provider.engine.databases.mysql.session import LEAVES_STATE, prepare, session_state
from airflow_checkpoint_provider.engine.databases.mysql.table_facts import (
    declared_columns,
    demands_primary_key,
    hazard_of,
    in_full,
    table_columns,
    table_facts,
    why_read_only,
)
from airflow_checkpoint_provider.engine.databases.mysql.upsert import reflected_name
from airflow_checkpoint_provider.engine.databases.mysql.values import column_types, widths
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.table_facts import Hazard, TableColumns, TableFacts
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind, StoredType
from airflow_checkpoint_provider.engine.model.column_type import ColumnType

_STAGE_WITH_KEY = (
    "CREATE TABLE {stage} (airflow_checkpoint_row BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY)"
    " ENGINE = InnoDB AS SELECT {columns} FROM {table} WHERE 1 = 0"
)


class MysqlDialect(Dialect):
    """MySQL and MariaDB, through mysqlclient, MySQL's own driver or PyMySQL."""

    title = "MySQL"

    drivers = URLS
    tokens = TOKENS

    session_statement = LEAVES_STATE
    session_settings = (
        'Name tables with their database, or let the connection set it, by {"init_command": "SET ..."} in its '
        "extra"
    )

    time_type = mysql.DATETIME(fsp=6)
    long_text = mysql.LONGTEXT()  # its TEXT ends at 64 kB, and a query may be longer
    numbers_rows = True
    limits_rows = True
    takes_any_index = True
    sorts_all_for_ties = True
    cuts_text = True
    takes_over = True
    text_types = frozenset((15, 252, 253, 254))

    create_missing = "CREATE TABLE IF NOT EXISTS"
    too_long_for_key = column_types.WITHOUT_LENGTH

    transactional = True
    savepoints = True

    # InnoDB, whatever the server's default engine is: only there do batches and checkpoint commit together.
    create_stage = "CREATE TABLE {stage} ENGINE = InnoDB AS SELECT {columns} FROM {table} WHERE 1 = 0"
    # LOCK TABLES would commit and keep readers out. This lock ends with the connection.
    publishing_lock = "SELECT GET_LOCK('airflow_checkpoint.{digest}', 31536000)"

    plan = MysqlPlanQuestions()

    @property
    def source_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.mysql.source import MysqlSource

        return MysqlSource

    @property
    def destination_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.mysql.destination import MysqlDestination

        return MysqlDestination

    def prepare(
        self, raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0
    ) -> float:
        return prepare(raw, lock_timeout, for_writing=for_writing, statement_limit=statement_limit)

    def limit_connecting(self, hook: Any, seconds: float) -> None:
        limit_connecting(hook, seconds)

    def starts_again(self, error: BaseException) -> bool:
        return errors.error_number(error) in errors.PASSING

    def is_lock_timeout(self, error: BaseException) -> bool:
        return errors.error_number(error) == errors.LOCK_WAIT_TIMEOUT

    def is_time_limit(self, error: BaseException) -> bool:
        return errors.error_number(error) in errors.STATEMENT_TIMEOUT

    def blames_rows(self, error: BaseException) -> bool:
        if isinstance(error, (UnicodeError, OverflowError)):
            return True
        return errors.error_number(error) in errors.OF_ROWS

    def has_table(self, inspector: sa.Inspector, table: str, schema: str | None) -> bool:
        try:
            return super().has_table(inspector, table, schema)
        except sa.exc.DBAPIError as error:
            number = errors.error_number(error.orig) if error.orig else None
            if number == errors.BEING_DEFINED:
                return True  # the statement that uses it next waits for the other session
            if number not in errors.NO_NAME:
                raise
            return False  # the server takes no such name, as one that ends in a blank

    def unusable(self, name: str, driver: str) -> str | None:
        if driver == "mysqlconnector" and "%(" in name:
            return "%(, which mysql-connector-python takes for a parameter. Choose another name, or use mysqlclient."
        return None

    def describe_type(self, text: str) -> ColumnType | None:
        return column_types.describe(text)

    def declare_type(self, type_: ColumnType) -> str | None:
        return column_types.declare(type_)

    def declared_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, DeclaredColumn]:
        return declared_columns(connection, in_full(connection, table, schema))

    def own_type(self, column: DeclaredColumn, connection: sa.Connection) -> str | None:
        return column_types.own(column.text, column.charset, is_mariadb=is_mariadb(connection))

    def fitted_types(self, declared: Sequence[str], free: Collection[int]) -> Sequence[str]:
        return widths.fitted(declared, free)

    def why_too_wide(self, declared: Sequence[str]) -> str:
        return widths.why_too_wide(declared)

    def retype(self, connection: sa.Connection, table: str, column: str, declared: str) -> str | None:
        return retype(connection, table, column, declared)

    def creation_options(self, connection: sa.Connection) -> str:
        # Keys are told apart character by character, blanks at the end included.
        collation = "utf8mb4_nopad_bin" if is_mariadb(connection) else "utf8mb4_0900_bin"
        return f" ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE {collation}"

    def creation(self, table: sa.Table) -> list[ExecutableDDLElement]:
        # Each statement commits by itself. With a single one, no process killed in between leaves a table without its
        # indexes, and no user of the table waits for a lock that the next index waits for.
        return [create_whole(table)]

    def hold_for_migration(self, connection: sa.Connection, quoted: str, seconds: float) -> None:
        # DDL waits for all transactions that have used the table, by default for a day (MariaDB) or a year (MySQL).
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {max(int(seconds), 1)}")

    def migration(
        self, change: TableChange, inspector: sa.Inspector | None = None
    ) -> list[ExecutableDDLElement]:
        table = change.table
        there = inspector.get_indexes(table.name, table.schema) if inspector else None
        return change_table(change, None if there is None else {str(index["name"]) for index in there})

    def numbers_by_itself(self, inspector: sa.Inspector, table: sa.Table) -> bool:
        found = {column["name"]: column for column in inspector.get_columns(table.name, table.schema)}
        return bool(found["id"].get("autoincrement"))

    def time_value(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=None)

    def stored(self, type_: Any) -> StoredType:
        # The zone of the session is UTC.
        return replace(super().stored(type_), json_doubles=True, zones_are_utc=True)

    def keeps_order(self, type_: Any, kind: BoundKind, value: Any) -> bool:
        # A value that a column would round is refused before it is written.
        if kind is BoundKind.NUMBER:
            return not isinstance(type_, sa.Float) and isinstance(type_, (sa.Integer, sa.Numeric))
        return isinstance(type_, (sa.Date, sa.DateTime))

    def session_state(self, connection: sa.Connection) -> Mapping[str, str]:
        return session_state(connection)

    def meant_table(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> str | None:
        default, folds = connection.exec_driver_sql("SELECT DATABASE(), @@lower_case_table_names").one()
        name = f"{schema or default}.{table}"
        return name.lower() if folds else name

    def table_facts(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
    ) -> TableFacts:
        return table_facts(connection, table, schema, quoted, deletes=deletes)

    def table_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> TableColumns:
        return table_columns(connection, (schema or str(connection.dialect.default_schema_name), table))

    def reflected_name(self, name: str) -> str:
        return reflected_name(name)

    def hazard(
        self, connection: sa.Connection, tables: Sequence[tuple[str, str | None, str]]
    ) -> Hazard | None:
        default = str(connection.dialect.default_schema_name)
        return hazard_of(connection, [(schema or default, table) for table, schema, _ in tables])

    def server_sessions(self, connection: sa.Connection) -> Sequence[ServerSession]:
        return server_sessions(connection)

    def why_read_only(self, connection: sa.Connection) -> str | None:
        return why_read_only(connection)

    def stage_creation(self, connection: sa.Connection) -> str:
        # The key is invisible, so that the columns of the stage are those of the rows.
        return _STAGE_WITH_KEY if demands_primary_key(connection) else self.create_stage
