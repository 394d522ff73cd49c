"""The instances of a mapped task in one run as one load: the newest stands for it, and one query counts all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import in_order, reaching
from airflow_checkpoint_provider.engine.store.schema.columns import IDENTITY_COLUMNS

Run = tuple[str, str, str]
"""The ids of DAG, task and DAG run."""

PARTS_READ = 1_000
"""The most checkpoints that are read for the mapped loads of a page."""
_OF_LOAD = ("dag_id", "task_id", "run_id")
_AT_ONCE = 100  # runs in one statement


@dataclass(slots=True)
class Totals:
    """
    All checkpoints of one run of a mapped task.

    :param rows: the committed rows of all
    :param by_status: the number of checkpoints by their stored status
    """

    rows: int = 0
    by_status: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of checkpoints."""
        return sum(self.by_status.values())


def newest_of_loads(
    connection: sa.Connection,
    rows: sa.FromClause,
    table: sa.Table,
    matching: Sequence[sa.ColumnElement[bool]],
    narrowed: Callable[[sa.FromClause], Sequence[sa.ColumnElement[bool]]],
    order_by: str,
    among: int,
) -> sa.Select[Any]:
    """
    Return the rows of the metadata table that are the newest matching ones of their runs, in order.

    Only one row of each run is compared with all others of that run: else a run would take the square of its instances.

    :param rows: the metadata table, or some of its rows
    :param matching: conditions on them
    :param narrowed: makes the conditions on another row of the same run, for it to be compared
    :param order_by: a column, with ``-`` in front for descending
    :param among: how many of the first rows in that order are taken into account; all in other databases
    """
    names = dict.fromkeys((*IDENTITY_COLUMNS, "committed_at", order_by.removeprefix("-")))
    nearest = reaching(connection, rows, matching, order_by, among)
    first = sa.select(*(rows.c[name] for name in names)).where(*matching, *nearest)
    if dialect_of(connection).limits_rows:
        first = first.order_by(*in_order(rows, order_by, table)).limit(among)
    chosen = first.subquery("first_ones")
    place = _place(chosen, [chosen.c.committed_at.desc()])
    ranked = sa.select(*chosen.c, place).subquery("ranked")
    other = table.alias("other")
    same = [ranked.c[name] == table.c[name] for name in IDENTITY_COLUMNS]
    exists = sa.select(other.c.map_index).where(*narrowed(other), _is_newer(other, ranked))
    # Compared and sorted by what was chosen before: a database could begin with all rows for the sake of their order.
    return (
        sa.select(table)
        .join_from(ranked, table, sa.and_(*same))
        .where(ranked.c.place == 1, ~exists.correlate(ranked).exists())
        .order_by(*in_order(ranked, order_by, table))
    )


def _place(rows: sa.FromClause, first: Iterable[sa.ColumnElement[Any]]) -> sa.Label[int]:
    order = (*first, rows.c.map_index, rows.c.name_digest)
    partition = [rows.c[name] for name in _OF_LOAD]
    return sa.func.row_number().over(partition_by=partition, order_by=order).label("place")


def _is_newer(other: sa.FromClause, rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that another checkpoint of the same run stands for it rather than this one."""
    newer, tied = other.c.committed_at > rows.c.committed_at, other.c.committed_at == rows.c.committed_at
    for name in ("map_index", "name_digest"):
        newer = sa.or_(newer, sa.and_(tied, other.c[name] < rows.c[name]))
        tied = sa.and_(tied, other.c[name] == rows.c[name])
    return sa.and_(*(other.c[name] == rows.c[name] for name in _OF_LOAD), newer)


def mapped_runs(found: Iterable[Checkpoint]) -> list[Run]:
    """Return the runs of mapped tasks that checkpoints are of."""
    identities = (one.identity for one in found)
    runs = ((who.dag_id, who.task_id, who.run_id) for who in identities if who.map_index >= 0 or who.name)
    return list(dict.fromkeys(runs))


def totals_of(connection: sa.Connection, table: sa.Table, runs: Sequence[Run]) -> dict[Run, Totals]:
    """Count the checkpoints of runs, and add up their rows; a run of a single one is left out."""
    found: dict[Run, Totals] = {}
    by = [table.c[name] for name in (*_OF_LOAD, "status")]
    for some in _some(runs):
        statement: sa.Select[Any] = sa.select(*by, sa.func.count(), sa.func.sum(table.c.rows_written)).where(
            _of(table, some)
        )
        for dag_id, task_id, run_id, status, number, rows in connection.execute(statement.group_by(*by)):
            totals = found.setdefault((dag_id, task_id, run_id), Totals())
            totals.by_status[status] = number
            totals.rows += int(rows or 0)
    return {run: totals for run, totals in found.items() if totals.count > 1}


def parts_of(table: sa.Table, totals: Mapping[Run, Totals]) -> Iterator[sa.Select[Any]]:
    """Return some checkpoints of each run, those first that may need a person: of all about ``PARTS_READ``."""
    columns = table.c
    failed, running = columns.status == Status.FAILED.value, columns.status == Status.RUNNING.value
    urgency = sa.case((failed, 0), (running, 1), else_=2)
    key = [columns[name] for name in IDENTITY_COLUMNS]
    most = _share([one.count for one in totals.values()], PARTS_READ)
    for some in _some(list(totals)):
        ranked = sa.select(*key, _place(table, [urgency])).where(_of(table, some)).subquery("ranked")
        same = sa.and_(*(ranked.c[name] == columns[name] for name in IDENTITY_COLUMNS))
        chosen = sa.select(table).join_from(ranked, table, same).where(ranked.c.place <= most)
        yield chosen.order_by(*key)


def _some(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    return (runs[begin : begin + _AT_ONCE] for begin in range(0, len(runs), _AT_ONCE))


def _of(table: sa.Table, runs: Iterable[Run]) -> sa.ColumnElement[bool]:
    return sa.or_(
        *(sa.and_(*(table.c[name] == one for name, one in zip(_OF_LOAD, run, strict=True))) for run in runs)
    )


def _share(counts: Iterable[int], most: int) -> int:
    """Return how many of each may be read, so that these are about ``most`` of all."""
    waiting, share = sorted(counts), most
    for number, count in enumerate(waiting):
        share = max(most // (len(waiting) - number), 1)
        if count > share:
            break
        most -= count
    return share
