"""The reads of Airflow's own tables, on the installed Airflow; their schema differs between versions."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Any

from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load


def ask(load: Load, action: str) -> Any:
    key = load.key
    command = [
        sys.executable,
        "-m",
        "tests.support.airflow.internals",
        action,
        key.dag_id,
        key.run_id,
        key.task_id,
    ]
    done = subprocess.run(
        command, env=load.airflow.env, cwd=load.airflow.home, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_that_is_read_of_airflows_tables(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    found = ask(load, "read")
    assert datetime.fromisoformat(found["written"]).tzinfo
    assert (found["dags"], found["dags with something else"]) == (["copy_orders"], [])
    assert (found["dag"], found["no dag"]) == ("copy_orders", None)
    assert ["copy_orders", "copy", load.table] in found["rendered"]
    assert (found["rendered of one"], found["rendered of none"]) == (load.table, None)
    assert (found["has hook params"], found["failed"]) == (False, 0)
    # The next attempt of a task that has succeeded follows a clear.
    assert found["last rendered"] == [load.table, 2, 6, 1]
    assert (found["states"], found["no states"]) == ([["success"]], 0)
    assert found["states in the run"] == {"-1": "success"}
    assert (found["newest run"], found["run"]) == (load.key.run_id, [[load.key.run_id, "success"]])
    assert (found["is among the last runs"], found["failed in the run"]) == (True, [])
    assert found["counted"] == {"success": 1}
    assert found["life"] == [["success", True, True]]
    assert found["timeout"] > 0
    assert found["paused"] == [False, False]
    assert (found["known"], found["team"]) == (True, None)
    assert (found["no retry"], found["retry after"]) == (None, 1)
    logs = load.airflow.api.request("GET", "/eventLogs", params={"event": "checkpoint_test"}).json()
    (entry,) = [entry for entry in logs["event_logs"] if entry["run_id"] == load.key.run_id]
    assert (entry["dag_id"], entry["owner"]) == ("copy_orders", "me")


def test_a_cleared_task_still_tells_where_its_checkpoints_are(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    load.gate.close(after_batches=0)
    load.clear()
    load.wait_until_held(attempt=2)
    assert ["copy_orders", "copy", load.table] in ask(load, "read")["rendered"]


def test_what_an_upgrade_of_airflow_has_left_is_read(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    ask(load, "keep")
    found = ask(load, "read")
    assert ["copy_orders", "copy", load.table] in found["rendered"]
    assert found["rendered of one"] == load.table
    assert found["last rendered"][0] == load.table


def test_the_team_of_a_dag_and_its_connection(prepare_load: StartLoad) -> None:
    found = ask(prepare_load("copy_orders"), "teams")
    assert (found["without"], found["has"]) == ({}, True)
    assert found["teams"] == {"copy_orders": "east"}
    assert found["host"] == "/tmp/east.db"
