"""A checkpoint in another database than the rows: at-least-once, and reported as such."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import GuaranteeStated
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

pytestmark = pytest.mark.server

KINDS = [("sqlite", "postgres"), ("postgres", "sqlite"), ("sqlite", "sqlite")]


@pytest.fixture(params=KINDS, ids="->".join)
def load(request: pytest.FixtureRequest, make_db: MakeDb) -> Load:
    to, keeper = request.param
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination = make_db(to, "destination")
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    return Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": "n", "batch_size": 4, "separate_checkpoint": True},
        keeper=make_db(keeper, "source" if keeper == "postgres" else "keeper"),
    )


def tables(db: Db) -> list[str]:
    connection = db.database("x").open()
    try:
        return sorted(sa.inspect(connection).get_table_names())
    finally:
        connection.close()


@pytest.mark.parametrize("write_mode", ["append", "replace"])
def test_what_would_double_rows_is_refused(load: Load, write_mode: str) -> None:
    with pytest.raises(ArgumentError, match=r"checkpoint_conn_id: .*at-least-once.*allow_duplicates=True"):
        load.attempt(write_mode=write_mode)
    assert loaded(load) == []


@pytest.mark.parametrize("changes", [{"write_mode": "upsert"}, {"allow_duplicates": True}])
def test_resumes_and_says_what_it_guarantees(load: Load, changes: dict[str, Any]) -> None:
    assert load.attempt_batches(1, **changes)
    result = load.attempt(**changes)
    assert (result.rows, result.guarantee) == (6, "at-least-once")
    assert "another database" in load.told(GuaranteeStated)[0].reason
    assert loaded(load) == list(range(10))
    assert tables(load.destination) == ["target"]
    assert load.keeper
    assert tables(load.keeper) == ["airflow_checkpoint", "airflow_checkpoint_event"]
    assert load.attempt(**changes).rows == 0


def test_a_batch_of_which_the_checkpoint_is_lost_is_written_again(load: Load) -> None:
    upsert = {"write_mode": "upsert"}
    load.attempt_batches(1, **upsert)
    assert load.keeper
    row = load.keeper.rows("SELECT position, rows_written FROM airflow_checkpoint")
    load.attempt_batches(1, **upsert)
    assert loaded(load) == list(range(8))
    # As if the keeper's second commit had been lost.
    position, rows = row[0]
    load.keeper.execute(f"UPDATE airflow_checkpoint SET position = '{position}', rows_written = {rows}")
    assert load.attempt(**upsert).rows == 6
    assert loaded(load) == list(range(10))


def test_a_clear_loads_again(load: Load) -> None:
    load.attempt(write_mode="replace", allow_duplicates=True)
    load.clear()
    load.source.execute("DELETE FROM t WHERE n = 3")
    assert load.attempt(write_mode="replace", allow_duplicates=True).rows == 9
    assert loaded(load) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_preoperator_that_fails_leads_to_starting_again(load: Load) -> None:
    load.attempt(write_mode="upsert")
    load.clear()
    with pytest.raises(CheckpointError, match="refused the preoperator"):
        load.attempt(write_mode="upsert", preoperator=["DELETE FROM target", "SELEC 1"])
    assert loaded(load) == list(range(10))
    assert load.attempt(write_mode="upsert", preoperator="DELETE FROM target").rows == 10


def test_a_keeper_that_cannot_be_reached_is_named(load: Load) -> None:
    load.keeper = Db("sqlite", "/nowhere/at/all.db")
    with pytest.raises(CheckpointError, match="Connection 'keeper' cannot be opened"):
        load.attempt(write_mode="upsert")
    assert loaded(load) == []
