"""A group that is read as of one moment of Postgres, in a real Airflow: beside a holder, and after its death."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.gate import Gate
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.growing import CHILDREN, PARENTS, growing
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

DAG = "group_of_one_moment"


@pytest.fixture
def ends(airflow: LiveAirflow, make_db: MakeDb) -> tuple[Db, Db]:
    source, destination = (make_db("postgres", role) for role in ("source", "destination"))
    for conn_id, db in (("moment_source", source), ("moment_destination", destination)):
        parts = psycopg.conninfo.conninfo_to_dict(db.place)
        airflow.api.add_connection(
            conn_id,
            "postgres",
            host=parts.get("host", "localhost"),
            login=parts.get("user", "postgres"),
            password=parts.get("password", ""),
            port=int(parts.get("port", 5432)),
            schema=parts["dbname"],
        )
    destination.execute(
        f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)",
        f"CREATE TABLE {CHILDREN} (n integer PRIMARY KEY, parent integer)",
    )
    return source, destination


def key(run_id: str, task: str, map_index: int = -1) -> TaskKey:
    return TaskKey(DAG, run_id, f"erp.{task}", map_index)


def rows(db: Db, table: str) -> list[int]:
    return [n for (n,) in db.rows(f"SELECT n FROM {table} ORDER BY n")]


def test_beside_a_holder_and_after_its_death(airflow: LiveAirflow, home: Path, ends: tuple[Db, Db]) -> None:
    source, destination = ends
    run = "one_moment"
    gate = Gate(home / "gates", run)
    gate.close(after_batches=1)
    parents, holder, part = key(run, "parents"), key(run, "moment_holder"), key(run, "children.plan")
    with growing(source) as growth:
        growth.grow(120)
        airflow.api.trigger(DAG, run_id=run)
        loading = airflow.tasks.wait_for(parents, 1)
        wait_for(lambda: gate.holds(loading.pid), "the load of the parents to arrive at the gate")
        growth.grow()
        assert airflow.api.wait_for_task(holder, "running")
        airflow.tasks.wait_for(holder, 1).kill()
        lost = airflow.api.wait_for_task(holder, "failed", timeout=180)
        assert lost["try_number"] == 2
        gate.open()
        airflow.api.wait_for_task(parents, "success")  # its transaction has the snapshot
        airflow.api.wait_for_task(part, "failed")
        assert airflow.api.wait_for_run(DAG, run) == "failed"
        told = "\n".join(airflow.api.log(part, 1))
        assert "Clear all tables that share the moment" in told
        assert "is gone with the session" in "\n".join(airflow.api.log(holder, 2))

        airflow.api.clear_run(DAG, run)
        wait_for(lambda: airflow.api.dag_run(DAG, run)["state"] != "failed", "the run to begin again")
        assert airflow.api.wait_for_run(DAG, run, timeout=240) == "success"
        growth.grow()
    loaded = rows(destination, PARENTS)
    assert loaded == list(range(len(loaded)))
    assert rows(destination, CHILDREN) == loaded
    assert len(loaded) < growth.pairs
    moment = airflow.api.xcom(key(run, "moment"))
    assert airflow.api.xcom(parents)["as_of"] == airflow.api.xcom(holder) == moment
    parts = [replace(key(run, "children.load"), map_index=index) for index in (0, 1)]
    assert [airflow.api.xcom(one)["as_of"] for one in parts] == [moment, moment]
