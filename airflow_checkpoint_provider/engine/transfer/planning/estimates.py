"""How much there is to load, by statistics, and how long it takes at the speed of the last runs."""

from __future__ import annotations

from statistics import median

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.planning.plan_facts import KeyStatistics
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.past_runs import Run, earlier_runs, runs_of
from airflow_checkpoint_provider.engine.store.row_reading import read_page
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import Estimate, StrategyPlan
from airflow_checkpoint_provider.engine.transfer.planning.problems import Problems
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.strategies.choose import Strategy

_RUNS = 10
_ENTRIES = 200
_HARDLY_ANY = 1.05
"""Rows of a key; a server counts them in a sample."""
_EXACT = 10
_NO_STATISTICS = "not known"


def plan_strategy(
    spec: TransferSpec, session: Session, strategy: Strategy, reason: str, problems: Problems
) -> StrategyPlan:
    """
    Return how the source is read, with what is known of the key.

    :param reason: why this strategy was chosen
    :param problems: forgives a server that does not answer
    """
    columns, source = strategy.columns, session.source
    if not columns:
        return StrategyPlan(strategy.name, reason)
    table = resolved(spec, session)
    access = problems.quietly(lambda: source.dialect.plan.key_access(source, columns, table))
    required = (problems.quietly(lambda: source.required_columns(table)) or ()) if table else ()
    key = (problems.quietly(lambda: source.primary_key(table)) or ()) if table else ()
    if set(columns) <= {*required, *key}:
        nulls = "none, as the columns take no NULL"
    elif spec.on_null_key == "load":
        nulls = "they are loaded as the last batch"
    else:
        nulls = "none was found" if not problems.about("source") else _NO_STATISTICS
    statistics = (
        problems.quietly(lambda: source.dialect.plan.key_statistics(source, columns, table))
        if table
        else None
    )
    duplicates = "they stay in one batch"
    if statistics:
        duplicates = f"{_duplicates(statistics)}, by statistics; {duplicates}"
    return StrategyPlan(
        strategy.name,
        reason,
        columns,
        access.how if access else "",
        access.serves if access else None,
        nulls,
        "none, as it has the primary key" if key and set(key) <= set(columns) else duplicates,
    )


def _duplicates(statistics: KeyStatistics) -> str:
    if statistics.rows_per_key < _HARDLY_ANY:
        words = "hardly any"
    else:
        each = statistics.rows_per_key
        words = f"about {each:,.{0 if each >= _EXACT else 1}f} rows for each key"
    if statistics.most and statistics.most > max(2 * statistics.rows_per_key, 2):
        words += f", and {statistics.most:,.0f} for the most common one"
    return words


def plan_estimate(
    spec: TransferSpec,
    session: Session,
    identity: Identity,
    tables: Tables | None,
    problems: Problems,
    done: int = 0,
) -> Estimate:
    """
    Return how much there is to load, and how long that takes at the speed of the last runs.

    :param tables: the metadata tables, where they can be read
    :param problems: forgives a server that does not answer
    :param done: rows of the load in the destination by now
    """
    table, source = resolved(spec, session), session.source
    found = problems.quietly(lambda: source.dialect.plan.amount(source, table))
    runs = problems.quietly(lambda: _runs(session.keeper, tables, identity)) if tables else None
    rates = [run.rows / run.seconds for run in runs or () if run.rows and run.seconds > 0]
    rate = median(rates) if rates else None
    return Estimate(
        rows=round(found.rows) if found else None,
        bytes=round(found.size) if found and found.size is not None else None,
        by=found.by if found else "",
        seconds=round(max(found.rows - done, 0) / rate, 1) if found and rate else None,
        rows_per_s=round(rate, 1) if rate else None,
    )


def resolved(spec: TransferSpec, session: Session) -> TableName | None:
    """Return the source's table as its catalog has the name; ``None`` for a query."""
    if not spec.source_table:
        return None
    table = TableName.parse(spec.source_table, argument="source_table")
    with reading(session.source.connection):
        return table.resolve(sa.inspect(session.source.connection)) or table


def _runs(connection: sa.Connection, tables: Tables, identity: Identity) -> list[Run]:
    with reading(connection):
        if identity.run_id == ALL_RUNS:
            return earlier_runs(History(connection, tables).timeline(identity, _ENTRIES))[-_RUNS:]
        columns = tables.checkpoint.c
        statement = (
            sa.select(tables.checkpoint)
            .where(columns.dag_id == identity.dag_id, columns.task_id == identity.task_id)
            .where(columns.map_index == identity.map_index, columns.status == Status.COMPLETED.value)
            .order_by(columns.completed_at.desc())
        )
        page = read_page(connection, tables.checkpoint, tables.checkpoint, statement, _RUNS, 0)
        return runs_of(one for one in page if isinstance(one, Checkpoint))
