"""A transfer's scope, as found in a serialized DAG."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization

from airflow_checkpoint_provider.cli.scopes import scope_in
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

GIVEN: dict[str, Any] = {
    "task_id": "copy",
    "source_conn_id": "src",
    "checkpoint_column": "id",
    "destination_conn_id": "dst",
    "destination_table": "t",
}


class Spanning(CheckpointedTransferOperator):
    """A user's subclass with another default."""

    def __init__(self, *, scope: str = "task", **kwargs: Any) -> None:
        super().__init__(scope=scope, **kwargs)


def told(make: Any, default_args: dict[str, Any] | None = None) -> str | None:
    with DAG("a_dag", schedule=None, default_args=default_args or {}) as dag:
        make()
        BaseOperator(task_id="something_else")
    serialized = DagSerialization.to_dict(dag)
    DagSerialization.from_dict(serialized)  # as Airflow's scheduler reads it
    return scope_in(serialized, "copy")


@pytest.mark.parametrize(
    ("kind", "given", "scope"),
    [
        (CheckpointedTransferOperator, {}, "run"),
        (CheckpointedTransferOperator, {"scope": "run"}, "run"),
        (CheckpointedTransferOperator, {"scope": "task"}, "task"),
        (Spanning, {}, "task"),
        (Spanning, {"scope": "run"}, "run"),
    ],
)
def test_a_task(kind: Any, given: dict[str, Any], scope: str) -> None:
    assert told(lambda: kind(**GIVEN, source_table="t", **given)) == scope


def test_a_default_of_the_dag() -> None:
    by_default = {"scope": "task"}
    assert told(lambda: CheckpointedTransferOperator(**GIVEN, source_table="t"), by_default) == "task"
    mapped = CheckpointedTransferOperator.partial
    assert told(lambda: mapped(**GIVEN).expand(source_table=["a"]), by_default) is None


def test_a_mapped_task() -> None:
    partial = CheckpointedTransferOperator.partial
    assert told(lambda: partial(**GIVEN, scope="run").expand(source_table=["a"])) == "run"
    assert told(lambda: partial(**GIVEN, scope="task").expand(source_table=["a"])) == "task"
    # A default may come from anywhere, and each instance may have a scope of its own.
    assert told(lambda: partial(**GIVEN).expand(source_table=["a"])) is None
    assert told(lambda: partial(**GIVEN, source_table="t").expand(scope=["run", "task"])) is None
    assert told(lambda: partial(**GIVEN).expand_kwargs([{"source_table": "a", "scope": "task"}])) is None


@pytest.mark.parametrize(
    "dag", [{}, {"dag": {}}, {"dag": {"tasks": [{"__var": {"task_id": "copy", "scope": "other"}}]}}]
)
def test_what_is_not_known(dag: dict[str, Any]) -> None:
    assert scope_in(dag, "copy") is None
