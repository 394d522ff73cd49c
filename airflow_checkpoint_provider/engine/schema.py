"""The metadata tables: one row per checkpoint, its history, and the rows that were rejected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from airflow_checkpoint_provider.engine import ansi
from airflow_checkpoint_provider.engine.creating import FILLFACTOR, creation
from airflow_checkpoint_provider.engine.database import reading
from airflow_checkpoint_provider.engine.errors import ArgumentError, MetadataTableError, one_line
from airflow_checkpoint_provider.engine.names import TableName, has_table
from airflow_checkpoint_provider.engine.oracle import NAME_IN_USE, error_code

FORMAT_VERSION = 1
DEFAULT_TABLE = "airflow_checkpoint"

_CREATION_TRIES = 20
_ID_LENGTH = 250  # as in Airflow's own tables; four of them still fit in one index of every database

_LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT, "mysql")  # its TEXT ends at 64 kB, a query need not
# Only these tell "a" from "A" in a key, can be rolled back, and have room for four names in an index.
_MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_row_format": "DYNAMIC",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC times, also in databases that keep no time zone."""

    impl = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == ansi.NAME:
            # Drivers of which nothing is known may take and return times in any way; a text is a text.
            return dialect.type_descriptor(sa.String(32))
        if dialect.name == "oracle":
            # There, DateTime is a DATE, which has no fractions, and the driver leaves out the zone of a time with one.
            return dialect.type_descriptor(sa.TIMESTAMP())
        return super().load_dialect_impl(dialect)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        value = value.astimezone(UTC)
        if dialect.name == ansi.NAME:
            return value.isoformat(timespec="microseconds")
        return value.replace(tzinfo=None) if dialect.name in ("sqlite", "mysql", "oracle") else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        value = datetime.fromisoformat(value) if isinstance(value, str) else value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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


def _identity() -> list[sa.Column[Any]]:
    return [
        sa.Column("dag_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("task_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("run_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
    ]


def _checkpoint_table(name: str, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        name,
        metadata,
        *_identity(),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("strategy", sa.String(20), nullable=False),
        sa.Column("key_columns", _LONG_TEXT),
        sa.Column("position", _LONG_TEXT),
        sa.Column("lower_bound", _LONG_TEXT),
        sa.Column("upper_bound", _LONG_TEXT),
        sa.Column("start_position", _LONG_TEXT),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("rows_written", sa.BigInteger, nullable=False),
        sa.Column("batches", sa.BigInteger, nullable=False),
        sa.Column("row_digest", sa.String(64)),
        sa.Column("nulls_done", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("restarting", sa.Integer, nullable=False),
        sa.Column("forced", sa.Integer, nullable=False),
        sa.Column("request_seen", sa.BigInteger, nullable=False),
        sa.Column("current_run_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("current_run_after", UTCDateTime),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("max_tries", sa.Integer, nullable=False),
        sa.Column("task_retries", sa.Integer, nullable=False),
        sa.Column("clear_number", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(400), nullable=False),
        sa.Column("fingerprint", _LONG_TEXT, nullable=False),
        sa.Column("source_conn_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("destination_conn_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("destination_table", sa.String(400), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("updated_at", UTCDateTime, nullable=False),
        sa.Column("completed_at", UTCDateTime),
        sa.Column("last_error", _LONG_TEXT),
        sa.Column("format_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("dag_id", "task_id", "run_id", "map_index"),
        # Rows are updated with every batch: leave room on the page.
        info={FILLFACTOR: 50},
        **_MYSQL,
    )
    # So that the newest of a million are found without reading the others; tables without these do as well, slower.
    updated, columns = table.c.updated_at, table.c
    sa.Index(f"{name}_updated"[-60:], updated)
    sa.Index(f"{name}_status"[-60:], columns.status, updated)
    sa.Index(f"{name}_dag"[-60:], columns.dag_id, updated)
    sa.Index(f"{name}_dag_status"[-60:], columns.dag_id, columns.status, updated)
    return table


def _event_table(name: str, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        *_identity(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.Column("who", sa.String(400), nullable=False),
        sa.Column("try_number", sa.Integer),
        sa.Column("rows_written", sa.BigInteger),
        sa.Column("position", _LONG_TEXT),
        sa.Column("detail", _LONG_TEXT),
        **_MYSQL,
    )
    sa.Index(f"{name}_identity"[-60:], table.c.dag_id, table.c.task_id, table.c.run_id, table.c.map_index)
    sa.Index(f"{name}_kind"[-60:], table.c.kind)  # to find the few requests among all that progress
    return table


def _reject_table(name: str, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        *_identity(),
        sa.Column("current_run_id", sa.String(_ID_LENGTH), nullable=False),
        sa.Column("row_no", sa.BigInteger, nullable=False),
        sa.Column("row_data", _LONG_TEXT, nullable=False),
        sa.Column("error", _LONG_TEXT, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("who", sa.String(400), nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        **_MYSQL,
    )
    sa.Index(f"{name}_identity"[-60:], table.c.dag_id, table.c.task_id, table.c.run_id, table.c.map_index)
    return table
