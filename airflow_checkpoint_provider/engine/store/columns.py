"""The columns of the metadata tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from airflow_checkpoint_provider.engine.databases.generic import sqlalchemy_dialect as ansi

FORMAT_VERSION = 1


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
        postgresql_with={"fillfactor": "50"},
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
