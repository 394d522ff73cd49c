"""The checkpoint that a pass of a task loop uses, by the context of Airflow 3.4."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Identity, Iteration
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.identity import describe_attempt, identify
from tests.support.airflow.operating import DagRun, TaskInstance, operator
from tests.support.databases.db import Db


@dataclass
class Looped(TaskInstance):
    region_id: str = "a-region"


def context(iteration: int, **changes: Any) -> Any:
    loop = SimpleNamespace(index=iteration)
    return {"ti": Looped(**changes), "dag_run": DagRun(), "loop": loop}


def test_the_number_of_a_pass_stands_where_a_mapped_task_has_its_index() -> None:
    assert identify(context(2), "run") == Identity("a_dag", "copy", "run_1", 2)
    assert identify(context(2), "task") == Identity("a_dag", "copy", ALL_RUNS, -1)
    assert describe_attempt(context(2), 3).iteration == Iteration(2, "a-region")
    outside = {"ti": TaskInstance(), "dag_run": DagRun()}
    assert describe_attempt(outside, 3).iteration is None  # type: ignore[arg-type]


def test_a_mapped_task_is_refused_where_its_passes_have_no_checkpoint_of_their_own() -> None:
    with pytest.raises(ArgumentError, match="copy is mapped inside a task loop"):
        identify(context(0, map_index=1), "run")
    assert identify(context(0, map_index=1), "task").map_index == 1
    assert identify(context(0, map_index=1), "run", kept=False).map_index == 1


def test_a_name_tells_the_tasks_of_a_mapped_one_apart_and_the_number_its_passes() -> None:
    assert identify(context(2, map_index=1), "run", "sales") == Identity("a_dag", "copy", "run_1", 2, "sales")
    assert identify(context(2, map_index=1), "task", "sales") == Identity(
        "a_dag", "copy", ALL_RUNS, -1, "sales"
    )


def test_a_mapped_task_with_a_name_loads_in_each_pass(databases: tuple[Db, Db]) -> None:
    task = operator(checkpoint_name="orders", preoperator="DELETE FROM target")
    assert [task.execute(context(number, map_index=1))["rows"] for number in (0, 1, 1)] == [1000, 1000, 0]
    assert {(one.identity.map_index, one.identity.name) for one in CheckpointHook("dst").list()} == {
        (0, "orders"),
        (1, "orders"),
    }
    hook = CheckpointHook("dst")
    found = hook.get("a_dag", "copy", "run_1", 1, "orders")
    assert found is not None
    assert found.claimed_map_index == 1


def test_an_iteration_is_written_and_read_again() -> None:
    assert Iteration.of_text(Iteration(3, "a-region").as_text()) == Iteration(3, "a-region")
    assert Iteration.of_text(None) is None


def test_a_pass_that_shares_the_mark_resumes_and_the_next_one_goes_on(databases: tuple[Db, Db]) -> None:
    source, destination = databases
    task = operator(scope="task", checkpoint_column="id")
    assert task.execute(context(0))["rows"] == 1000
    source.insert("orders", [(number, "south") for number in range(1000, 1200)])
    assert task.execute(context(0, try_number=2))["rows"] == 0  # a retry of a pass that was complete
    assert task.execute(context(1))["rows"] == 200
    assert task.execute(context(2))["rows"] == 0
    assert destination.one("SELECT count(*) FROM target") == 1200
    (stored,) = CheckpointHook("dst").list()
    assert stored.iteration == Iteration(2, "a-region")


def test_a_pass_that_was_replaced_does_not_append_its_rows_again(databases: tuple[Db, Db]) -> None:
    assert operator().execute(context(1))["rows"] == 1000
    cleared = {**context(1), "ti": Looped(region_id="another")}
    with pytest.raises(Exception, match="would add them a second time"):
        operator().execute(cleared)
    assert databases[1].one("SELECT count(*) FROM target") == 1000
