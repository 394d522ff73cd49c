"""CheckpointTablesOperator: its arguments, and the mapped task behind it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_checkpoint_provider.engine.admin import table_names
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.tables import CheckpointTablesOperator
from tests.support.databases.fixtures import MakeDb


def operator(**changes: Any) -> CheckpointTablesOperator:
    arguments: dict[str, Any] = {"task_id": "tables", "source_conn_id": "src", "include": ["erp.*"]}
    return CheckpointTablesOperator(**{**arguments, **changes})


MAPPED = {"include": None, "mapping_table": "m", "mapping_columns": {"source_table": "t"}}


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"include": None}, "include: give patterns of tables, or the mapping_table"),
        ({**MAPPED, "include": ["a"]}, "include: give patterns of tables, or the mapping_table .* not both"),
        ({"include": "erp.*"}, r"include: 'erp\.\*' is not a list of patterns"),
        ({"exclude": [1]}, r"exclude: \[1\] is not a list of patterns"),
        ({**MAPPED, "mapping_columns": None}, "mapping_columns: give the columns"),
        ({"mapping_columns": {"source_table": "t"}}, "mapping_columns: give the columns"),
        ({**MAPPED, "exclude": ["a"]}, "exclude: it goes with include"),
        ({"defaults": {"wirte_mode": "x"}}, "defaults: there is no argument 'wirte_mode'; is 'write_mode' meant"),
        ({"defaults": {"enabled": True}}, "defaults: there is no argument 'enabled'"),
        ({"defaults": {"pool": "p"}}, "defaults: there is no argument 'pool'"),
        ({"defaults": {"checkpoint_name": "p"}}, "defaults: checkpoint_name is not an argument of a listed table"),
        ({"defaults": ["a"]}, r"defaults: \['a'\] is not a mapping"),
        ({**MAPPED, "mapping_columns": {"stratgy": "t"}}, "mapping_columns: there is no argument 'stratgy'; is 'strategy'"),
    ],
)  # fmt: skip
def test_what_cannot_be(mistake: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        operator(**mistake)


def test_the_mapped_task_is_shown_by_its_table() -> None:
    with DAG("a_dag", schedule=None):
        copy = operator().transfer("copy", destination_conn_id="dst", pool="p")
    assert copy.upstream_task_ids == {"tables"}
    assert (copy.partial_kwargs["map_index_template"], copy.pool) == ("{{ task.source_table }}", "p")
    assert (copy.partial_kwargs["source_conn_id"], copy.partial_kwargs["destination_conn_id"]) == (
        "src",
        "dst",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strategy": "none"}, "strategy: 'none' is for tables without a checkpoint, .* give it in defaults"),
        ({"checkpoint_enabled": False}, "checkpoint_enabled: False is for tables without .* give it in defaults"),
        ({"checkpoint_enabled": "N"}, "checkpoint_enabled: 'N' is for tables without .* give it in defaults"),
        ({"default_args": {"strategy": "none"}}, "strategy: 'none' is for tables without a checkpoint"),
        ({"publish": False}, "publish: each listed table is published by its own instance"),
        ({"checkpoint_name": "a"}, "checkpoint_name: it is not an argument of a listed table"),
        ({"partition": {}}, "partition: it is not an argument of a listed table"),
        ({"destination_table": "t", "write_mode": "replace"}, "destination_table: all listed tables .* into 't'"),
    ],
)  # fmt: skip
def test_what_tables_cannot_have_in_common(given: dict[str, Any], message: str) -> None:
    with DAG("a_dag", schedule=None), pytest.raises(ArgumentError, match=message):
        operator().transfer("copy", **{"destination_conn_id": "dst", "destination_table": "t", **given})


def test_what_tables_may_have_in_common() -> None:
    with DAG("a_dag", schedule=None, default_args={"strategy": "none"}):
        operator(defaults={"strategy": "auto"}).transfer(
            "copy", destination_conn_id="dst", destination_table="t", write_mode="upsert", publish=True
        )


def listed(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, number: int, **changes: Any
) -> list[dict[str, Any]]:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", make_db("sqlite", "source").uri)
    names = [f"t{n}" for n in range(number)]
    monkeypatch.setattr(table_names, "tables_named", lambda *_: names)
    return operator(include=["t*"], **changes).execute({})  # type: ignore[arg-type]


def test_as_many_tables_as_airflow_maps_over(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {"destination_table": "{table}"}
    assert len(listed(make_db, monkeypatch, 1, defaults=defaults)) == 1
    assert len(listed(make_db, monkeypatch, 1024, defaults=defaults)) == 1024
    with pytest.raises(ArgumentError, match="include: these are 1,025 tables, .* at most 1,024"):
        listed(make_db, monkeypatch, 1025, defaults=defaults)


@pytest.mark.parametrize(
    "without", [{"strategy": "none"}, {"checkpoint_enabled": False}, {"checkpoint_enabled": "N"}]
)
def test_a_table_without_a_checkpoint_has_no_name(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, without: dict[str, Any]
) -> None:
    (one,) = listed(make_db, monkeypatch, 1, defaults=without)
    assert one == {"source_table": "t0", **without}


def test_a_table_with_a_checkpoint_has_its_name(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = listed(make_db, monkeypatch, 1, defaults={"checkpoint_enabled": "Y"})
    assert one["checkpoint_name"] == "t0"
