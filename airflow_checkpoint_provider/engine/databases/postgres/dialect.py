"""The dialect of Postgres: answers to the engine's questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.migration import TableChange
from airflow_checkpoint_provider.engine.databases.postgres.connecting import limit_connecting
from airflow_checkpoint_provider.engine.databases.postgres.ddl import CreateWithRoom, change_table, retype
from airflow_checkpoint_provider.engine.databases.postgres.late_key import PostgresLateKeys
from airflow_checkpoint_provider.engine.databases.postgres.names import TABLE_NAMES
from airflow_checkpoint_provider.engine.databases.postgres.planning.plan_questions import (
    PostgresPlanQuestions,
)
from airflow_checkpoint_provider.engine.databases.postgres.row_security import HIDES_ROWS, keeps_rows
from airflow_checkpoint_provider.engine.databases.postgres.server_digest import row_hashes
from airflow_checkpoint_provider.engine.databases.postgres.server_sessions import server_sessions
from airflow_checkpoint_provider.engine.databases.postgres.session import (
    ENDS_WITH_TRANSACTION,
    LEAVES_STATE,
    STATE,
    WRITES,
    codec_of,
    prepare_session,
)
from airflow_checkpoint_provider.engine.databases.postgres.snapshots import SnapshotDialect
from airflow_checkpoint_provider.engine.databases.postgres.table_facts import (
    hazard_of,
    table_columns,
    table_facts,
    why_read_only,
)
from airflow_checkpoint_provider.engine.databases.postgres.values import column_types
from airflow_checkpoint_provider.engine.databases.questions.metadata_dialect import UPDATED_OFTEN
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.statements.server_digest import ServerDigest
from airflow_checkpoint_provider.engine.databases.table_facts import (
    DELETE,
    Hazard,
    TableColumns,
    TableFacts,
)
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind, StoredType
from airflow_checkpoint_provider.engine.model.column_type import ColumnType

# The server's classes of SQLSTATE that concern the whole table, the session or the server: rights, locks, missing
# columns. Its other classes concern values, constraints and what a trigger does; a class that the server does not have
# is a trigger's own.
_CLASSES_OF_ALL = frozenset(
    (
        *(
            "00",
            "01",
            "03",
            "08",
            "0A",
            "0B",
            "0F",
            "0L",
            "0P",
            "0Z",
            "10",
            "24",
            "25",
            "26",
            "28",
            "2B",
            "2D",
            "2F",
        ),
        *("34", "39", "3B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "72", "F0", "HV", "XX"),
    )
)
_INDEX_ENTRY_TOO_LONG = "54000"
_LOCK_NOT_AVAILABLE = "55P03"
_CANCELLED = "57014"
_NAMES = sa.text("SELECT name, current_setting(name) FROM unnest(ARRAY['search_path', 'role']) AS name")
_FOR_TRANSACTION = sa.text("SELECT set_config(:name, :value, true)")
_MEANT = sa.text(
    "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE pg_class.oid = to_regclass(:quoted)"
)
# The transaction is gone and the session is not: a standby's cancellation for rows that it has to change, a deadlock,
# another transaction's update, a statement that a user or a timeout has cancelled.
_PASSING = frozenset(("40001", "40P01", _CANCELLED))
_RAISE_OF_TRIGGER = "exec_stmt_raise"
"""The server's own function that runs PL/pgSQL's RAISE."""


class PostgresDialect(SnapshotDialect):
    """Postgres, through psycopg."""

    title = "Postgres"

    drivers = {"psycopg": "postgresql+psycopg://"}  # noqa: RUF012
    # Treated as an unknown driver, it would be slow, and would create other metadata tables.
    refused_drivers = {  # noqa: RUF012
        "psycopg2": "is not supported; install psycopg 3 where Airflow runs (pip install "
        "'airflow-checkpoint-provider[postgres]') and restart it: Airflow's Postgres hook then takes that one"
    }
    engine_options = {"use_native_hstore": False}  # noqa: RUF012 its values stay text, as those of json do

    session_statement = LEAVES_STATE
    transaction_setting = ENDS_WITH_TRANSACTION
    session_settings = (
        'Name tables with their schema, or let the connection set it, by {"options": "-c search_path=dwh"} in its '
        "extra"
    )
    database_query = "SELECT current_database()"

    time_type = sa.DateTime(timezone=True)
    numbers_rows = True
    limits_rows = True
    cuts_text = True
    steps_through_index = True
    takes_over = True
    text_types = frozenset((25, 1042, 1043))
    migration_frame = ("BEGIN;\n\n", "COMMIT;\n")
    key_name = "{table:.58}_pkey"

    create_missing = "CREATE TABLE IF NOT EXISTS"
    key_collation = 'COLLATE "C"'

    transactional = True
    savepoints = True

    publishing_lock = "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
    # Rows that refer to the destination may find their referenced rows among the new ones.
    defer_constraints = "SET CONSTRAINTS ALL DEFERRED"
    check_constraints = "SET CONSTRAINTS ALL IMMEDIATE"
    override_identity = "OVERRIDING SYSTEM VALUE "

    plan = PostgresPlanQuestions()
    late_keys = PostgresLateKeys()

    @property
    def source_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource

        return PostgresSource

    @property
    def destination_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.postgres.destination import PostgresDestination

        return PostgresDestination

    def prepare(
        self, raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0
    ) -> float:
        return prepare_session(raw, for_writing=for_writing, statement_limit=statement_limit)

    def limit_connecting(self, hook: Any, seconds: float) -> None:
        limit_connecting(hook, seconds)

    def starts_again(self, error: BaseException) -> bool:
        return getattr(error, "sqlstate", None) in _PASSING

    def codec(self, raw: Any) -> str | None:
        return codec_of(raw.info.parameter_status("server_encoding"))

    def is_lock_timeout(self, error: BaseException) -> bool:
        return getattr(error, "sqlstate", None) == _LOCK_NOT_AVAILABLE

    def is_time_limit(self, error: BaseException) -> bool:
        return getattr(error, "sqlstate", None) == _CANCELLED

    def blames_rows(self, error: BaseException) -> bool:
        if isinstance(error, (UnicodeError, OverflowError)):
            return True
        state = getattr(error, "sqlstate", None)
        if state is None:  # the driver's own: text with a NUL, a type that it has no form for
            return type(error).__name__ in ("DataError", "ProgrammingError")
        if state in _PASSING:
            diagnosis: Any = getattr(error, "diag", None)
            return getattr(diagnosis, "source_function", None) == _RAISE_OF_TRIGGER
        return state[:2] not in _CLASSES_OF_ALL or state == _INDEX_ENTRY_TOO_LONG

    def limit_waiting(self, connection: sa.Connection, seconds: float) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(int(seconds * 1000), 1)}")

    def creation(self, table: sa.Table) -> list[ExecutableDDLElement]:
        create, *others = super().creation(table)
        return [CreateWithRoom(table) if UPDATED_OFTEN in table.info else create, *others]

    def hold_for_migration(self, connection: sa.Connection, quoted: str, seconds: float) -> None:
        self.limit_waiting(connection, seconds)
        connection.exec_driver_sql(f"LOCK TABLE {quoted} IN ACCESS EXCLUSIVE MODE")

    def migration(
        self, change: TableChange, inspector: sa.Inspector | None = None
    ) -> list[ExecutableDDLElement]:
        return change_table(change)

    def numbers_by_itself(self, inspector: sa.Inspector, table: sa.Table) -> bool:
        found = {column["name"]: column for column in inspector.get_columns(table.name, table.schema)}
        return bool(found["id"].get("identity") or found["id"].get("default"))

    def time_value(self, moment: datetime) -> datetime:
        return moment

    def stored(self, type_: Any) -> StoredType:
        stored = super().stored(type_)
        rewrites = stored.rewrites or not isinstance(type_, (sa.String, sa.JSON))
        return replace(stored, rewrites=rewrites, bytes_for_text=False)

    def keeps_order(self, type_: Any, kind: BoundKind, value: Any) -> bool:
        if kind is BoundKind.NUMBER:
            # A column with a scale rounds.
            whole = isinstance(value, int) or getattr(type_, "scale", None) is None
            exact = isinstance(type_, sa.Numeric) and not isinstance(type_, sa.Float) and whole
            return isinstance(type_, sa.Integer) or exact
        if isinstance(type_, sa.Date):
            return kind is BoundKind.DAY
        precise = getattr(type_, "precision", None) in (None, 6)
        zoned = bool(getattr(type_, "timezone", False))
        return isinstance(type_, sa.DateTime) and precise and zoned == (kind is BoundKind.ZONED)

    def describe_type(self, text: str) -> ColumnType | None:
        return column_types.describe(text)

    def declare_type(self, type_: ColumnType) -> str | None:
        return column_types.declare(type_)

    def declared_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, DeclaredColumn]:
        return column_types.declared_columns(connection, quoted)

    def retype(self, connection: sa.Connection, table: str, column: str, declared: str) -> str | None:
        return retype(connection, table, column, declared)

    def session_state(self, connection: sa.Connection) -> Mapping[str, str]:
        return {str(name): str(value) for name, value in connection.execute(STATE)}

    def naming_settings(self, connection: sa.Connection) -> Mapping[str, str]:
        return {str(name): str(value) for name, value in connection.execute(_NAMES)}

    def set_for_transaction(self, connection: sa.Connection, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            connection.execute(_FOR_TRANSACTION, {"name": name, "value": value})

    def meant_table(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> str | None:
        found: str | None = connection.execute(_MEANT, {"quoted": quoted}).scalar()
        return found

    def database_name(self, connection: sa.Connection) -> str | None:
        return str(connection.exec_driver_sql("SELECT current_database()").scalar())

    def table_names(self, connection: sa.Connection, schema: str | None) -> Sequence[str]:
        return list(connection.execute(TABLE_NAMES, {"schema": schema}).scalars())

    def table_facts(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
    ) -> TableFacts:
        facts = table_facts(connection, quoted)
        if deletes and keeps_rows(connection, quoted):
            return replace(facts, refused={**facts.refused, DELETE: HIDES_ROWS})
        return facts

    def table_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> TableColumns:
        return table_columns(connection, quoted)

    def hazard(
        self, connection: sa.Connection, tables: Sequence[tuple[str, str | None, str]]
    ) -> Hazard | None:
        return hazard_of(connection, [quoted for _, _, quoted in tables])

    def server_sessions(self, connection: sa.Connection) -> Sequence[ServerSession]:
        return server_sessions(connection)

    def why_read_only(self, connection: sa.Connection) -> str | None:
        return why_read_only(connection)

    def server_digests(
        self, source: Any, destination: Any, table: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[ServerDigest, ServerDigest] | None:
        if not isinstance(source, self.source_class) or not isinstance(destination, self.source_class):
            return None
        return row_hashes(source, destination, table, pairs)

    def write_again(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(WRITES)
        connection.exec_driver_sql("RESET row_security")
        connection.commit()
