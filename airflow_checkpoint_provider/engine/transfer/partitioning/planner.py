"""The plan of many tasks that load one table: its partitions, each a range of keys with about as many rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.registry import open_source, query_of
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import Parameters
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Amount, Boundary, Partition, bound
from airflow_checkpoint_provider.engine.transfer.partitioning.boundaries import (
    by_rank,
    by_values,
    by_width,
    choose,
    count,
)
from airflow_checkpoint_provider.engine.transfer.partitioning.estimates import estimate

LARGE = 1_000_000
"""Rows from which on a table is not read whole to plan its partitions, where its server has estimates."""


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """
    The arguments of ``CheckpointPartitionOperator``, rendered and checked.

    :param split: ``"key"`` for ranges of a column, ``"rowid"`` for ranges of rows that are stored together
    :param as_of: ``"now"`` for partitions that are all read as of one moment
    :param moment: the moment that ``as_of`` means, where several tables share one
    :param large: rows from which on a table is estimated rather than read
    """

    partitions: int
    sql: str | None = None
    source_table: str | None = None
    where: str | None = None
    parameters: Parameters = None
    checkpoint_column: str | Sequence[str] | None = None
    partition_column: str | None = None
    split: str = "key"
    as_of: str | None = None
    as_of_task_id: str | None = None
    moment: str = ""
    large: int = LARGE


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The partitions, and how they were found.

    :param how: in a few words
    """

    parts: list[Partition]
    how: str


def split(spec: SplitSpec, source: Database, opened: Callable[[Any], None] = lambda raw: None) -> Plan:
    """
    Plan the partitions of a table: together they have each of its rows once, up to the present greatest key.

    There is always a partition, so that an empty source empties its destination, too.

    :param opened: called with the driver's connection
    """
    with ExitStack() as stack:
        connection = stack.enter_context(closing(source.open(opened=opened)))
        reader = open_source(connection, query_of(spec, connection), source.conn_id, exact=False)
        table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
        if spec.as_of:
            reader.read_as_of(spec.moment or reader.newest_moment())
        if spec.split == "rowid" and table:
            return _by_storage(reader, table, spec.partitions)
        column = _column(spec, reader, table)
        last = reader.last_key([column])
        if last is None:
            return _plan(reader, column, "there are no rows with a key", count(reader, column), [], None, 1)
        how, amount, borders = _borders(spec, reader, table, column, last[0])
        return _plan(reader, column, how, amount, borders, last[0], spec.partitions)


def _column(spec: SplitSpec, source: Source, table: TableName | None) -> str:
    if spec.partition_column:
        return source.find_columns([spec.partition_column], "partition_column")[0]
    key = spec.checkpoint_column or (source.primary_key(table) if table else [])
    if not key:
        raise ArgumentError(
            "checkpoint_column: there is neither a column to split by nor a primary key of source_table; give "
            "checkpoint_column or partition_column."
        )
    return source.find_columns([key] if isinstance(key, str) else list(key)[:1], "checkpoint_column")[0]


def _borders(
    spec: SplitSpec, source: Source, table: TableName | None, column: str, last: Any
) -> tuple[str, Amount, list[Boundary]]:
    """Find boundaries in the cheapest way that gives even partitions."""
    parts = spec.partitions
    if spec.partition_column:
        amount, values = count(source, column), by_values(source, column)
        borders = values if len(values) <= parts else choose(values, amount.keyed, parts)
        return f"the {len(values):,} values of {column}", amount, borders
    estimated = estimate(source, table, column, parts, spec.large) if table else None
    if estimated:
        how, amount, values = estimated
        return how, amount, choose(values, amount.keyed, parts)
    amount = count(source, column)
    if parts == 1:
        return "one partition", amount, []
    even = by_width(source, column, amount, parts, last)
    if even is not None:
        return "ranges of equal width, which a count has shown to be even", amount, even
    return "the rank of each row", amount, by_rank(source, column, amount, parts)


def _plan(
    source: Source,
    column: str,
    how: str,
    amount: Amount,
    borders: Sequence[Boundary],
    last: Any,
    wanted: int,
) -> Plan:
    """Return the partitions between boundaries; the first has the rows without a key, or is for them alone."""
    ends = [
        border
        for number, border in enumerate(borders)
        if number == 0 or border.rows > borders[number - 1].rows
    ]
    ends = [border for border in ends if border.value != last and border.rows < amount.keyed]
    if last is not None:
        ends.append(Boundary(last, amount.keyed))
    uppers = [bound(border.value) for border in ends]
    blank = Partition(
        plan="",
        index=0,
        of=1,
        column=column,
        lower=None,
        upper=None,
        nulls=True,
        rows=amount.nulls,
        rows_in_all=amount.rows,
        moment=source.moment,
    )
    parts = []
    # More than half of an even share would make the first partition too large.
    alone = not ends or amount.nulls * 2 * wanted > amount.rows
    if alone:
        parts.append(blank)
    for number, border in enumerate(ends):
        before = ends[number - 1].rows if number else 0
        parts.append(
            replace(
                blank,
                lower=uppers[number - 1] if number else None,
                upper=uppers[number],
                nulls=number == 0 and not alone,
                rows=int(border.rows - before) + (amount.nulls if number == 0 and not alone else 0),
            )
        )
    return _numbered(source, parts, how)


def _by_storage(source: Source, table: TableName, partitions: int) -> Plan:
    """Return partitions of rows that are stored together; without a bound at both ends, they leave out no row."""
    found = source.storage_places(table)
    borders = choose(found.boundaries, found.size, partitions)
    sizes = [0.0, *(border.rows for border in borders), found.size]
    places = [None, *(bound(border.value) for border in borders), None]
    return _numbered(
        source,
        [
            Partition(
                plan="",
                index=0,
                of=1,
                column=found.column,
                lower=places[index],
                upper=places[index + 1],
                nulls=False,
                rows=int(found.rows * (sizes[index + 1] - sizes[index]) / max(found.size, 1)),
                rows_in_all=found.rows,
                moment=source.moment,
            )
            for index in range(len(borders) + 1)
        ],
        found.how,
    )


def _numbered(source: Source, parts: Sequence[Partition], how: str) -> Plan:
    """Number the partitions, and give them the digest of their plan."""
    numbered = [replace(part, index=index, of=len(parts)) for index, part in enumerate(parts)]
    about = {
        "query": source.query.text,
        "parameters": repr(source.query.parameters),
        "source": source.conn_id,
        "parts": [part.as_dict() for part in numbered],
    }
    plan = sha256(json.dumps(about, ensure_ascii=False).encode()).hexdigest()[:16]
    return Plan([replace(part, plan=plan) for part in numbered], how)
