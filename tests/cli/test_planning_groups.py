"""The plan of a table with partitions, as a load of all of its rows."""

from __future__ import annotations

import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import DAG

from airflow_checkpoint_provider.cli.planning_groups import plan_group
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.support.airflow.operating import context
from tests.support.databases.fixtures import MakeDb


@pytest.fixture(autouse=True)
def two(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source and a destination with the tables."""
    for conn_id in ("ERP", "WAREHOUSE"):
        db = make_db("sqlite", conn_id.lower())
        db.execute(*(f"CREATE TABLE {name} (n integer PRIMARY KEY)" for name in ("parts", "wrong", "others")))
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", db.uri)


def planned(capsys: pytest.CaptureFixture[str], tables: dict[str, Any], **of_dag: Any) -> dict[str, Any]:
    """Return the plan of each table."""
    with DAG("a_dag", schedule=None, **of_dag) as dag:
        group = CheckpointedTransferGroup(
            "erp",
            source_conn_id="erp",
            destination_conn_id="warehouse",
            defaults={"destination_table": "{table}", "partitions": 2, "checkpoint_column": "n"},
            tables=tables,
        )
    attempts: Any = SimpleNamespace(of=lambda task_id: (dag.get_task(task_id), context()))
    args = SimpleNamespace(dag_id="a_dag", task_id="erp", output="json")
    with suppress(SystemExit):
        plan_group(group, attempts, cast("Any", None), args)
    return {plan["task_id"]: plan for plan in json.loads(capsys.readouterr().out)}


def ending(plan: dict[str, Any]) -> list[str]:
    return [one["text"] for one in plan["problems"] if one["ends"]]


def test_a_load_has_the_macros_and_the_default_args_of_its_dag(capsys: pytest.CaptureFixture[str]) -> None:
    plans = planned(
        capsys,
        {"parts": {"where": "n > {{ floor }}"}, "others": {"where": "n > 0"}},
        default_args={"write_mode": "replace"},
        user_defined_macros={"floor": 3},
    )
    assert [ending(plan) for plan in plans.values()] == [[], []]
    for plan in plans.values():
        assert any("DELETE" in one["sql"] for one in plan["statements"]), plan


def test_a_template_that_cannot_be_rendered_is_a_problem_of_its_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plans = planned(
        capsys,
        {"wrong": {"where": "{{ nothing() }}"}, "others": {"where": "n > 0"}},
        default_args={"write_mode": "replace"},
    )
    (problem,) = ending(plans["erp.wrong.load"])
    assert problem == "erp.wrong.load cannot be rendered: 'nothing' is undefined"
    assert ending(plans["erp.others.load"]) == []
