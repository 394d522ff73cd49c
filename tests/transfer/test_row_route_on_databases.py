"""Choosing a route changes neither end: the source reads as before, and by the route where it is given."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES as ROWS
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.row_route import choose_route
from airflow_checkpoint_provider.engine.transfer.session import Session, open_session
from airflow_checkpoint_provider.engine.transfer.strategies.choose import choose_strategy
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

VALUES = [(1, Decimal("1.50"), date(2026, 1, 31))]
# The name of the route, and the rows read; of packed rows, the first one.
CHOSEN: dict[str, tuple[str, Any]] = {
    "postgres": ("binary COPY", VALUES[0]),
    "sqlite": ("rows", [(1, "1.50", "2026-01-31")]),
    "mysql": ("SQL tuples", (1, "(1,'1.50','2026-01-31')")),
    "oracle": ("rows", VALUES),
}


def read(session: Session, route: RowRoute = ROWS) -> Any:
    source = session.source
    binds = Binds(source.paramstyle, source.query.parameters)
    with source.stream(source.select(source.written(route), "", binds), 0, route) as reader:
        block = reader.read(10)
        assert (len(block), [*block.first]) == (1, [*block.last])
        return list(block) if isinstance(block, list) else block


@pytest.mark.server
@pytest.mark.parametrize("kind", CHOSEN)
def test_a_source_reads_by_the_route_that_it_is_given(make_db: MakeDb, kind: str) -> None:
    origin, to = make_db("postgres", "source"), make_db(kind, "destination")
    if kind == "mysql":  # some clients allow LOAD DATA LOCAL by default
        to = Db(kind, f"{to.place}&local_infile=0", to.driver)
    origin.execute(
        "CREATE TABLE t (n integer, a numeric(9, 2), d date)", "INSERT INTO t VALUES (1, 1.5, '2026-01-31')"
    )
    exact = "varchar(20)" if kind == "sqlite" else "numeric(9, 2)"
    to.execute(f"CREATE TABLE target (n integer, a {exact}, d date)")
    spec = TransferSpec(destination_table="target", source_table="t", checkpoint_column="n")
    with open_session(spec, origin.database("src"), to.database("dst"), None, lambda raw: None) as session:
        strategy, _ = choose_strategy(spec, session)
        columns = Columns.of(spec, session)
        session.destination.prepare(columns.written, None)
        route = choose_route(spec, session, strategy, columns)
        name, rows = CHOSEN[kind]
        assert route.name == name
        assert choose_route(spec, session, strategy, columns) == route
        before = read(session)
        found = read(session, route)
        assert before == read(session) == VALUES
        if isinstance(rows, tuple):
            assert (found.size > 0, tuple(found.first)) == (True, rows)
        else:
            assert found == rows
