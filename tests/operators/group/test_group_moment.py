"""A group whose tables are read as of one moment: which tasks take it, and which declarations are refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator
from tests.operators.group import test_group
from tests.operators.group.test_group import task

DEFAULTS = {"write_mode": "replace", "destination_table": "dwh.{table}"}


def group(tables: Any, **changes: Any) -> CheckpointedTransferGroup:
    return test_group.group(tables, **{"as_of": "now", "defaults": DEFAULTS, **changes})


def of_load(made: Any) -> tuple[Any, Any]:
    given = getattr(made, "partial_kwargs", made.__dict__)
    return given.get("as_of"), given.get("as_of_task_id")


def test_each_load_reads_as_of_the_moment_of_one_task() -> None:
    tables = {
        "a": {},
        "b": {"partitions": 2},
        "c": {"depends_on": ["a"]},
        "d": {"as_of": None},
        "e": {"as_of": "now"},
    }
    made = group(tables, defaults={**DEFAULTS, "pool": "p", "outlets": [], "retries": 4})
    moment = task(made, "moment")
    assert isinstance(moment, CheckpointMomentOperator)
    assert (moment.source_conn_id, moment.pool, moment.retries) == ("erp", "p", 4)
    shared = ("now", "erp.moment")
    for name in ("a", "c", "e", "b.plan"):
        assert of_load(task(made, name)) == shared
        assert "erp.moment" in task(made, name).upstream_task_ids
    assert of_load(task(made, "b.load")) == of_load(task(made, "d")) == (None, None)
    assert task(made, "d").upstream_task_ids == set()
    assert set(moment._loads()) == {"erp.a", "erp.b.plan", "erp.c", "erp.e"}


def test_the_moment_is_taken_in_the_way_of_the_tables() -> None:
    moment = task(group({"a": {"source_hook_params": {"x": 1}}, "b": {}}), "moment")
    assert moment.source_hook_params == {"x": 1}


def test_all_stages_of_one_moment_are_published_together() -> None:
    made = group(
        {"a": {}, "b": {}}, defaults={**DEFAULTS, "write_mode": "replace_atomic"}, publish_together=True
    )
    assert task(made, "publish").upstream_task_ids == {"erp.a", "erp.b"}
    assert task(made, "moment").downstream_task_ids == {"erp.a", "erp.b"}


@pytest.mark.parametrize(
    ("tables", "changes", "message"),
    [
        ({"a": {}}, {"as_of": "yesterday"}, "^as_of: 'yesterday' is not one of None, 'now'"),
        ({"moment": {}}, {}, "'moment': task_id: with as_of there is a task 'moment'"),
        ({"a": {}, "b": {"source_conn_id": "x"}}, {}, "'b': source_conn_id: 'x' is another source than 'erp'"),
        ({"a": {"strategy": "none"}}, {}, "'a': as_of: the moment is kept with the checkpoint"),
        ({"a": {"sql": "SELECT 1"}}, {}, "'a': as_of: it goes with source_table"),
        ({"a": {"sql": "SELECT 1 AS n", "checkpoint_column": "n", "partitions": 2}}, {}, "'a': as_of: it goes with source_table"),
    ],
)  # fmt: skip
def test_what_cannot_be(tables: Any, changes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        group(tables, **changes)
