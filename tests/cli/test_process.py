"""``airflow checkpoint`` as a process, with connections from Airflow's metadata database."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.airflow.config import environment
from tests.support.databases.db import Db
from tests.support.loads import Load
from tests.support.numbers import numbers

pytestmark = pytest.mark.slow


class Shell:
    """A shell on a machine with an Airflow, whose metadata database is at ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = environment(home, home, 0, "", {"AIRFLOW__CHECKPOINT__CONN_IDS": "warehouse"})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.run(
            command,
            env=self.env,
            cwd=self.home,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("airflow"))
    shell.run("db", "migrate").check_returncode()
    return shell


@pytest.fixture(scope="module")
def load(shell: Shell) -> Load:
    source, destination = (Db("sqlite", str(shell.home / name)) for name in ("source.db", "destination.db"))
    added = shell.run(
        "connections", "add", "warehouse", "--conn-type", "sqlite", "--conn-host", destination.place
    )
    added.check_returncode()
    load = numbers(source, destination, declared="n integer")
    load.attempt_batches(1)
    return load


def test_finds_a_connection_of_the_metadata_database(shell: Shell, load: Load) -> None:
    listed = shell.run("checkpoint", "list", "--dag-id", "a_dag", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    assert [row["rows"] for row in json.loads(listed.stdout)] == [4]


def test_what_it_does_is_in_the_history_and_in_the_audit_log(shell: Shell, load: Load) -> None:
    ended = shell.run(
        "checkpoint", "resume", "a_dag", "a_task", "run_1", "--reason", "it was only the network"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    (who,) = load.destination.rows("SELECT who FROM airflow_checkpoint_event WHERE kind = 'resume_requested'")
    assert who[0] not in ("", "unknown")
    with closing(sqlite3.connect(shell.home / "airflow.db")) as connection:
        logged = connection.execute(
            "SELECT dag_id, task_id, extra FROM log WHERE event = 'cli_checkpoint_resume'"
        )
        ((dag_id, task_id, extra),) = logged.fetchall()
    assert (dag_id, task_id) == ("a_dag", "a_task")
    assert "it was only the network" in extra


def test_exit_codes(shell: Shell, load: Load) -> None:
    missing = shell.run("checkpoint", "show", "a_dag", "a_task", "run_9")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("There is no checkpoint of a_dag.a_task, run run_9 in warehouse.")
    assert "Traceback" not in missing.stderr
    unconfirmed = shell.run("checkpoint", "delete", "a_dag", "a_task", "run_1")
    assert (unconfirmed.returncode, unconfirmed.stderr) == (1, "Nobody is there to confirm; add --yes.\n")
    assert shell.run("checkpoint", "purge").returncode == 2


TASKS = """
from airflow.sdk import DAG
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

COMMON = {
    "source_conn_id": "shop", "source_table": "t", "checkpoint_column": "n",
    "destination_conn_id": "warehouse", "destination_table": "target",
}
with DAG("marks", schedule=None):
    CheckpointedTransferOperator(task_id="each_run", **COMMON)
    CheckpointedTransferOperator(task_id="all_runs", scope="task", **COMMON)
"""


def test_seed_refuses_what_the_dag_would_not_read(shell: Shell, load: Load) -> None:
    shell.run("connections", "add", "shop", "--conn-type", "sqlite", "--conn-host", load.source.place)
    (shell.home / "marks.py").write_text(TASKS)
    shell.run("dags", "reserialize").check_returncode()
    given = ("--position", "3", "--source-conn-id", "shop", "--source-table", "t", "--checkpoint-column", "n")
    given += ("--destination-table", "target")
    for key in ("marks", "each_run"), ("marks", "all_runs", "run_1"):
        said = shell.run("checkpoint", "seed", *key, *given)
        assert said.returncode == 1
        assert "goes on" not in said.stdout  # older versions of Airflow also log to stdout
        assert said.stderr.startswith(f"run_id: marks.{key[1]} has scope=")
    assert load.destination.one("SELECT count(*) FROM airflow_checkpoint WHERE dag_id = 'marks'") == 0
    for key, which in (("each_run", "run_1"), "run run_1"), (("all_runs",), "all runs"):
        said = shell.run("checkpoint", "seed", "marks", *key, *given)
        assert (said.returncode, said.stderr) == (0, "")
        assert said.stdout.endswith(f"The next attempt of marks.{key[0]}, {which} continues after n = 3.\n")
