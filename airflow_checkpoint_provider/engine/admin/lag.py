"""The lag of a mark behind its source: the newest key there, the time between the two, and the rows in between."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import open_source
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.text_forms import to_moment
from airflow_checkpoint_provider.engine.model.checkpoint import PARTITION, Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, NoAnswerError, SourceError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.stored_text import digest_of, is_whole


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


def lag_of(checkpoint: Checkpoint, source: Database, parameters: Any = None) -> Lag:
    """
    Ask the source of a load for its newest key, and for the number of rows behind the mark.

    :param source: with the limit of time for each statement
    :param parameters: bind parameters of the query, which a checkpoint does not store
    :raises ArgumentError: when the load has no key, or its query is not known
    :raises SourceError: when the source cannot be read, or does not return its newest key in time
    """
    text = _query_of(checkpoint, parameters)
    connection = source.open()
    try:
        dialect = dialect_of(connection)
        query = Query.parse(text, parameters, dialect.tokens)
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


def _query_of(checkpoint: Checkpoint, parameters: Any) -> str:
    if not checkpoint.key_columns or checkpoint.strategy != "key":
        raise ArgumentError(
            f"The load of {checkpoint.identity} has no key: rows are counted, and there is no mark to compare."
        )
    if checkpoint.fingerprint.get("parameters", "") != digest_of(parameters):
        raise ArgumentError(
            "parameters: these are not those of the load. Give them as the task has them; they are not stored."
            if parameters
            else "parameters: the query of the load has some, which are not stored. Give them as the task has them."
        )
    text = checkpoint.fingerprint.get("query", "")
    if not text or not is_whole(text):
        raise ArgumentError(f"The query of {checkpoint.identity} is not stored whole, as it is too long.")
    return text


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
