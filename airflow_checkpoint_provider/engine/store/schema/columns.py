"""The columns of the metadata tables."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.codec import codec_of, storable
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.questions.metadata_dialect import UPDATED_OFTEN
from airflow_checkpoint_provider.engine.model.checks import NO_NAME

FORMAT_VERSION = 2

SINCE = "since"
"""In the ``info`` of a column or index: the format that introduced it, where that was not the first."""
UNTIL_2 = "until_2"
"""In the ``info`` of a table: the indexes that format 2 drops."""

_ESCAPED = re.compile(r"(?:\\u[0-9a-f]{4})+")
_ID_LENGTH = (
    250  # as in Airflow's own tables; three of them, and no fourth, fit in one index of every database
)
_DIGEST_LENGTH = 16
_NEW = {SINCE: 2}
_BY_LAST_CHANGE = ("updated", "status", "dag", "dag_status")
"""Ends of the names of the indexes by ``updated_at``, which format 2 drops."""

CATALOG_COLUMNS = ("destination_database", "destination_schema", "destination_name")
"""The destination's name as the catalog has it."""
IDENTITY_COLUMNS = ("dag_id", "task_id", "run_id", "map_index", "name_digest")
"""The columns that select the rows of one checkpoint."""


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
    """A name, in ASCII where the database lacks a character of it; reading restores the characters."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value, dialect)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if not isinstance(value, str) or "\\u" not in value or codec_of(dialect) is None:
            return value
        return _ESCAPED.sub(lambda found: str(json.loads(f'"{found[0]}"')), value)


class CheckpointName(Name):
    """The name of a checkpoint; an empty one is stored as ``-``."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return NO_NAME if value == "" else super().process_bind_param(value, dialect)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return "" if value == NO_NAME else super().process_result_value(value, dialect)


class RowId(sa.types.TypeDecorator[int]):
    """Numbers of rows, in the order in which the rows are added."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect_of(dialect).row_id


def name_digest(name: str) -> str:
    """Return the digest of a name for the primary key: 96 bits, as text."""
    return urlsafe_b64encode(sha256(name.encode()).digest()[:12]).decode() if name else NO_NAME


def _named() -> list[sa.Column[Any]]:
    none = sa.text(f"'{NO_NAME}'")
    return [
        sa.Column("name", CheckpointName(_ID_LENGTH), nullable=False, server_default=none, info=_NEW),
        sa.Column("name_digest", sa.String(_DIGEST_LENGTH), nullable=False, server_default=none, info=_NEW),
    ]


def _identity() -> list[sa.Column[Any]]:
    return [
        sa.Column("dag_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("task_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("run_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
        *_named(),
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
        sa.Column("claimed_map_index", sa.Integer, info=_NEW),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("max_tries", sa.Integer, nullable=False),
        sa.Column("task_retries", sa.Integer, nullable=False),
        sa.Column("clear_number", sa.Integer, nullable=False),
        sa.Column("owner", Name(400), nullable=False),
        sa.Column("fingerprint", LongText, nullable=False),
        sa.Column("source_conn_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("destination_conn_id", Name(_ID_LENGTH), nullable=False),
        sa.Column("destination_table", Name(400), nullable=False),
        *(sa.Column(name, Name(_ID_LENGTH), info=_NEW) for name in CATALOG_COLUMNS),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("updated_at", UTCDateTime, nullable=False),
        sa.Column("committed_at", UTCDateTime, info=_NEW),
        sa.Column("completed_at", UTCDateTime),
        sa.Column("last_error", LongText),
        sa.Column("format_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("dag_id", "task_id", "run_id", "map_index", "name_digest"),
        info={UPDATED_OFTEN: True, UNTIL_2: tuple(f"{name}_{part}"[-60:] for part in _BY_LAST_CHANGE)},
    )
    # To find the newest of a million rows without reading the others; tables without these indexes do as well, slower.
    committed, columns = table.c.committed_at, table.c
    sa.Index(f"{name}_committed"[-60:], committed, info=_NEW)
    sa.Index(f"{name}_state"[-60:], columns.status, committed, info=_NEW)
    sa.Index(f"{name}_dag_order"[-60:], columns.dag_id, committed, info=_NEW)
    sa.Index(f"{name}_dag_state"[-60:], columns.dag_id, columns.status, committed, info=_NEW)
    sa.Index(f"{name}_destination"[-60:], *(columns[part] for part in reversed(CATALOG_COLUMNS)), info=_NEW)
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
        info={UNTIL_2: (f"{name}_identity"[-60:],)},
    )
    sa.Index(f"{name}_named"[-60:], *(table.c[part] for part in IDENTITY_COLUMNS), info=_NEW)
    sa.Index(f"{name}_kind"[-60:], table.c.kind)  # to find the few requests among many progress entries
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
        info={UNTIL_2: (f"{name}_identity"[-60:],)},
    )
    sa.Index(f"{name}_named"[-60:], *(table.c[part] for part in IDENTITY_COLUMNS), info=_NEW)
    return table
