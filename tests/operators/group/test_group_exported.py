"""Transfers of a DAG as a declaration: what it makes is what runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator, TaskGroup

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.declaration.accepted import PLAN, TRANSFER
from airflow_checkpoint_provider.operators.declaration.exported.arguments import Differing
from airflow_checkpoint_provider.operators.declaration.exported.declaration import Exporter
from airflow_checkpoint_provider.operators.declaration.exported.groups import groups_of, tasks_of_table
from airflow_checkpoint_provider.operators.declaration.written import Written, write
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

ENDS = {"source_conn_id": "erp", "destination_conn_id": "warehouse"}


def a_dag(**given: Any) -> DAG:
    return DAG("a_dag", schedule=None, start_date=datetime(2020, 1, 1), params={"rows": 10}, **given)


def exported(dag: DAG, group: TaskGroup | None = None) -> tuple[Written[CheckpointedTransferGroup], Exporter]:
    exporter = Exporter(dag)
    of = group or dag.task_group
    content = exporter.declare("erp", of.children.values())
    return write(content, CheckpointedTransferGroup), exporter


def described(group: TaskGroup) -> dict[str, Any]:
    """Return all that is known of the tasks of a group."""
    differing = Differing(group.dag)
    found = {}
    for task in group.iter_tasks():
        names = {**TRANSFER, **PLAN, "transfer_task_id": None, "tables": None, "expand_input": None}
        given = getattr(task, "partial_kwargs", task.__dict__)
        own = {name: str(given[name]) for name in names if name in given}
        found[task.task_id] = own, differing.of_every_task(task), task.upstream_task_ids
    return found


TABLES: dict[str, Any] = {
    "sales": {"checkpoint_column": ["day", "id"], "batch_size": "{{ params.rows }}", "pool": "large"},
    "HR.staff": {"partitions": 4, "partition_column": "id", "trigger_rule": "all_done", "retries": 7},
    "lines": {"depends_on": ["sales", "HR.staff"], "retry_delay": timedelta(seconds=90)},
    "totals": {"sql": "SELECT 1 AS n", "strategy": "python", "params": {"rows": 3}, "execution_timeout": 60},
    "odd name": {"write_mode": "upsert", "scope": "task", "checkpoint_column": "at", "lookback": timedelta(hours=2)},
    "b.sales": {"destination_table": "dwh.b_sales", "task_id": "other", "as_of": "now"},
    "parts": {"partitions": 2, "split": "rowid", "write_mode": "replace"},
    "alone": {"publish": True, "write_mode": "replace_atomic"},
    "mode": {"publish": True, "write_mode": "{{ params.mode }}"},
}  # fmt: skip


@pytest.mark.parametrize("mode", ["replace", "replace_atomic"])
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("as_of", [None, "now"])
def test_what_is_exported_makes_the_same_tasks(
    tmp_path: Path, mode: str, together: bool, as_of: str | None
) -> None:
    tables = {
        **{name: {**one} for name, one in TABLES.items()},
        "totals": {**TABLES["totals"], "execution_timeout": timedelta(seconds=60)},
    }
    if as_of:
        tables["totals"]["as_of"] = tables["odd name"]["as_of"] = tables["parts"]["as_of"] = None
    kinds: dict[str, Any] = {"publish_together": together and mode == "replace_atomic", "as_of": as_of}
    defaults = {"write_mode": mode, "destination_table": "dwh.{table}", "retries": 2}
    with a_dag() as dag:
        made = CheckpointedTransferGroup("erp", **ENDS, **kinds, defaults=defaults, tables=tables)
    written, exporter = exported(dag, made)
    assert (exporter.told, written.left_out, exporter.is_complete) == ([], (), True)
    (tmp_path / "erp.yaml").write_text(written.text)
    with a_dag():
        again = CheckpointedTransferGroup.from_yaml(tmp_path / "erp.yaml")
    assert described(again) == described(made)


def test_what_all_tables_have_is_told_once() -> None:
    with a_dag(default_args={"retries": 3}) as dag:
        for name in ("sales", "lines"):
            CheckpointedTransferOperator(
                task_id=name, source_table=name, destination_table=f"dwh.{name}", write_mode="replace", **ENDS
            )
    assert exported(dag)[0].text == (
        "group_id: erp\n"
        "source_conn_id: erp\n"
        "destination_conn_id: warehouse\n"
        "defaults: {destination_table: 'dwh.{table}', write_mode: replace, retries: 3}\n"
        "tables:\n"
        "  sales: {}\n"
        "  lines: {}\n"
    )


class Derived(CheckpointedTransferOperator):
    """A transfer of somebody's own."""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"rows_processor": len}, "odd: rows_processor: not possible in YAML; the table is not declared."),
        ({"where": "x = '{table}'"}, "odd: where: not possible in YAML; the table is not declared."),
        ({"source_hook_params": {"a": len}}, "odd: source_hook_params: not possible in YAML; the table is not declared."),
    ],
)  # fmt: skip
def test_a_table_that_needs_more_than_yaml_is_left_out(more: dict[str, Any], told: str) -> None:
    with a_dag() as dag:
        for name, own in (("odd", more), ("plain", {})):
            CheckpointedTransferOperator(
                task_id=name, source_table=name, destination_table=name, **ENDS, **own
            )
    written, exporter = exported(dag)
    assert (exporter.told, exporter.is_complete, written.tables) == ([told], False, ("plain",))


def test_what_cannot_be_declared_is_told() -> None:
    given = {"source_table": "t", "destination_table": "t", **ENDS}
    with a_dag() as dag:
        first = BaseOperator(task_id="first")
        CheckpointedTransferOperator.partial(task_id="mapped", **given).expand(where=["a", "b"])
        Derived(task_id="derived", **given)
        alone = CheckpointedTransferOperator(task_id="alone", outlets=[Asset("t")], **given)
        with TaskGroup("inner"):
            CheckpointedTransferOperator(task_id="within", **given)
        first >> alone
    written, exporter = exported(dag)
    assert exporter.told == [
        "first: a BaseOperator cannot be declared.",
        "mapped: a mapped transfer cannot be declared.",
        "derived: a Derived cannot be declared.",
        "inner: this group has tables of its own; export it by its name.",
        "outlets: not possible in YAML, and left out of alone.",
        "alone: that it waits for first is not declared.",
    ]
    assert (written.tables, exporter.is_complete) == (("t",), False)
    assert [one.group_id for one in groups_of(dag)] == [None, "inner"]


def test_a_load_that_is_mapped_over_more_than_partitions_is_not_one_table() -> None:
    with a_dag() as dag, TaskGroup("parts") as parts:
        plan = CheckpointPartitionOperator(
            task_id="plan", source_conn_id="erp", source_table="t", partitions=2
        )
        load = CheckpointedTransferOperator.partial(
            task_id="load", source_table="t", destination_table="t", write_mode="replace", **ENDS
        )
        load.expand(partition=plan.output, where=["a", "b"])
    assert groups_of(dag) == [parts]
    with pytest.raises(ArgumentError, match=r"parts\.load: a mapped transfer cannot be declared"):
        exported(dag, parts)


def test_a_dag_without_a_transfer() -> None:
    with a_dag() as dag:
        BaseOperator(task_id="first")
    with pytest.raises(ArgumentError, match="erp: there is no transfer that can be declared"):
        exported(dag)


def a_task(name: str, **own: Any) -> CheckpointedTransferOperator:
    given = {"source_table": name, "destination_table": f"dwh.{name}", **ENDS, **own}
    return CheckpointedTransferOperator(task_id=name, **given)


def again(tmp_path: Path, text: str, **of_dag: Any) -> DAG:
    """Return a DAG with the group that a declaration makes."""
    (tmp_path / "erp.yaml").write_text(text)
    with a_dag(**of_dag) as dag:
        CheckpointedTransferGroup.from_yaml(tmp_path / "erp.yaml", prefix_group_id=False)
    return dag


@pytest.mark.parametrize("names", [("archive_orders", "orders"), ("orders", "archive_orders")])
def test_tables_of_one_source_keep_their_ids(tmp_path: Path, names: tuple[str, ...]) -> None:
    with a_dag() as dag:
        for name in names:
            a_task(name, source_table="orders", where=name)
    made = again(tmp_path, exported(dag)[0].text)
    assert {task.task_id: (task.source_table, task.where) for task in made.tasks} == {
        name: ("orders", name) for name in names
    }


def test_a_name_that_is_the_id_of_another_task_is_left_to_it(tmp_path: Path) -> None:
    with a_dag() as dag:
        a_task("staging", source_table="orders")
        a_task("orders", sql="SELECT 1 AS n", source_table=None)
    made = again(tmp_path, exported(dag)[0].text)
    found = {task.task_id: (task.source_table, task.sql) for task in made.tasks}
    assert found == {"staging": ("orders", None), "orders": (None, "SELECT 1 AS n")}


OTHERS = {"write_mode": "replace", "retries": 3, "where": "n > 0", "trigger_rule": "all_done"}
OWN = {"write_mode": "append", "retries": 0, "where": None, "trigger_rule": "all_success"}


def test_a_default_that_a_task_was_given_stays_in_front_of_default_args(tmp_path: Path) -> None:
    with a_dag(default_args=OTHERS) as dag, TaskGroup("erp", prefix_group_id=False, default_args=OWN) as of:
        a_task("inherited")
        a_task("given", **OWN)
        with TaskGroup("parts"):
            plan = CheckpointPartitionOperator(
                task_id="plan", source_conn_id="erp", source_table="parts", partitions=2
            )
            CheckpointedTransferOperator.partial(
                task_id="load", source_table="parts", destination_table="dwh.parts", **ENDS
            ).expand(partition=plan.output)
    written, exporter = exported(dag, of)
    assert (exporter.told, written.left_out) == ([], ())
    made = again(tmp_path, written.text, default_args=OTHERS)
    for name in ("inherited", "given"):
        task = made.get_task(name)
        assert {key: getattr(task, key) for key in OWN} == OWN
    load = made.get_task("parts.load")
    assert load.partial_kwargs["write_mode"] == "append"
    assert load.partial_kwargs["retries"] == 0
    assert made.get_task("parts.plan").trigger_rule == "all_success"


def test_a_stage_has_no_outlets_whatever_default_args_have() -> None:
    with a_dag(default_args={"outlets": [Asset("t")]}) as dag:
        parts = {"partitions": 2, "write_mode": "replace_atomic", "destination_table": "t"}
        made = CheckpointedTransferGroup("erp", **ENDS, tables={"parts": parts})
        a_task("none", outlets=[])
    assert not [line for line in exported(dag, made)[1].told if line.endswith("parts.")]
    assert "outlets: not possible in YAML, and left out of none." in exported(dag)[1].told


STAGE = {"write_mode": "replace_atomic", "publish": False}
TO = {"destination_conn_id": "warehouse"}


def test_a_publication_that_is_left_out_is_told() -> None:
    with a_dag() as dag:
        single = {"transfer_task_id": "sales", "destination_table": "dwh.sales"}
        publish = CheckpointPublishOperator(task_id="publish", **TO, **single)
        a_task("sales", **STAGE) >> publish >> BaseOperator(task_id="report")
        with TaskGroup("others"):
            CheckpointPublishOperator(task_id="publish", **TO, **single)
            with TaskGroup("inner"):
                a_task("lines")
    written, exporter = exported(dag)
    assert exporter.told == [
        "report: a BaseOperator cannot be declared.",
        "others: a group without a transfer of its own cannot be declared.",
        "others.publish: this publication cannot be declared; without it, what its transfers load stays in stages.",
        "others.inner: this group has tables of its own; export it by its name.",
        "publish: this publication cannot be declared; without it, what its transfers load stays in stages.",
        "sales: that publish waits for it is not declared.",
    ]
    assert (written.tables, exporter.is_complete) == (("sales",), False)


@pytest.mark.parametrize(
    "tables", ["{{ params.tables }}", [{"transfer_task_id": "gone", "destination_table": "t"}]]
)
def test_a_publication_of_other_tables_is_no_common_one(tables: Any) -> None:
    with a_dag() as dag:
        a_task("sales", **STAGE) >> CheckpointPublishOperator(task_id="publish", **TO, tables=tables)
    written, exporter = exported(dag)
    assert "publish_together" not in written.text
    assert exporter.told[0].startswith("publish: this publication cannot be declared;")
    assert not exporter.is_complete


def test_a_publication_of_more_tables_than_are_declared_is_told() -> None:
    with a_dag() as dag:
        wanted = [{"transfer_task_id": one, "destination_table": one} for one in ("sales", "odd")]
        publish = CheckpointPublishOperator(task_id="publish", **TO, tables=wanted)
        BaseOperator(task_id="check") >> publish >> BaseOperator(task_id="report")
        [a_task("sales", **STAGE), a_task("odd", **STAGE, rows_processor=len)] >> publish
    _, exporter = exported(dag)
    assert not exporter.is_complete
    assert exporter.told[-3:] == [
        "publish: that it publishes the rows of odd is not declared.",
        "publish: that it waits for check is not declared.",
        "publish: that report waits for it is not declared.",
    ]


def test_a_group_with_another_task_that_is_called_publish_is_not_one_table() -> None:
    with a_dag() as dag, TaskGroup("parts"):
        plan = CheckpointPartitionOperator(
            task_id="plan", source_conn_id="erp", source_table="t", partitions=2
        )
        load = CheckpointedTransferOperator.partial(
            task_id="load", source_table="t", destination_table="t", **ENDS, **STAGE
        ).expand(partition=plan.output)
        load >> BaseOperator(task_id="publish")
    assert not tasks_of_table(dag.task_group.children["parts"])


def test_a_table_behind_a_publication_alone_is_told() -> None:
    with a_dag() as dag:
        wanted = [{"transfer_task_id": "sales", "destination_table": "dwh.sales"}]
        publish = CheckpointPublishOperator(task_id="publish", **TO, tables=wanted)
        sales, behind, after = a_task("sales", **STAGE), a_task("behind"), a_task("after")
        sales >> publish >> [behind, after]
        sales >> after
    written, exporter = exported(dag)
    assert exporter.told == ["behind: that it waits for publish is not declared."]
    assert "depends_on: [sales]" in written.text


def test_a_table_of_another_moment_is_told() -> None:
    given = {**ENDS, "write_mode": "replace", "as_of": "now"}
    with a_dag() as dag:
        other = CheckpointMomentOperator(task_id="other", source_conn_id="erp")
        with TaskGroup("erp") as group:
            moment = CheckpointMomentOperator(task_id="moment", source_conn_id="erp", pool="small")
            for name, task_id in {"a": "other", "b": None, "c": "erp.moment"}.items():
                load = CheckpointedTransferOperator(
                    task_id=name, source_table=name, destination_table=name, as_of_task_id=task_id, **given
                )
                if name != "b":
                    (other if name == "a" else moment) >> load
        last = BaseOperator(task_id="last")
        moment >> last
    written, exporter = exported(dag, group)
    assert exporter.told == [
        "a: it is read as of the moment of other; the table is not declared.",
        "b: it is read as of a moment of its own; the table is not declared.",
        "erp.moment: that last waits for it is not declared.",
    ]
    assert not exporter.is_complete
    assert "as_of: now" in written.text
    assert "as_of_task_id" not in written.text
