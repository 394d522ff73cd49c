"""A plan has all problems at once, in the words of the attempt, and goes on where one end cannot be reached."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan, Verdict
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

KINDS = ["sqlite", "postgres", "mysql", "oracle", "unknown"]
SALES = "CREATE TABLE sales (n integer NOT NULL, v varchar(20), PRIMARY KEY (n))"


def make_load(make_db: MakeDb, kind: str, table: str, **arguments: Any) -> Load:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")
    source.execute(SALES)
    source.insert("sales", [(n, f"v{n}") for n in range(4)])
    destination.execute(table)
    return Load(source, destination, {"source_table": "sales", "batch_size": 2, **arguments})


def texts(plan: LoadPlan) -> str:
    return "\n".join(f"{one.about}: {one.text}" for one in plan.problems)


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql"])
def test_several_of_one_table_and_one_of_the_source(make_db: MakeDb, kind: str) -> None:
    load = make_load(
        make_db,
        kind,
        "CREATE TABLE target (n integer NOT NULL, v varchar(20), w integer NOT NULL)",
        checkpoint_column="no_such",
        write_mode="upsert",
        conflict_columns=["v"],
    )
    plan = load.plan()
    assert plan.would_end
    for text in (
        "strategy: checkpoint_column: the query does not return a column 'no_such'",
        "destination: destination_columns: w of target takes no NULL, has no default",
        "destination: conflict_columns: target has no unique index on v",
    ):
        assert text in texts(plan)
    with pytest.raises(CheckpointError, match="no_such"):
        load.attempt()


@pytest.mark.parametrize("kind", KINDS)
def test_the_decision_of_the_next_attempt(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind, "CREATE TABLE target (n integer, v varchar(20))", checkpoint_column="n")
    load.arguments["allow_duplicates"] = True
    assert load.attempt_batches(1)
    load.arguments["allow_duplicates"] = kind == "unknown"
    assert [load.plan().next.action] == ["resume"]  # type: ignore[union-attr]
    changed = load.plan(where="n > 0")
    assert changed.would_end
    assert "The load is not the one that the checkpoint was made by: query was" in texts(changed)
    load.clear()
    again = load.plan(allow_duplicates=False)
    assert "write_mode='append' would add them a second time" in texts(again)


@pytest.mark.parametrize("kind", ["sqlite", "mysql", "oracle", "unknown"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "upsert"])
def test_the_statement_that_writes_has_a_place_for_each_value(
    make_db: MakeDb, kind: str, write_mode: str
) -> None:
    if (kind, write_mode) == ("unknown", "upsert"):
        pytest.skip("there is no upsert in general form")
    load = make_load(
        make_db,
        kind,
        SALES.replace("sales", "target"),
        checkpoint_column="n",
        write_mode=write_mode,
        conflict_columns=["n"] if write_mode == "upsert" else None,
        allow_duplicates=kind == "unknown",
    )
    plan = load.plan()
    assert not plan.would_end, texts(plan)
    [written] = [one.sql for one in plan.statements if one.purpose == "write"]
    assert len(re.findall(r"%(?:\(\w+\))?s|\?|:\w+", written)) == 2, written


@pytest.mark.parametrize("broken", ["source", "destination"])
def test_an_end_that_cannot_be_reached_hides_nothing_of_the_other(make_db: MakeDb, broken: str) -> None:
    load = make_load(make_db, "sqlite", "CREATE TABLE target (n integer, v varchar(20))")

    def refuse() -> Any:
        raise OSError("no route to host")

    gone: Any = {broken: Database(broken, refuse)}
    plan = load.plan(**gone)
    assert "cannot be opened: no route to host" in texts(plan)
    assert plan.source.reachable is (broken != "source")
    assert plan.destination.reachable is (broken != "destination")


@pytest.mark.server
def test_the_types_of_columns(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("mysql", "destination")
    source.execute("CREATE TABLE sales (n integer PRIMARY KEY, v varchar(20), d double precision, a int[])")
    destination.execute("CREATE TABLE target (n bigint, v varchar(20), d decimal(20, 4), a bigint)")
    plan = Load(source, destination, {"source_table": "sales"}).plan()
    verdicts = {one.read: one.verdict for one in plan.columns}
    assert verdicts == {
        "n": Verdict.EXACT,
        "v": Verdict.EXACT,
        "d": Verdict.CONVERTED,
        "a": Verdict.REFUSED,
    }
    assert plan.columns[3].note == "have the query return CAST(a AS bigint) AS a"
    assert plan.would_end


@pytest.mark.parametrize("kind", KINDS)
def test_a_preoperator_may_still_create_the_table(make_db: MakeDb, kind: str) -> None:
    load = make_load(
        make_db,
        kind,
        "CREATE TABLE other (n integer)",
        preoperator="CREATE TABLE target (n integer)",
        columns=["n"],
        allow_duplicates=kind == "unknown",
    )
    plan = load.plan()
    assert not plan.would_end, texts(plan)
    assert "there is no table target" in texts(plan)
    assert load.attempt().rows == 4


def test_the_time_at_the_speed_of_the_last_runs(make_db: MakeDb) -> None:
    load = make_load(
        make_db, "sqlite", "CREATE TABLE target (n integer, v varchar(20))", write_mode="replace"
    )
    assert load.plan().estimate.seconds is None
    load.source.execute("ANALYZE")
    load.attempt()
    load.next_run()
    estimate = load.plan().estimate
    assert estimate.rows == 4
    assert estimate.rows_per_s
    assert estimate.seconds == pytest.approx(4 / estimate.rows_per_s, abs=0.1)
