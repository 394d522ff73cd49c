"""Declarations in YAML, and rows of mapping tables."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from jsonschema import Draft202012Validator

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.declaration.accepted import ACCEPTED
from airflow_checkpoint_provider.operators.declaration.yaml_schema import SCHEMA
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.support.group_schema import group_schema, of_every_airflow

FILE = """\
group_id: erp
source_conn_id: erp
destination_conn_id: warehouse
defaults:
  write_mode: replace
  destination_table: dwh.{table}
  retry_delay: 90
tables:
  sales: {checkpoint_column: [sale_date, sale_id], partitions: 4}
  customers:
    write_mode: upsert
    scope: task
    checkpoint_column: changed_at
    lookback: {hours: 2}
  "on":
  audit:
    batch_size: "{{ params.rows }}"
    depends_on: [customers]
"""


HEAD = "group_id: g\nsource_conn_id: s\ndestination_conn_id: d\n"


def from_yaml(tmp_path: Path, text: str = FILE, **changes: Any) -> CheckpointedTransferGroup:
    (tmp_path / "erp.yaml").write_text(text)
    with DAG("a_dag", schedule=None):
        return CheckpointedTransferGroup.from_yaml(tmp_path / "erp.yaml", **changes)


def test_a_file_is_a_declaration(tmp_path: Path) -> None:
    made = from_yaml(tmp_path)
    assert sorted(made.dag.task_ids) == [
        "erp.audit", "erp.customers", "erp.on", "erp.sales.load", "erp.sales.plan",
    ]  # fmt: skip
    customers = made.tasks_of("customers")
    assert (customers.lookback, customers.retry_delay) == (timedelta(hours=2), timedelta(seconds=90))
    assert made.tasks_of("audit").upstream_task_ids == {"erp.customers"}


def test_anchors_and_merged_keys(tmp_path: Path) -> None:
    text = (
        "tables:\n  a: &a {destination_table: t, write_mode: upsert}\n  b: {<<: *a, destination_table: u}\n"
    )
    made = from_yaml(tmp_path, HEAD + text)
    assert (made.tasks_of("b").destination_table, made.tasks_of("b").write_mode) == ("u", "upsert")


def test_an_alias_may_stand_for_a_whole_table(tmp_path: Path) -> None:
    same = "defaults: {destination_table: '{table}'}\ntables:\n  a: &same {execution_timeout: 60, lookback: {hours: 1},"
    text = f"{same} scope: task, write_mode: upsert, checkpoint_column: n}}\n  b: *same\n"
    made = from_yaml(tmp_path, HEAD + text)
    for name in "ab":
        one = made.tasks_of(name)
        assert (one.execution_timeout, one.lookback) == (timedelta(seconds=60), timedelta(hours=1))


def test_arguments_go_before_those_of_the_file(tmp_path: Path) -> None:
    made = from_yaml(tmp_path, group_id="other", defaults={"destination_table": "x_{table}"})
    assert made.tasks_of("on").destination_table == "x_on"
    assert made.tasks_of("on").task_id == "other.on"


def test_a_relative_path_begins_beside_the_dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "erp.yaml").write_text(FILE)
    dag_file = tmp_path / "a_dag.py"
    dag_file.write_text("")
    monkeypatch.chdir("/")
    code = "from airflow.sdk import DAG\nwith DAG('a_dag', schedule=None):\n    made = Group.from_yaml('erp.yaml')\n"
    names: dict[str, Any] = {"Group": CheckpointedTransferGroup}
    exec(compile(code, str(dag_file), "exec"), names)
    assert names["made"].group_id == "erp"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "tables:\n  a: {destination_table: t}\n  a: {destination_table: u}\n", "line 6: 'a' is there twice"),
        (HEAD + "tables:\n  a:\n    chekpoint_column: n\n", "line 6: tables: 'a': there is no argument 'chekpoint_column'; is 'checkpoint_column' meant"),
        (HEAD + "tables:\n  a:\n    pool: x\n    strategy: fast\n", "line 7: tables: 'a': strategy: 'fast' is not one of 'auto', .* or a template"),
        (HEAD + "tables:\n  a:\n    max_reconnects: many\n", "line 6: tables: 'a': max_reconnects: 'many' is not a whole number"),
        (HEAD + "tables:\n  a:\n    retry_delay: soon\n", "line 6: tables: 'a': retry_delay: 'soon' is not a number or a mapping"),
        (HEAD + "tables:\n  a:\n    retry_delay: {hour: 1}\n", "line 6: tables: 'a': retry_delay: "),
        (HEAD + "tables:\n  a:\n    rows_processor: f\n", "line 5: tables: 'a': rows_processor: not possible in YAML"),
        (HEAD + "tables:\n  a:\n    destination_table: t\n    strategy: key\n", "line 5: tables: 'a': checkpoint_column: strategy='key' needs"),
        (HEAD + "tables:\n  a:\n    destination_table: t\n    lookback: 1\n", "line 7: tables: 'a': lookback: it goes back from"),
        (HEAD + "tables:\n  a: {destination_table: t, partitions: 2, scope: task}\n", "line 5: tables: 'a': partition: "),
        (HEAD + "tables:\n  no: {}\n", "line 5: no is not a text to YAML; put it into quotes"),
        (HEAD + "tables:\n  a: 7\n", "line 5: tables: 'a': 7 is not a mapping or null"),
        (HEAD + "tables: []\n", "line 4: tables: .* is not a mapping"),
        (HEAD + "tables: {}\n", "line 4: tables: {} "),
        (HEAD, "line 1: 'tables' is a required property"),
        (HEAD + "tabels: {}\n", "line 4: there is no key 'tabels'; is 'tables' meant"),
        (HEAD + "defaults:\n  wirte_mode: append\ntables: {a: }\n", "line 5: defaults: there is no argument 'wirte_mode'"),
        (HEAD + "order: foreign_keys\ntables: {a: }\n", "line 4: order: 'foreign_keys' is not one of null, 'listed'"),
        (HEAD + "tables:\n  a: {where: {{ ds }}}\n", "line 5: it is not YAML"),
        (HEAD + "tables:\n\ta: b\n", "line 5: it is not YAML"),
        ("tables: {a: }\n", "group_id: .*erp.yaml has none; write it there"),
        ("- a\n", r"\['a'\] is not a mapping with the tables"),
        ("", "the file is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"(?s){message}") as told:
        from_yaml(tmp_path, text)
    assert "erp.yaml" in str(told.value)


def test_all_mistakes_are_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    tables = "tables:\n  a: {batch_size: []}\n  b: {strategy: fast}\n  c: {retries: x}\n"
    with pytest.raises(ArgumentError) as told:
        from_yaml(tmp_path, HEAD + tables)
    assert [line.split("line ")[1][:1] for line in str(told.value).splitlines()] == ["5", "6", "7"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with (
        DAG("a_dag", schedule=None),
        pytest.raises(ArgumentError, match=r"path: .*nope\.yaml could not be read"),
    ):
        CheckpointedTransferGroup.from_yaml(tmp_path / "nope.yaml")


def test_the_schema_is_that_of_the_operators() -> None:
    """
    After a change of an operator's arguments, write it again.

    ``CHECKPOINT_WRITE_SCHEMA=1 pytest tests/operators/group/test_group_files.py``
    """
    schema = group_schema()
    if os.environ.get("CHECKPOINT_WRITE_SCHEMA"):
        SCHEMA.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    Draft202012Validator.check_schema(schema)
    assert json.loads(SCHEMA.read_text()) == schema
    arguments = set(schema["$defs"]["arguments"]["properties"])
    assert arguments - of_every_airflow() <= ACCEPTED


COLUMNS = {
    "source_table": "MAPRTBL",
    "strategy": "CHKPNTSTRATEGY",
    "checkpoint_column": "CHKPNTCOLUMN",
    "checkpoint_enabled": "CHKPNTENABLED",
    "enabled": "ACTIVE",
}


def row(table: Any, strategy: Any, column: Any, enabled: Any = "Y", active: Any = "Y") -> dict[str, Any]:
    return dict(zip(COLUMNS.values(), (table, strategy, column, enabled, active), strict=True))


def from_mapping(rows: Any, columns: Any = COLUMNS) -> CheckpointedTransferGroup:
    with DAG("a_dag", schedule=None):
        return CheckpointedTransferGroup.from_mapping(
            rows,
            columns=columns,
            group_id="erp",
            source_conn_id="erp",
            destination_conn_id="warehouse",
            defaults={"destination_table": "dwh.{table}", "write_mode": "replace"},
        )


def test_rows_of_a_mapping_are_tables() -> None:
    made = from_mapping(
        [
            row("SALES", "KEY", "SALE_ID"),
            row("LINES ", "auto", "ORDER_ID, LINE_NO", 1, 1),
            row("TOTALS", "PYTHON", "kept for later", True, True),
            row("COUNTRY", None, None, Decimal(1), "1"),
            row("AUDIT", "NONE", "", "N"),
            row("OLD", "KEY", "ID", "Y", "N"),
        ]
    )
    found = {
        one.source_table: (one.strategy, one.checkpoint_column, one.checkpoint_enabled)
        for one in made.dag.tasks
    }
    assert found == {
        "SALES": ("key", ["SALE_ID"], True),
        "LINES": ("auto", ["ORDER_ID", "LINE_NO"], True),
        "TOTALS": ("python", None, True),
        "COUNTRY": ("none", None, True),
        "AUDIT": ("none", None, False),
    }
    assert made.tasks_of("SALES").destination_table == "dwh.SALES"


def test_rows_may_be_sequences_or_spell_columns_in_small_letters() -> None:
    places = {"source_table": 0, "strategy": 1, "checkpoint_column": 2}
    assert from_mapping([("a", "KEY", "n")], places).tasks_of("a").checkpoint_column == ["n"]
    small = [{name.lower(): value for name, value in row("a", "KEY", "n").items()}]
    assert from_mapping(small).tasks_of("a").strategy == "key"


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([row("a", "KEY", "n", "maybe")], COLUMNS, r"rows: row 1 \(a\): checkpoint_enabled: 'maybe' is neither"),
        ([row("a", "KEY", "n", "Y", None)], COLUMNS, r"rows: row 1 \(a\): enabled: the flag has no value"),
        ([row("a", 7, "n")], COLUMNS, r"rows: row 1 \(a\): strategy: 7 is not a word"),
        ([row("a", "FAST", "n")], COLUMNS, "tables: 'a': strategy: 'fast' is not one of"),
        ([row("a", "KEY", "n"), row(None, "KEY", "n")], COLUMNS, "rows: row 2: source_table: None is not the name"),
        ([row("a", "KEY", "n"), row("a", "AUTO", "n")], COLUMNS, "rows: row 2: a has a row already"),
        ([{"T": "a"}], {"source_table": "U"}, r"columns: source_table: row 1 has no column 'U'; it has \['T'\]"),
        ([("a",)], {"source_table": 1}, "columns: source_table: 1 is not a place in row 1"),
        ([("a",)], {"source_table": "T"}, "columns: source_table: 'T' is not a place in row 1"),
        (["abc"], {"source_table": 0}, "rows: row 1: 'abc' is neither a mapping nor a sequence"),
        ([row("a", "KEY", "n")], {"strategy": "CHKPNTSTRATEGY"}, "columns: name the column of each argument"),
        ([row("a", "KEY", "n", active="N")], COLUMNS, r"tables: \{\} is not a mapping"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_read(rows: Any, columns: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        from_mapping(rows, columns)
