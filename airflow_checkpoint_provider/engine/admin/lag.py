"""The lag of a mark behind its source: the newest key there, the time between the two, and the rows in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import open_source, query_of
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.query import Parameters, Query
from airflow_checkpoint_provider.engine.databases.values.text_forms import to_moment
from airflow_checkpoint_provider.engine.model.checkpoint import PARTITION, Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, NoAnswerError, SourceError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.stored_text import comparable, digest_of, shown


@dataclass(frozen=True, slots=True)
class Lag:
    """
    The lag of a mark.

    :param newest: the greatest key of the source; ``None`` where no row has one
    :param seconds: from the first column of the mark to that of ``newest``; ``None`` where these are not times
    :param rows: rows behind the mark; ``None`` where they could not be counted in time
    """

    newest: Key | None
    seconds: float | None
    rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReads:
    """
    What a task reads, known from elsewhere than its checkpoint: who may write that row does not choose the SQL.

    The arguments are those of the task, rendered.
    """

    source_conn_id: str
    sql: str | None = None
    source_table: str | None = None
    columns: Sequence[str] | None = None
    where: str | None = None
    parameters: Parameters = None
    checkpoint_column: str | Sequence[str] | None = None


def lag_of(checkpoint: Checkpoint, source: Database, reads: TaskReads) -> Lag:
    """
    Ask the source of a load for its newest key, and for the number of rows behind the mark.

    :param source: with the limit of time for each statement
    :param reads: what the task reads; nothing else is run
    :raises ArgumentError: when the load has no key, or the checkpoint is of a load of something else
    :raises SourceError: when the source cannot be read, or does not return its newest key in time
    """
    _check(checkpoint, reads)
    connection = source.open()
    try:
        dialect = dialect_of(connection)
        query = _query_of(checkpoint, reads, connection)
        asked = open_source(connection, query, source.conn_id, exact=True)
        columns, mark = checkpoint.key_columns, checkpoint.position.key
        part = Partition.of_text(checkpoint.fingerprint.get(PARTITION))
        newest = asked.last_key(columns, part)
        seconds = _seconds_between(mark, newest)
        if newest is None or newest == mark:
            return Lag(newest, seconds, 0)
        try:
            return Lag(newest, seconds, _count(asked, checkpoint, part))
        except SourceError as error:
            cause = error.__cause__
            if isinstance(cause, Exception) and dialect.is_time_limit(cause):
                return Lag(newest, seconds, None)
            raise
        except NoAnswerError:
            return Lag(newest, seconds, None)
    finally:
        connection.close()


def _check(checkpoint: Checkpoint, reads: TaskReads) -> None:
    """Refuse a checkpoint that is not of what the task reads, as far as that is known without its source."""
    if not checkpoint.key_columns or checkpoint.strategy != "key":
        raise ArgumentError(
            f"The load of {checkpoint.identity} has no key: rows are counted, and there is no mark to compare."
        )
    if reads.source_conn_id != checkpoint.source_conn_id:
        raise _other(checkpoint, "source_conn_id", checkpoint.source_conn_id, reads.source_conn_id)
    if checkpoint.fingerprint.get("parameters", "") != digest_of(reads.parameters):
        raise ArgumentError(
            "parameters: these are not those of the load. Give them as the task has them; they are not stored."
            if reads.parameters
            else "parameters: the query of the load has some, which are not stored. Give them as the task has them."
        )
    given = reads.checkpoint_column
    key = [given] if isinstance(given, str) else list(given or ())
    if key and [name.casefold() for name in key] != [name.casefold() for name in checkpoint.key_columns]:
        raise _other(checkpoint, "checkpoint_column", ", ".join(checkpoint.key_columns), ", ".join(key))


def _query_of(checkpoint: Checkpoint, reads: TaskReads, connection: sa.Connection) -> Query:
    query = query_of(reads, connection, reads.columns)
    stored = checkpoint.fingerprint.get("query", "")
    if comparable(query.text) != stored:
        argument = "source_table" if reads.source_table is not None else "sql"
        raise _other(checkpoint, argument, stored, query.text)
    return query


def _other(checkpoint: Checkpoint, argument: str, stored: str, known: str) -> ArgumentError:
    return ArgumentError(
        f"{argument}: the checkpoint of {checkpoint.identity} is of a load with {shown(stored)}, and the task has "
        f"{shown(known)}. The lag is known again once the next attempt has moved the checkpoint; if the task has not "
        "changed, somebody has written into the metadata table."
    )


def _count(source: Source, checkpoint: Checkpoint, part: Partition | None) -> int:
    columns, mark = checkpoint.key_columns, checkpoint.position.key
    binds = Binds(source.paramstyle, source.query.parameters)
    behind = source.key_condition(columns) if mark is None else source.compare(columns, ">", mark, binds)
    row = source.one(source.select("COUNT(*)", f" WHERE {behind}{source.within(part, binds)}", binds))
    return int(row[0]) if row else 0


def _seconds_between(mark: Key | None, newest: Key | None) -> float | None:
    if not mark or not newest:
        return None
    first, last = _moment(mark[0]), _moment(newest[0])
    if first is None or last is None or bool(first.tzinfo) != bool(last.tzinfo):
        return None
    return (last - first).total_seconds()


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and not re.match("[0-9]{4}-", value):  # digits alone are a number, too
        return None
    with suppress(ValueError):
        return to_moment(value)
    return None
