"""Every Python block of the README and the user guide, run on Postgres as a task would run it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor
from tests.support.airflow.operating import DagRun, TaskInstance
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.documents import ROOT, Block, blocks

pytestmark = pytest.mark.server

BLOCKS = blocks("python")
LOAD = blocks("python", ROOT / "README.md")[0]
ROWS = 100_050
AIRFLOW = tuple(int(number) for number in version("apache-airflow-core").split(".")[:2])

TABLES = {
    "sales": (
        "sale_id bigint PRIMARY KEY, sale_date date, customer_id integer, amount numeric, changed_at timestamp"
    ),
    "order_lines": "order_id integer, line_no integer, amount numeric, PRIMARY KEY (order_id, line_no)",
    "customers": "customer_id integer PRIMARY KEY, name text",
}


@dataclass
class Triggered(DagRun):
    conf: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def warehouse(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    """The two databases of the guide."""
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute(
        *(f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()),
        f"INSERT INTO sales SELECT n, '2026-01-01', n % 100, n, timestamp '2026-01-01' + n * interval '1 s'"
        f" FROM generate_series(1, {ROWS}) n",
        "INSERT INTO order_lines SELECT n / 10, n % 10, n FROM generate_series(1, 1000) n",
        "INSERT INTO customers SELECT n, 'x' FROM generate_series(0, 99) n",
    )
    destination.execute(
        "CREATE SCHEMA dwh",
        *(f"CREATE TABLE dwh.{name} ({columns})" for name, columns in TABLES.items()),
        "CREATE TABLE dwh.totals (customer_id integer, total numeric)",
    )
    monkeypatch.setenv("AIRFLOW_CONN_ERP", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", destination.uri)
    return destination


@contextmanager
def parsing() -> Iterator[list[DAG]]:
    """Collect DAGs as they are created, as Airflow does when it parses a file."""
    found: list[DAG] = []
    before = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = __name__
    DagContext.autoregistered_dags.clear()
    try:
        yield found
        found += [dag for dag, _ in DagContext.autoregistered_dags]
    finally:
        DagContext.current_autoregister_module_name = before
        DagContext.autoregistered_dags.clear()


def parse(block: Block) -> list[DAG]:
    """Run a block, with the names introduced by the text around it."""
    names = {
        "DAG": DAG,
        "CheckpointedTransferOperator": CheckpointedTransferOperator,
        "CheckpointHook": CheckpointHook,
        "CheckpointSensor": CheckpointSensor,
        "timedelta": timedelta,
        "hook": CheckpointHook("warehouse"),
        "run_id": "run_1",
    }
    with parsing() as dags, DAG("a_dag", schedule=None):
        exec(compile(block.text, str(block), "exec"), names)
    return dags


def run(dag: DAG) -> None:
    for task in dag.topological_sort():
        context: dict[str, Any] = {
            "ti": TaskInstance(dag.dag_id, task.task_id),
            "dag_run": Triggered(),
            "run_id": "run_1",
            "ds": "2026-01-01",
            "params": dag.params.dump(),
            "dag": dag,
        }
        task.render_template_fields(context)
        if isinstance(task, CheckpointSensor):
            assert task.poke(context), task.task_id
        elif callable(function := getattr(task, "python_callable", None)):
            function()
        else:
            result = task.execute(context)
            assert not isinstance(task, CheckpointedTransferOperator) or result["status"] == "completed"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_python(block: Block, warehouse: Db) -> None:
    compile(block.text, str(block), "exec")
    if block.note.startswith("file:"):  # run by the test of the quick start
        return
    if block.note.startswith("not run"):
        since = re.search(r"from Airflow (\d+)\.(\d+) on", block.note)
        if not since or (int(since[1]), int(since[2])) <= AIRFLOW:
            parse(block)
        return
    if "CheckpointedTransferOperator(" not in block.text:  # the block needs an earlier load
        for dag in parse(LOAD):
            run(dag)
    for dag in parse(block):
        run(dag)


def test_the_first_example_loads(warehouse: Db) -> None:
    for dag in parse(LOAD):
        run(dag)
    assert warehouse.one("SELECT count(*) FROM dwh.sales") == ROWS
    checkpoint = CheckpointHook("warehouse").get("load_sales", "sales", "run_1")
    assert checkpoint
    assert checkpoint.position.key == (ROWS,)
