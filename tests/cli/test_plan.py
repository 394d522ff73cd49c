"""``airflow checkpoint plan`` and ``ddl --for``, as processes, for tasks of a DAG file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.cli.test_process import Shell
from tests.support.databases.db import Db

pytestmark = pytest.mark.slow

DAG = """
from airflow.sdk import DAG, task
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("nightly", schedule=None):
    given = {
        "source_conn_id": "erp",
        "destination_conn_id": "warehouse",
        "source_table": "sales",
        "destination_table": "{{ dag.dag_id }}_sales",
    }
    CheckpointedTransferOperator(task_id="sales", create_table="missing", write_mode="replace", **given)
    CheckpointedTransferOperator(task_id="wrong", checkpoint_column="no_such", **given)
    CheckpointedTransferOperator.partial(task_id="mapped", **given).expand(where=["n < 2", "n >= 2"])

    @task
    def other():
        pass

    other()
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    (home / "nightly.py").write_text(DAG)
    Db("sqlite", str(home / "source.db")).execute(
        "CREATE TABLE sales (n integer PRIMARY KEY, v varchar(20))",
        "INSERT INTO sales VALUES (1, 'a'), (2, 'b')",
    )
    with closing(sqlite3.connect(home / "warehouse.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    return home


@pytest.fixture(scope="module")
def shell(home: Path) -> Shell:
    shell = Shell(home)
    for name in ("source", "warehouse"):
        conn_id = {"source": "ERP"}.get(name, name.upper())
        shell.env[f"AIRFLOW_CONN_{conn_id}"] = json.dumps(
            {"conn_type": "sqlite", "host": str(home / f"{name}.db")}
        )
    shell.run("db", "migrate").check_returncode()
    shell.run("dags", "reserialize").check_returncode()
    return shell


@pytest.fixture(scope="module")
def run(shell: Shell) -> Run:
    return shell.run


def test_a_load_that_can_begin(run: Run, home: Path) -> None:
    before = (home / "warehouse.db").read_bytes()
    told = run("checkpoint", "plan", "nightly", "sales")
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    for line in (
        "No problem was found that would end the load",
        "  No checkpoint found: starting from the beginning",
        "  warehouse (SQLite ",
        "  create the table: CREATE TABLE IF NOT EXISTS nightly_sales (",
    ):
        assert f"\n{line}" in f"\n{told.stdout}", told.stdout
    assert (home / "warehouse.db").read_bytes() == before


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_problem_is_the_exit_code(run: Run, form: str, load: Callable[[str], object]) -> None:
    told = run("checkpoint", "plan", "nightly", "wrong", "-o", form)
    assert told.returncode == 1
    plan = load(told.stdout)
    assert isinstance(plan, dict)
    texts = [problem["text"] for problem in plan["problems"]]
    assert any("the query does not return a column 'no_such'" in text for text in texts), texts
    assert any("there is no table nightly_sales" in text for text in texts), texts


def test_an_instance_of_a_mapped_task(run: Run) -> None:
    told = run("checkpoint", "plan", "nightly", "mapped", "--map-index", "1", "-o", "json")
    read = [one["sql"] for one in json.loads(told.stdout)["statements"] if one["purpose"] == "read"]
    assert "n >= 2" in read[0]


def test_an_instance_of_a_run_stays_as_it_is(run: Run, home: Path) -> None:
    run("dags", "trigger", "nightly", "--run-id", "by_hand").check_returncode()
    told = run("checkpoint", "plan", "nightly", "sales", "--run-id", "by_hand")
    assert (told.returncode, told.stderr) == (0, "")
    with closing(sqlite3.connect(home / "airflow.db")) as connection:
        tries = connection.execute("SELECT DISTINCT try_number, state FROM task_instance").fetchall()
    assert tries in ([(0, None)], [])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nightly", "other"), "no CheckpointedTransferOperator"),
        (("nightly", "none"), "cannot be rendered"),
        (("nightly", "sales", "--run-id", "none"), "cannot be rendered"),
    ],
)
def test_another_task(run: Run, words: tuple[str, ...], reason: str) -> None:
    told = run("checkpoint", "plan", *words)
    assert told.returncode == 1
    assert reason in told.stderr


def test_the_script_of_the_tables_that_a_task_lacks(run: Run, home: Path) -> None:
    script = run("checkpoint", "ddl", "--for", "nightly", "sales")
    assert (script.returncode, script.stderr) == (0, "")
    with closing(sqlite3.connect(home / "copy.db")) as connection:
        connection.executescript(script.stdout)
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert made == {"airflow_checkpoint", "airflow_checkpoint_event", "nightly_sales"}


def test_a_script_that_lacks_a_table(run: Run) -> None:
    script = run("checkpoint", "ddl", "--for", "nightly", "wrong")
    assert script.returncode == 1
    assert "CREATE TABLE airflow_checkpoint" in script.stdout
    assert "strategy: checkpoint_column: the query does not return a column 'no_such'" in script.stderr
    assert "there is no table nightly_sales" in script.stderr


def test_the_script_where_nothing_is_created(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shell.env, "AIRFLOW__CHECKPOINT__AUTO_CREATE", "False")
    script = shell.run("checkpoint", "ddl", "--for", "nightly", "sales")
    assert script.returncode == 0
    assert "nightly_sales (" in script.stdout
    assert "auto_create is off" in script.stderr
