"""The arguments of the operator that plans partitions, and its errors where they are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Amount, Boundary, Partition, bound
from airflow_checkpoint_provider.engine.transfer.partitioning.boundaries import by_sample, choose, cut_points
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator


def operator(**changes: Any) -> CheckpointPartitionOperator:
    arguments = {"task_id": "plan", "source_conn_id": "src", "source_table": "orders", "partitions": 4}
    return CheckpointPartitionOperator(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"partitions": 0}, "partitions: 0 is not a number from 1 to 1,024"),
        ({"partitions": 5000}, "partitions: 5,000 is not"),
        ({"partitions": "many"}, "partitions: 'many' is not a whole number"),
        ({"sql": "SELECT 1"}, "sql and source_table: give one of them"),
        ({"source_table": None}, "sql: give a query, or a table"),
        ({"parameters": [1]}, "parameters: they belong to sql"),
        ({"checkpoint_column": [1]}, "checkpoint_column: .* is not a column name"),
        ({"split": "page"}, "split: 'page' is not one of 'key', 'rowid'"),
        (
            {"split": "rowid", "source_table": None, "sql": "SELECT 1"},
            "split: 'rowid' goes with source_table",
        ),
        ({"split": "rowid", "partition_column": "day"}, "split: 'rowid' splits by no column"),
        ({"as_of": "then"}, "as_of: 'then' is not one of None, 'now'"),
        ({"as_of": "now", "source_table": None, "sql": "SELECT 1"}, "as_of: it goes with source_table"),
        ({"where": "", "source_table": "t"}, "where: the condition is empty"),
        ({"where": "a > 1", "source_table": None, "sql": "SELECT 1"}, "where: it goes with source_table"),
        ({"partition_column": ["a", "b"]}, "partition_column: .* is not the name of a column"),
    ],
)
def test_what_can_be_known_fails_when_the_dag_is_parsed(mistake: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        operator(**mistake)


def test_what_cannot_be_known_yet_does_not() -> None:
    operator(partitions="{{ params.parts }}", source_table="{{ params.table }}", partition_column="{{ 1 }}")
    operator(partitions="8")


@pytest.mark.parametrize("name", ["partitions", "partition_column", "split"])
@pytest.mark.parametrize("value", [10**5_000, "x" * 1_000_000, True, 1.5], ids=range(4))
def test_what_a_run_hands_over_is_bounded(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"^{name}: ") as told:
        operator(**{name: value})
    assert len(str(told.value)) < 500


def test_places_are_those_that_end_a_part() -> None:
    assert cut_points(100, 4) == [25, 50, 75]
    assert cut_points(10, 3) == [4, 7]
    assert cut_points(2, 5) == [1]
    assert cut_points(0, 3) == cut_points(1, 3) == cut_points(9, 1) == []


def test_a_value_that_many_rows_have_takes_the_place_of_several_borders() -> None:
    values = [Boundary("a", 10), Boundary("b", 80), Boundary("c", 90), Boundary("d", 100)]
    assert [border.value for border in choose(values, 100, 4)] == ["b"]
    assert [border.value for border in choose(values, 100, 10)] == ["a", "b", "c"]
    assert choose([], 0, 4) == []


def test_a_sample_stands_for_the_whole() -> None:
    assert by_sample([1, 1, 2, 3], Amount(400, 0)) == [Boundary(1, 200), Boundary(2, 300), Boundary(3, 400)]


def test_a_part_says_which_rows_it_has() -> None:
    part = Partition(
        plan="p", index=0, of=2, column="id", lower=None, upper=bound(9), nulls=True, rows=1, rows_in_all=2
    )
    assert part.as_words() == "id <= 9, and id without a value"
    assert Partition.of_text("no part") is Partition.of_text(None) is Partition.of_text("[1]") is None


WRONG: list[dict[str, Any]] = [
    {"of": 0},
    {"of": 2_000_000},
    {"of": 1, "index": 1},
    {"index": -1},
    {"index": True},
    {"of": True, "index": 0},
    {"rows": 1.5},
    {"rows": -1},
    {"rows_in_all": 10**5000},
    {"nulls": 1},
    {"plan": "x" * 5_000_000},
    {"column": "a\0b"},
    {"lower": "[" * 200_000},
    {"lower": 7},
    {"upper": '[["decimal","sNaN"]]'},
    {"upper": '[["int","1"],["int","2"]]'},
    {"lower": json.dumps([["str", "x" * 60_000]])},
    {"x" * 100_000: 1},
]


@pytest.mark.parametrize("changes", WRONG, ids=range(len(WRONG)))
def test_a_part_from_elsewhere_is_bounded(changes: dict[str, Any]) -> None:
    given = {
        "plan": "p", "index": 1, "of": 4, "column": "id", "lower": None, "upper": bound(1000), "nulls": False,
        "rows": 10, "rows_in_all": 40,
    }  # fmt: skip
    assert Partition.of_plan(given).of == 4
    with pytest.raises(ArgumentError, match="partition: .* is not a partition of a plan") as told:
        Partition.of_plan({**given, **changes})
    assert len(str(told.value)) < 2_000
