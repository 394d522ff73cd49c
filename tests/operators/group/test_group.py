"""CheckpointedTransferGroup: the tasks that a declaration becomes, and the errors where it is wrong."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.support.imports import heavy

TABLES: dict[str, Any] = {
    "sales": {"checkpoint_column": "sale_id", "partitions": 8},
    "customers": {"scope": "task", "checkpoint_column": "changed_at", "write_mode": "upsert"},
    "country": {"strategy": "none"},
    "audit": {"checkpoint_enabled": False},
}
DEFAULTS = {
    "write_mode": "replace_atomic",
    "create_table": "missing",
    "destination_table": "dwh.{table}",
}

PARTITION = Partition(
    plan="p", index=0, of=1, column="n", lower=None, upper=None, nulls=True, rows=0, rows_in_all=0
).as_dict()


def group(tables: Any = TABLES, *, default_args: Any = None, **changes: Any) -> CheckpointedTransferGroup:
    arguments = {"source_conn_id": "erp", "destination_conn_id": "warehouse", "defaults": DEFAULTS}
    with DAG("a_dag", schedule=None, default_args=default_args or {}):
        return CheckpointedTransferGroup("erp", tables=tables, **{**arguments, **changes})


def task(of: CheckpointedTransferGroup, task_id: str) -> Any:
    return of.dag.get_task(f"erp.{task_id}")


def test_each_table_has_a_task_named_for_it() -> None:
    made = group()
    assert set(made.dag.task_ids) == {
        "erp.sales.plan", "erp.sales.load", "erp.sales.publish", "erp.customers", "erp.country", "erp.audit",
    }  # fmt: skip
    customers = task(made, "customers")
    assert isinstance(customers, CheckpointedTransferOperator)
    assert (customers.source_conn_id, customers.destination_conn_id) == ("erp", "warehouse")
    assert (customers.source_table, customers.destination_table) == ("customers", "dwh.customers")
    assert (customers.scope, customers.write_mode, customers.create_table) == ("task", "upsert", "missing")
    assert task(made, "country").write_mode == "replace_atomic"


def test_a_partitioned_table_is_planned_loaded_and_published() -> None:
    made = group({"sales": {**TABLES["sales"], "pool": "loads", "max_active_tis_per_dagrun": 4}})
    plan, load, publish = (task(made, f"sales.{name}") for name in ("plan", "load", "publish"))
    assert (plan.source_table, plan.checkpoint_column, plan.partitions) == ("sales", "sale_id", 8)
    assert load.partial_kwargs["publish"] is False
    assert load.partial_kwargs["max_active_tis_per_dagrun"] == 4
    assert (publish.transfer_task_id, publish.destination_table) == ("erp.sales.load", "dwh.sales")
    assert [one.pool for one in (plan, load, publish)] == ["loads"] * 3
    assert (load.upstream_task_ids, publish.upstream_task_ids) == ({"erp.sales.plan"}, {"erp.sales.load"})
    unmapped = load.unmap({"partition": PARTITION})
    assert (unmapped.write_mode, unmapped.destination_table) == ("replace_atomic", "dwh.sales")


@pytest.mark.parametrize("own", [{"write_mode": "replace"}, {"publish": False}])
def test_partitions_are_published_only_where_nobody_else_does(own: dict[str, Any]) -> None:
    made = group({"sales": {**TABLES["sales"], **own}})
    assert set(made.dag.task_ids) == {"erp.sales.plan", "erp.sales.load"}


def test_ranges_of_rowids_are_planned_without_a_column() -> None:
    made = group({"sales": {**TABLES["sales"], "split": "rowid", "as_of": "now"}})
    plan, load = task(made, "sales.plan"), task(made, "sales.load")
    assert (plan.split, plan.as_of, plan.checkpoint_column) == ("rowid", "now", None)
    assert load.partial_kwargs["checkpoint_column"] == "sale_id"
    assert not {"split", "as_of", "partitions"} & set(load.partial_kwargs)


def test_ids_stay_when_the_list_is_reordered_or_grows() -> None:
    odd = {"erp.Größe": {}, '"My Table"': {}, "SYS$X": {}, "SYS_X": {}, "a b.c": {}}
    ids = {name: group({name: {}}).tasks_of(name).task_id for name in odd}
    made = group(dict.fromkeys(reversed([*odd, "sales"])))
    assert {name: made.tasks_of(name).task_id for name in odd} == ids
    assert ids["erp.Größe"] == "erp.erp__Größe"
    assert len(set(ids.values())) == len(odd)


def test_texts_of_the_defaults_are_filled_in() -> None:
    defaults = {
        "source_table": "{schema}.v_{table}",
        "destination_table": "{schema}_dwh.{table}",
        "preoperator": ["ANALYZE {schema}.{table}"],
        "where": "day = '{{ ds }}' AND '{{table}}' <> '{other}'",
        "params": {"table": "{table}"},
        "retry_delay": timedelta(seconds=7),
    }
    made = task(group({"erp.sales": {}}, defaults=defaults), "erp__sales")
    assert made.source_table == "erp.v_sales"
    assert made.destination_table == "erp_dwh.sales"
    assert made.preoperator == ["ANALYZE erp.sales"]
    assert made.where == "day = '{{ ds }}' AND '{{table}}' <> '{other}'"
    assert made.params.dump() == {"table": "sales"}
    assert made.retry_delay == timedelta(seconds=7)


def test_a_query_takes_the_place_of_the_default_table_and_back() -> None:
    of_table = group(
        {"a": {"sql": "SELECT 1 AS n"}}, defaults={**DEFAULTS, "source_table": "v_{table}", "where": "1=1"}
    )
    assert (task(of_table, "a").sql, task(of_table, "a").source_table) == ("SELECT 1 AS n", None)
    of_query = group({"a": {"source_table": "b"}}, defaults={**DEFAULTS, "sql": "SELECT * FROM {table}"})
    assert (task(of_query, "a").sql, task(of_query, "a").source_table) == (None, "b")


def test_arguments_of_tasks_are_accepted_for_one_table_and_for_all() -> None:
    made = group(
        {"a": {"retries": 1}, "b": {}}, defaults={**DEFAULTS, "retries": 5, "pool": "p", "queue": "q"}
    )
    assert [(task(made, name).retries, task(made, name).pool) for name in "ab"] == [(1, "p"), (5, "p")]
    own_id = group({"a": {}}, defaults={**DEFAULTS, "task_id": "copy_{table}"})
    assert own_id.dag.task_ids == ["erp.copy_a"]


def test_every_argument_of_the_operators_is_accepted() -> None:
    """Of whatever version: the names come from the operators."""
    from airflow_checkpoint_provider.operators.declaration.accepted import ACCEPTED

    for operator in (CheckpointedTransferOperator, CheckpointPartitionOperator, BaseOperator):
        names = {
            name
            for name, one in inspect.signature(operator.__init__).parameters.items()
            if one.kind is not one.VAR_KEYWORD
        }
        assert names - {"self", "dag", "task_group"} <= ACCEPTED


def test_what_a_table_waits_for_comes_before_it() -> None:
    made = group({"sales": TABLES["sales"], "lines": {"depends_on": ["sales", "items"]}, "items": {}})
    assert task(made, "lines").upstream_task_ids == {"erp.sales.publish", "erp.items"}
    assert task(made, "items").upstream_task_ids == set()


def test_one_after_another() -> None:
    made = group(dict.fromkeys("abc"), order="listed")
    assert [task(made, name).upstream_task_ids for name in "abc"] == [set(), {"erp.a"}, {"erp.b"}]


def test_all_stages_are_published_together() -> None:
    tables = {name: TABLES[name] for name in ("sales", "customers")} | {"lines": {"depends_on": ["sales"]}}
    made = group(tables, defaults={**DEFAULTS, "pool": "p", "checkpoint_table": "c"}, publish_together=True)
    assert set(made.dag.task_ids) == {
        "erp.sales.plan", "erp.sales.load", "erp.customers", "erp.lines", "erp.publish",
    }  # fmt: skip
    publish = task(made, "publish")
    assert publish.tables == [
        {"transfer_task_id": "erp.sales.load", "destination_table": "dwh.sales"},
        {"transfer_task_id": "erp.lines", "destination_table": "dwh.lines"},
    ]
    assert publish.upstream_task_ids == {"erp.sales.load", "erp.lines"}
    assert (publish.destination_conn_id, publish.checkpoint_table, publish.pool) == ("warehouse", "c", "p")
    assert task(made, "lines").publish is False
    assert task(made, "customers").publish is True


def test_tasks_around_a_table() -> None:
    made = group()
    with made.dag:
        before = BaseOperator(task_id="before")
        before >> made.tasks_of("sales")
    assert task(made, "sales.plan").upstream_task_ids == {"before"}
    with pytest.raises(ArgumentError, match="there is no table 'salse'; is 'sales' meant"):
        made.tasks_of("salse")


PART = {"partitions": 4}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, r"^tables: \{\} is not a mapping of tables"),
        (["a"], r"^tables: \['a'\] is not a mapping of tables"),
        ({"a": ["x"]}, r"^tables: 'a': \['x'\] is not a mapping of arguments"),
        ({True: {}}, "^tables: True: the name is not a text"),
        ({"a..b": {}}, "^tables: 'a..b': the name is not that of a table"),
        ({"a": {"chekpoint_column": "n"}}, "'a': there is no argument 'chekpoint_column'; is 'checkpoint_column' meant"),
        ({"a": {"xyzzy": 1}}, "'a': there is no argument 'xyzzy'; a table takes those of"),
        ({"a": {"strategy": "fast"}}, "'a': strategy: 'fast' is not one of"),
        ({"a": {"strategy": "fast", **PART}}, "'a': strategy: 'fast' is not one of"),
        ({"a": {"scope": "task", "write_mode": "append", **PART}}, "'a': partition: the partitions are those of one run"),
        ({"a": {"verify": "count", **PART}}, "'a': verify: a partition of a load is not compared"),
        ({"a": {"partition": {}, **PART}}, "'a': partition: with partitions, each task has its own"),
        ({"a": {"publish": True, **PART}}, "'a': partition: .* set publish=False"),
        ({"a": {"write_mode": "{{ params.mode }}", **PART}}, "'a': write_mode: .* cannot be a template"),
        ({"a": {"partitions": 0}}, "'a': partitions: 0 is not a number from 1"),
        ({"a": {"split": "rowid"}}, "'a': split: it goes with partitions"),
        ({"a": {"destination_table": "dwh.{tabel}"}}, "'a': destination_table: {tabel} is not replaced"),
        ({"a": {"where": "{schema} = 1"}}, "'a': where: {schema} stands for the schema, which"),
        ({"a": {"retry_delay": "soon"}}, "'a': "),
        ({"a.b": {}, "a__b": {"destination_table": "c"}}, "'a__b': task_id: 'a__b' is that of 'a.b' as well"),
        ({"a.t": {}, "b.t": {}}, "'b.t': destination_table: 'a.t' is loaded into 'dwh.t' as well"),
        ({"a": {"depends_on": 7}}, "'a': depends_on: 7 is not a list of tables"),
        ({"sales": {}, "b": {"depends_on": "salse"}}, "'b': depends_on: there is no table 'salse'; is 'sales' meant"),
        ({"a": {"depends_on": ["b"]}, "b": {"depends_on": "a"}}, "depends_on: the tables wait for each other: 'b' after 'a' after 'b'"),
    ],
)  # fmt: skip
def test_what_cannot_be(tables: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        group(tables)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"defaults": {"wirte_mode": "append"}}, "defaults: there is no argument 'wirte_mode'; is 'write_mode' meant"),
        ({"defaults": {"depends_on": "a"}}, "defaults: depends_on: give it to single tables"),
        ({"defaults": []}, r"defaults: \[\] is not a mapping"),
        ({"defaults": {}}, "'a': .*missing.*destination_table"),
        ({"order": "foreign_keys"}, "order: 'foreign_keys' .* no database is read while a DAG is parsed.* Give depends_on"),
        ({"publish_together": "yes"}, "publish_together: 'yes' is not True or False"),
        ({"publish_together": True, "defaults": {"destination_table": "t"}}, "publish_together: no table has write_mode"),
        ({"order": "size"}, "order: 'size' is not one of None, 'listed'"),
    ],
)  # fmt: skip
def test_what_cannot_be_of_the_group(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        group({"a": {}}, **changes)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"a": {}, "b": {"destination_conn_id": "x"}}, "publish_together: destination_conn_id of 'b' is not that of 'a'"),
        ({"a": {}, "publish": {}}, "'publish': task_id: with publish_together there is a task 'publish'"),
        ({"a": {"strategy": "none"}}, "'a': publish: CheckpointPublishOperator goes by checkpoints"),
    ],
)  # fmt: skip
def test_what_cannot_be_published_together(tables: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        group(tables, publish_together=True)


def test_a_missing_argument_of_a_partitioned_table_is_found_when_parsed() -> None:
    with pytest.raises(ArgumentError, match="'a': destination_table: the argument is missing"):
        group({"a": PART}, defaults={})


def test_defaults_of_the_dag_count() -> None:
    with DAG("a_dag", schedule=None, default_args={"destination_table": "t", "retries": 2}):
        made = CheckpointedTransferGroup(
            "erp", source_conn_id="s", destination_conn_id="d", tables={"a": PART, "b": {}}
        )
    assert task(made, "b").destination_table == "t"
    assert task(made, "a.load").retries == 2


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_many_tables_into_one_may_be_asked_for(mode: str) -> None:
    everywhere = {"write_mode": mode, "destination_table": "dwh.all"}
    assert len(group({"a.t": {}, "b.t": {}}, defaults=everywhere).children) == 2
    with pytest.raises(ArgumentError, match=r"'b\.t': destination_table: 'a\.t' is loaded into 'dwh\.all'"):
        group({"a.t": {}, "b.t": {}}, defaults={**everywhere, "write_mode": "replace"})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ArgumentError) as told:
        group({"a": {"strategy": "x"}, "b": {}, "c": {"write_mode": "y", **PART}})
    assert [line.partition(": ")[2][:3] for line in str(told.value).splitlines()] == ["'a'", "'c'"]
    with pytest.raises(ArgumentError) as many:
        group({f"t{n}": {"strateggy": "x"} for n in range(100)})
    assert str(many.value).endswith("\nand 80 more")


def test_parsing_many_tables_reads_no_database_and_imports_no_engine() -> None:
    script = (
        "import sys, airflow.sdk\n"
        "def refuse(event, args):\n"
        "    if event in ('socket.connect', 'sqlite3.connect'): raise SystemExit(f'{event}: {args}')\n"
        "import airflow.providers.common.sql.hooks.sql\n"
        "sys.addaudithook(refuse)\n"
        "from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup\n"
        "before = set(sys.modules)\n"
        "with airflow.sdk.DAG('a_dag', schedule=None) as dag:\n"
        "    CheckpointedTransferGroup('erp', source_conn_id='s', destination_conn_id='d',\n"
        "        defaults={'destination_table': 'dwh.{table}', 'write_mode': 'replace_atomic'},\n"
        "        tables={f't{n}': {'partitions': 4} if n % 5 == 0 else {} for n in range(500)})\n"
        "print(len(dag.task_ids), *sorted(name for name in sys.modules if 'airflow_checkpoint_provider' in name))\n"
    )
    number, *loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert int(number) == 700
    assert heavy(loaded) == []


def test_work_grows_with_the_number_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table is checked once, not once for each of the others."""
    calls = []
    from airflow_checkpoint_provider.operators import arguments

    check = arguments.check_arguments
    monkeypatch.setattr(arguments, "check_arguments", lambda given: calls.append(1) or check(given))

    def parse(number: int) -> int:
        calls.clear()
        group({f"t{n}": {"depends_on": [f"t{n - 1}"] if n else []} for n in range(number)})
        return len(calls)

    assert parse(200) == 200


def test_tables_are_not_changed() -> None:
    given: Mapping[str, Any] = {"a": {"partitions": 2, "task_id": "b", "depends_on": []}}
    group(given)
    assert given == {"a": {"partitions": 2, "task_id": "b", "depends_on": []}}
