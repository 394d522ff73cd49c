"""The operator's arguments: errors raised when a DAG is parsed, and errors raised at rendering."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.sql.operators.generic_transfer import GenericTransfer

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.operators.arguments import rendered
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

PART = Partition(
    plan="abc", index=1, of=3, column="id", lower='[["int","5"]]', upper='[["int","9"]]', nulls=False, rows=4,
    rows_in_all=12,
).as_dict()  # fmt: skip


TABLE = {"sql": None, "source_table": "t"}


def operator(**changes: Any) -> CheckpointedTransferOperator:
    arguments: dict[str, Any] = {
        "task_id": "copy",
        "sql": "SELECT 1 AS id",
        "source_conn_id": "src",
        "destination_conn_id": "dst",
        "destination_table": "target",
    }
    return CheckpointedTransferOperator(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"strategy": "fast"}, "strategy: 'fast' is not one of"),
        ({"write_mode": "merge"}, "write_mode: 'merge' is not one of"),
        ({"on_clear": "x"}, "on_clear: 'x'"),
        ({"on_source_change": "x"}, "on_source_change: 'x'"),
        ({"on_null_key": "x"}, "on_null_key: 'x'"),
        ({"scope": "x"}, "scope: 'x'"),
        ({"resume_proof": "x"}, "resume_proof: 'x'"),
        ({"strategy": "key"}, "checkpoint_column: strategy='key' needs"),
        ({"strategy": "python", "checkpoint_column": "id"}, "does not use a column"),
        ({"sql": None}, "sql: give a query, or a table"),
        ({"source_table": "t"}, "sql and source_table: give one"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"batch_size": "abc"}, "batch_size: 'abc' is not a whole number"),
        ({"batch_size": "0"}, "batch_size: 0"),
        ({"checkpoint_enabled": "maybe"}, "checkpoint_enabled: 'maybe' is neither true nor false"),
        ({"force_reload": "sometimes"}, "force_reload: 'sometimes'"),
        ({"lookback": 1}, "lookback: it goes back from the mark"),
        ({"scope": "task", "lookback": 1}, "lookback: .* needs write_mode='upsert'"),
        ({"scope": "task", "lookback": timedelta(-1), "write_mode": "upsert"}, "lookback: .* leave rows out"),
        ({"scope": "task", "write_mode": "replace"}, "write_mode: 'replace' empties"),
        ({"scope": "task", "write_mode": "replace_atomic"}, "write_mode: 'replace_atomic' empties"),
        (
            {"on_bad_row": "reject", "write_mode": "replace_atomic"},
            "on_bad_row: .* which the stage of write_mode='replace_atomic' has not",
        ),
        ({"verify": "digest", "rows_processor": len}, "verify: with rows_processor"),
        ({"verify": "count", "on_bad_row": "reject"}, "verify: with on_bad_row='reject'"),
        ({"publish": False}, "publish: only write_mode='replace_atomic'"),
        (
            {"publish": False, "write_mode": "replace_atomic", "strategy": "none"},
            "publish: CheckpointPublishOperator goes by checkpoints",
        ),
        (
            {"publish": False, "write_mode": "replace_atomic", "checkpoint_conn_id": "other"},
            "publish: CheckpointPublishOperator goes by checkpoints",
        ),
        (
            {"write_mode": "replace_atomic", "checkpoint_conn_id": "other"},
            "checkpoint_conn_id: .*'replace_atomic' may write a batch twice",
        ),
        ({"scope": "task", "strategy": "python"}, "scope: 'task' keeps a high-water mark"),
        ({"checkpoint_conn_id": "other"}, "checkpoint_conn_id: .*at-least-once"),
        ({"destination_columns": []}, "destination_columns: give a list"),
        ({"conflict_columns": "id"}, "conflict_columns: give a list"),
        ({"lock_timeout": -1}, "lock_timeout: -1"),
        ({"sql": ["SELECT 1"]}, "sql: one query is read"),
        ({"partition": {"index": 1}}, "partition: .* is not a partition of a plan"),
        ({"partition": PART | {"lower": "5"}}, "partition: .* is not a partition .*not a stored position"),
        ({"partition": PART | {"rows": None}}, "partition: .*rows is None"),
        ({"partition": PART, "strategy": "python"}, "partition: a partition is read by key"),
        ({"partition": PART, "checkpoint_enabled": False}, "partition: .* leave checkpoint_enabled True"),
        ({"as_of": "yesterday"}, "as_of: 'yesterday' is not one of None, 'now'"),
        ({"columns": ["id"]}, "columns: it goes with source_table"),
        ({"where": "id > 1"}, "where: it goes with source_table"),
        ({**TABLE, "columns": "id"}, "columns: give a list of columns"),
        ({**TABLE, "columns": []}, "columns: give a list of columns"),
        ({**TABLE, "columns": ["id", "id"]}, "columns: a column is named twice"),
        ({**TABLE, "where": " "}, "where: the condition is empty"),
        ({**TABLE, "where": 5}, "where: 5 is not a condition in SQL"),
        ({"create_table": "always"}, "create_table: 'always' is not one of None, 'missing'"),
        ({"column_types": {"id": "integer"}}, "column_types: .* set create_table='missing'"),
        ({"create_table": "missing", "column_types": ["id"]}, "column_types: .* is not a mapping of columns"),
        ({"as_of": "now"}, "as_of: it goes with source_table"),
        (
            {"as_of": "now", "sql": None, "source_table": "t", "strategy": "none"},
            "as_of: the moment is kept with the checkpoint, and there is none",
        ),
        (
            {"as_of": "now", "sql": None, "source_table": "t", "partition": PART},
            "as_of: the partitions were planned without a moment",
        ),
        ({"partition": PART | {"moment": "SCN 1"}}, "partition: it was planned with as_of"),
        ({"partition": PART | {"moment": 1}}, "partition: .*moment is 1"),
        ({"partition": PART, "scope": "task"}, "partition: the partitions are those of one run"),
    ],
)
def test_what_can_be_known_fails_when_the_dag_is_parsed(mistake: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        operator(**mistake)


@pytest.mark.parametrize(
    "unknown",
    [
        {"batch_size": "{{ params.n }}"},
        {"checkpoint_enabled": "{{ params.on }}"},
        {"force_reload": "{{ dag_run.conf.get('reload', False) }}"},
        {"sql": "{{ params.query }}"},
        {"sql": "query.sql"},
        {"checkpoint_conn_id": "dst"},
        {"checkpoint_conn_id": "{{ params.keeper }}"},
        {"checkpoint_conn_id": "other", "strategy": "none"},
        {"checkpoint_conn_id": "other", "write_mode": "upsert"},
        {"checkpoint_conn_id": "other", "allow_duplicates": True},
        {"destination_columns": {"id": "{{ params.column }}"}},
        {"checkpoint_column": ["{{ params.column }}"]},
        {"batch_size": "10_000"},
    ],
)
def test_what_cannot_be_known_yet_does_not(unknown: dict[str, Any]) -> None:
    operator(**unknown)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"batch_size": " 500 "}, {"batch_size": 500}),
        ({"batch_size": "10_000"}, {"batch_size": 10_000}),
        ({"checkpoint_enabled": "False"}, {"checkpoint_enabled": False, "keeps_checkpoint": False}),
        ({"checkpoint_enabled": "true"}, {"checkpoint_enabled": True, "keeps_checkpoint": True}),
        ({"force_reload": "None"}, {"force_reload": False}),
        ({"force_reload": "1"}, {"force_reload": True}),
        ({"checkpoint_conn_id": "dst"}, {"separate_checkpoint": False}),
        ({"checkpoint_conn_id": ""}, {"separate_checkpoint": False}),
        ({"checkpoint_conn_id": "other", "write_mode": "upsert"}, {"separate_checkpoint": True}),
        ({"checkpoint_column": "id"}, {"key": ("id",)}),
        ({"checkpoint_column": ["id", "n"]}, {"key": ("id", "n")}),
        ({"partition": PART}, {"part": Partition.of_plan(PART)}),
    ],
)
def test_rendered_text_gets_its_type(given: dict[str, Any], expected: dict[str, Any]) -> None:
    spec = rendered(operator(**given), {}, auto_create=True)  # type: ignore[arg-type]
    assert {name: getattr(spec, name) for name in expected} == expected


def test_what_was_rendered_wrong_fails_then() -> None:
    task = operator(batch_size="{{ params.n }}")
    task.batch_size = "abc"
    with pytest.raises(ArgumentError, match="batch_size: 'abc' is not a whole number"):
        rendered(task, {}, auto_create=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 10**5_000),
        ("batch_size", "9" * 1_000_000),
        ("batch_size", True),
        ("batch_size", 2**31),
        ("strategy", "x" * 1_000_000),
        ("force_reload", "x" * 1_000_000),
        ("force_reload", 10**5_000),
        ("source_conn_id", "x" * 251),
        ("destination_conn_id", "x" * 1_000_000),
        ("checkpoint_conn_id", "x" * 251),
        ("destination_table", "x" * 2_001),
        ("checkpoint_table", "x" * 2_001),
        ("checkpoint_name", "x" * 251),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 50 else type(value).__name__,
)
def test_what_a_run_or_another_task_hands_over_is_bounded(name: str, value: Any) -> None:
    task = operator()
    setattr(task, name, value)
    with pytest.raises(ArgumentError, match=f"^{name}: ") as told:
        rendered(task, {}, auto_create=True)  # type: ignore[arg-type]
    assert len(str(told.value)) < 500


def test_takes_what_generic_transfer_takes() -> None:
    ours = set(inspect.signature(CheckpointedTransferOperator.__init__).parameters)
    theirs = set(inspect.signature(GenericTransfer.__init__).parameters)
    # GenericTransfer's own arguments for reading pages and inserting.
    assert theirs - ours <= {"page_size", "paginated_sql_statement_clause", "insert_args", "deferrable"}


def test_templates_what_generic_transfer_templates() -> None:
    theirs = set(GenericTransfer.template_fields) - {
        "insert_args",
        "page_size",
        "paginated_sql_statement_clause",
    }
    assert theirs <= set(CheckpointedTransferOperator.template_fields)
    assert {"batch_size", "checkpoint_enabled", "force_reload", "parameters"} <= set(
        CheckpointedTransferOperator.template_fields
    )
