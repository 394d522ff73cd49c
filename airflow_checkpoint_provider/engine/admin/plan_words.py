"""The plan of a load in words, for the shell and the pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_checkpoint_provider.engine.admin.outlook import duration

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.transfer.planning.load_plan import (
        ColumnPlan,
        End,
        Estimate,
        LoadPlan,
        NextAttempt,
        Statement,
        StrategyPlan,
    )

Section = tuple[str, Sequence[str]]
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def sections(plan: LoadPlan) -> Iterator[Section]:
    """Return the parts of a plan: a heading, and its lines. What ends the load stands first."""
    ending = [f"{one.about}: {one.text}" for one in plan.problems if one.ends]
    doubtful = [f"{one.about}: {one.text}" for one in plan.problems if not one.ends]
    if ending:
        yield f"{_counted(len(ending), 'problem')} would end the load", ending
    else:
        yield "No problem was found that would end the load", ()
    if doubtful:
        yield "As the table is now, and the preoperator may change that", doubtful
    if plan.warnings:
        yield "Warnings", plan.warnings
    if plan.next:
        yield "The next attempt", list(_next(plan.next))
    yield "Source", list(_end(plan.source))
    yield "Destination", [*_end(plan.destination), *plan.table]
    if plan.checkpoint:
        yield "Checkpoint", list(_end(plan.checkpoint))
    if plan.columns:
        yield "Columns", list(_columns(plan.columns))
    if plan.strategy:
        yield "Read", list(_strategy(plan.strategy))
    how = [f"rows travel as {plan.route}: {plan.route_reason}"] if plan.route else []
    how += [f"delivery is {plan.guarantee}: {plan.guarantee_reason}"] if plan.guarantee else []
    if how:
        yield "Written", how
    yield "Estimate", list(_estimate(plan.estimate))
    if plan.statements:
        yield "Statements", list(_statements(plan.statements))


def _next(attempt: NextAttempt) -> Iterator[str]:
    yield attempt.reason
    if attempt.place:
        yield f"begins at {attempt.place}, with {attempt.rows:,} rows committed before"
    if attempt.range:
        yield f"reads {attempt.range}"


def _end(end: End) -> Iterator[str]:
    server = end.server or "cannot be reached"
    yield f"{end.conn_id} ({server}){f', {end.table}' if end.table else ''}"
    may = [name for name, held in end.rights.items() if held]
    lacks = [name for name, held in end.rights.items() if not held]
    if may:
        yield f"may {', '.join(may)}"
    if lacks:
        yield f"may not {', '.join(lacks)}"
    if end.reachable and not end.rights:
        yield "rights are not known"


def _columns(columns: Sequence[ColumnPlan]) -> Iterator[str]:
    rows = [
        (_typed(one.read, one.source_type), _typed(one.written, one.destination_type), one.verdict.value)
        for one in columns
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(2)]
    notes: dict[str, int] = {}
    for row, one in zip(rows, columns, strict=True):
        mark = ""
        if one.note:
            mark = f" [{notes.setdefault(one.note, len(notes) + 1)}]"
        yield f"{row[0].ljust(widths[0])}  ->  {row[1].ljust(widths[1])}  {row[2]}{mark}"
    for note, number in notes.items():
        yield f"[{number}] {note}"


def _typed(name: str, type_: str) -> str:
    return f"{name} {type_}".strip()


def _strategy(strategy: StrategyPlan) -> Iterator[str]:
    yield f"strategy {strategy.name}: {strategy.reason}"
    if not strategy.columns:
        return
    if strategy.indexed is None:
        yield f"whether an index has the order of {', '.join(strategy.columns)} is not known"
    else:
        yield f"{'index' if strategy.indexed else 'no index'}: {strategy.index}"
    yield f"rows without a key: {strategy.nulls}; with an equal one: {strategy.duplicates}"


def _estimate(estimate: Estimate) -> Iterator[str]:
    if estimate.rows is None:
        yield "the number of rows is not known without reading them"
    else:
        size = f", {_size(estimate.bytes)}" if estimate.bytes else ""
        yield f"about {estimate.rows:,} rows{size}, by {estimate.by}"
    if estimate.seconds is not None and estimate.rows_per_s:
        took = duration(timedelta(seconds=estimate.seconds))
        yield f"about {took} at the speed of the last runs, {estimate.rows_per_s:,.0f} rows/s"


def _statements(statements: Sequence[Statement]) -> Iterator[str]:
    for purpose, found in groupby(statements, key=lambda one: one.purpose):
        same = list(found)
        if len(same) > 2:  # those of the metadata tables fill a screen
            yield f"{purpose}: {len(same)} statements, which `airflow checkpoint ddl --for DAG_ID TASK_ID` prints"
        else:
            yield from (f"{purpose}: {' '.join(one.sql.split())}" for one in same)


def _size(size: float) -> str:
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:,.{0 if unit == 0 or size >= 100 else 1}f} {_UNITS[unit]}"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
