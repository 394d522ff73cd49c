"""Loads inside task loops: each pass is a separate load. Collected where Airflow has loops."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.dags.looped_orders import PASSES
from tests.acceptance.load import Load
from tests.support.airflow.checkpoints import events
from tests.support.waiting import wait_for

DONE = ["started", "completed"]


def passes(load: Load) -> list[Load]:
    return [load.index(number) for number in range(PASSES)]


def wait_for_end(load: Load, state: str = "success") -> None:
    ended = load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    assert ended == state, load.airflow.api.task_instances(load.key.dag_id, load.key.run_id)


def assert_all_is_there(load: Load) -> None:
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def histories(load: Load) -> list[Sequence[str]]:
    return [each.history() for each in passes(load)]


def test_each_pass_of_a_loop_loads_its_own_rows(prepare_load: StartLoad) -> None:
    load = prepare_load("looped_orders")
    load.start()
    wait_for_end(load)
    assert histories(load) == [DONE] * PASSES
    assert [each.checkpoint().rows_written for each in passes(load)] == [1_000] * PASSES
    assert_all_is_there(load)
    # Airflow gives the tab of a pass no map index, so that the tab shows all passes.
    page = httpx.get(
        f"{load.airflow.url}/checkpoint/task",
        params={"dag_id": load.key.dag_id, "task_id": "copy", "run_id": load.key.run_id, "map_index": -1},
        headers={"Authorization": f"Bearer {load.airflow.token('admin')}", "Accept": "text/html"},
        trust_env=False,
        timeout=30,
    )
    assert page.status_code == 200
    assert all(f"map_index={number}" in page.text for number in range(PASSES))


def test_a_pass_that_is_killed_resumes(prepare_load: StartLoad) -> None:
    load = prepare_load("looped_orders")
    second = load.index(1)
    second.gate.close(after_batches=2)
    load.start()
    waiting = f"{load.key.run_id}.1.waiting."
    (held,) = wait_for(lambda: [*load.gates.glob(f"{waiting}*")], "the second pass at the gate", timeout=120)
    os.kill(int(held.name.removeprefix(waiting)), signal.SIGKILL)
    second.gate.open()
    wait_for_end(load)
    assert histories(load) == [DONE, ["started", "resumed", "completed"], DONE]
    resumed = next(event for event in events(load.destination, second.key) if event["kind"] == "resumed")
    assert (resumed["try_number"], resumed["rows_written"]) == (2, 500)
    assert_all_is_there(load)


def test_a_loop_that_is_cleared_loads_every_pass_again(prepare_load: StartLoad) -> None:
    load = prepare_load("looped_orders")
    load.start()
    wait_for_end(load)
    load.airflow.api.clear_run(load.key.dag_id, load.key.run_id)
    wait_for(lambda: histories(load) == [DONE * 2] * PASSES, "all passes to load again", timeout=120)
    wait_for_end(load)
    for each in passes(load):
        again = [event for event in events(load.destination, each.key) if event["kind"] == "started"][-1]
        assert again["detail"] == "The task was cleared: starting from the beginning"
    assert_all_is_there(load)


def test_passes_that_share_a_checkpoint_go_on_from_each_other(prepare_load: StartLoad) -> None:
    load = prepare_load("looped_until_caught_up")
    load.start()
    wait_for_end(load)
    assert_all_is_there(load)
    begun = [event for event in _of_all_runs(load) if event["kind"] == "started"]
    assert [event["detail"] for event in begun] == [
        "No checkpoint found: starting from the beginning",
        *["Going on from where the last run ended"] * (PASSES - 1),
    ]


def test_a_mapped_task_in_a_loop_is_refused_where_its_passes_cannot_be_told_apart(
    prepare_load: StartLoad,
) -> None:
    load = prepare_load("looped_and_mapped")
    load.start()
    wait_for_end(load, "failed")
    assert orders.rows_of(load.destination, load.table) == []
    # Airflow's API needs more than a map index for the log of a pass.
    logs = (load.airflow.home / "logs").glob(f"*/run_id={load.key.run_id}/**/attempt=1.log")
    assert any("copy is mapped inside a task loop" in log.read_text() for log in logs)


def _of_all_runs(load: Load) -> list[dict[str, Any]]:
    return events(load.destination, replace(load.key, run_id="*"))
