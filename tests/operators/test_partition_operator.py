"""The operator that plans partitions, through an Airflow connection."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db

WITHOUT = ("unknown",)  # no known primary key


def planner(**changes: Any) -> CheckpointPartitionOperator:
    arguments = {"task_id": "plan", "source_conn_id": "src", "source_table": "orders", "partitions": 4}
    return CheckpointPartitionOperator(**{**arguments, **changes})


def test_its_output_is_what_the_transfer_takes(databases: tuple[Db, Db]) -> None:
    source, destination = databases
    with capture_logs() as log:
        parts = planner().execute(context())  # type: ignore[arg-type]
    assert json.loads(json.dumps(parts)) == parts
    assert [part["rows"] for part in parts] == [250] * 4
    name = source.spelt("id")
    for line in (
        f"4 partitions by {name}, of about 1,000 rows in all, by ranges of equal width",
        f"Partition 1: about 250 rows, {name} > 249 and {name} <= 499",
    ):
        assert any(entry["event"].startswith(line) for entry in log), log
    for index, part in enumerate(parts):
        with capture_logs() as log:
            result = execute(operator(partition=part, write_mode="replace"), map_index=index)
        assert result["rows"] == 250
        assert any(
            f"the primary key of the source table, partition {index} of 0 to 3" in e["event"] for e in log
        )
    assert destination.one("SELECT count(DISTINCT id) FROM target") == 1000


@pytest.mark.parametrize("pair", ["sqlite->sqlite"], indirect=True)
def test_a_number_from_a_template_and_a_part_that_is_text(databases: tuple[Db, Db]) -> None:
    task = planner(partitions="{{ params.parts }}")
    task.partitions = "2"
    parts = task.execute(context())  # type: ignore[arg-type]
    assert len(parts) == 2
    with pytest.raises(CheckpointError, match="it is str, and not a mapping"):
        execute(operator(partition=str(parts[0])))
    with pytest.raises(CheckpointError, match="partition: a partition is read by key"):
        execute(operator(partition=parts[0], source_table=None, sql="SELECT * FROM orders"))
    with pytest.raises(CheckpointError, match="partition: the query does not return a column 'id'"):
        execute(
            operator(
                partition=parts[0],
                source_table=None,
                sql="SELECT region FROM orders",
                checkpoint_column="region",
            )
        )
