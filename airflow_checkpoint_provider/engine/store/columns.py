"""The columns of the metadata tables."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import (
    UPDATED_OFTEN,
    codec_of,
    dialect_of,
    storable,
)
from airflow_checkpoint_provider.engine.databases.registry import KNOWN

FORMAT_VERSION = 1


_ESCAPED = re.compile(r"(?:\\u[0-9a-f]{4})+")
_ID_LENGTH = 250  # as in Airflow's own tables; four of them still fit in one index of every database


_TABLE_OPTIONS = {name: value for dialect in KNOWN for name, value in dialect.table_options.items()}


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC times, also in databases that keep no time zone."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect_of(dialect).time_type

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return None if value is None else dialect_of(dialect).time_value(value.astimezone(UTC))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        value = datetime.fromisoformat(value) if isinstance(value, str) else value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LongText(sa.types.TypeDecorator[str]):
    """Text of any length, in ASCII where the database lacks a character of it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value, dialect)

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect_of(dialect).long_text


class Name(sa.types.TypeDecorator[str]):
    """A name, in ASCII where the database lacks a character of it, and read as what it was."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value, dialect)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if not isinstance(value, str) or "\\u" not in value or codec_of(dialect) is None:
            return value
        return _ESCAPED.sub(lambda found: str(json.loads(f'"{found[0]}"')), value)


class RowId(sa.types.TypeDecorator[int]):
    """Numbers that rows get in the order in which they are added."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect_of(dialect).row_id


def _identity() -> list[sa.Column[Any]]:
    return [
        sa.Column("dag_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("task_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("run_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
    ]


def _checkpoint_table(name: str, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        name,
        metadata,
        *_identity(),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("strategy", sa.String(20), nullable=False),
        sa.Column("key_columns", LongText),
        sa.Column("position", LongText),
        sa.Column("lower_bound", LongText),
        sa.Column("upper_bound", LongText),
        sa.Column("start_position", LongText),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("rows_written", sa.BigInteger, nullable=False),
        sa.Column("batches", sa.BigInteger, nullable=False),
        sa.Column("row_digest", sa.String(64)),
        sa.Column("nulls_done", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("restarting", sa.Integer, nullable=False),
        sa.Column("forced", sa.Integer, nullable=False),
        sa.Column("request_seen", sa.BigInteger, nullable=False),
        sa.Column("current_run_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("current_run_after", UTCDateTime),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("max_tries", sa.Integer, nullable=False),
        sa.Column("task_retries", sa.Integer, nullable=False),
        sa.Column("clear_number", sa.Integer, nullable=False),
        sa.Column("owner", Name(400), nullable=False),
        sa.Column("fingerprint", LongText, nullable=False),
        sa.Column("source_conn_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("destination_conn_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("destination_table", Name(400), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("updated_at", UTCDateTime, nullable=False),
        sa.Column("completed_at", UTCDateTime),
        sa.Column("last_error", LongText),
        sa.Column("format_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("dag_id", "task_id", "run_id", "map_index"),
        info={UPDATED_OFTEN: True},
        **_TABLE_OPTIONS,
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
        sa.Column("id", RowId, sa.Identity(), primary_key=True),
        *_identity(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.Column("who", Name(400), nullable=False),
        sa.Column("try_number", sa.Integer),
        sa.Column("rows_written", sa.BigInteger),
        sa.Column("position", LongText),
        sa.Column("detail", LongText),
        **_TABLE_OPTIONS,
    )
    sa.Index(f"{name}_identity"[-60:], table.c.dag_id, table.c.task_id, table.c.run_id, table.c.map_index)
    sa.Index(f"{name}_kind"[-60:], table.c.kind)  # to find the few requests among all that progress
    return table


def _reject_table(name: str, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", RowId, sa.Identity(), primary_key=True),
        *_identity(),
        sa.Column("current_run_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("row_no", sa.BigInteger, nullable=False),
        sa.Column("row_data", LongText, nullable=False),
        sa.Column("error", LongText, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("who", Name(400), nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        **_TABLE_OPTIONS,
    )
    sa.Index(f"{name}_identity"[-60:], table.c.dag_id, table.c.task_id, table.c.run_id, table.c.map_index)
    return table
