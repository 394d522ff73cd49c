"""The groups of several transfers, as found in serialized DAGs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, TaskGroup
from airflow.serialization.serialized_objects import DagSerialization

from airflow_checkpoint_provider.hooks import discovery
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup, groups_of
from airflow_checkpoint_provider.hooks.transfers import transfers_of
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator


def serialized(make: Callable[[], Any]) -> Any:
    with DAG("a_dag", schedule=None) as dag:
        make()
        BaseOperator(task_id="something_else")
    return DagSerialization.to_dict(dag)


def found(make: Callable[[], Any]) -> list[TransferGroup]:
    dag = serialized(make)
    return groups_of("a_dag", dag, {task_id for task_id, _ in transfers_of(dag)})


def transfer(task_id: str) -> CheckpointedTransferOperator:
    given = {"source_table": "t", "destination_table": "t"}
    return CheckpointedTransferOperator(
        task_id=task_id, source_conn_id="src", destination_conn_id="dst", checkpoint_column="id", **given
    )


def declared(**tables: dict[str, Any]) -> CheckpointedTransferGroup:
    return CheckpointedTransferGroup(
        group_id="erp",
        source_conn_id="src",
        destination_conn_id="dst",
        publish_together=True,
        defaults={
            "write_mode": "replace_atomic",
            "checkpoint_column": "id",
            "destination_table": "{table}",
        },
        tables=tables,
    )


def test_a_declared_group_with_a_table_in_partitions() -> None:
    (group,) = found(lambda: declared(sales={"partitions": 4}, customers={}))
    assert sorted(group.transfers) == ["erp.customers", "erp.sales.load"]
    assert sorted(group.others) == ["erp.publish", "erp.sales.plan"]
    assert [group.label(one) for one in sorted(group.tasks)] == [
        "customers",
        "publish",
        "sales",
        "sales.plan",
    ]


def test_the_partitions_of_one_table_are_no_group() -> None:
    assert found(lambda: declared(sales={"partitions": 4})) == []
    assert found(lambda: transfer("one")) == []


@pytest.mark.parametrize("prefix", [True, False])
def test_groups_within_groups_have_their_own_tables(prefix: bool) -> None:
    def make() -> None:
        transfer("outside")
        with TaskGroup("all", prefix_group_id=prefix):
            transfer("alone")
            BaseOperator(task_id="check")
            with TaskGroup("east", prefix_group_id=prefix):
                transfer("east_orders")
                transfer("east_lines")
            with TaskGroup("west", prefix_group_id=prefix):
                transfer("west_orders")

    groups = {group.group_id: group for group in found(make)}
    east = "all.east" if prefix else "east"
    assert sorted(groups) == sorted(["all", east])
    labels = {name: sorted(map(group.label, group.tasks)) for name, group in groups.items()}
    assert labels[east] == ["east_lines", "east_orders"]
    assert labels["all"] == ["alone", "check", "west.west_orders" if prefix else "west_orders"]
    assert len(groups["all"].transfers) == 2


def test_a_task_leads_to_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    dag = serialized(lambda: declared(sales={"partitions": 4}, customers={}))
    for name, known in {
        "current_dags": lambda: {"a_dag": (1, None)},
        "serialized_dags": lambda *_: [("a_dag", dag)],
        "rendered_fields": lambda unknown: [],
        "teams_of": lambda dag_ids: {},
    }.items():
        monkeypatch.setattr(discovery, name, known)
    places = discovery.Discovery().places()
    group = places.group_of("a_dag", "erp.sales.load")
    assert group
    assert group is places.groups["a_dag", "erp"]
    assert places.group_of("a_dag", "something_else") is places.group_of("b", "erp.customers") is None
