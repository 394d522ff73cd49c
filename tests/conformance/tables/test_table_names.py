"""Tables are listed by patterns of their names, and by the rows of a mapping table."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.mapping_table import NamedTable, logged_positions
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.tables import CheckpointTablesOperator
from tests.support.databases.db import Db

DEFAULTS = {"destination_table": "dwh.{table}", "write_mode": "replace"}


def tables(**changes: Any) -> list[dict[str, Any]]:
    arguments = {"task_id": "tables", "source_conn_id": "src", "defaults": DEFAULTS}
    return CheckpointTablesOperator(**{**arguments, **changes}).execute({})  # type: ignore[arg-type]


@pytest.fixture
def erp(source: Db, monkeypatch: pytest.MonkeyPatch) -> Db:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    source.execute(
        "CREATE TABLE sales (n integer)",
        "CREATE TABLE sales_lines (n integer)",
        'CREATE TABLE "Odd.Name" (n integer)',
        "CREATE TABLE airflow_checkpoint_event (n integer)",
        "CREATE TABLE sales__stage_0123456789ab_1 (n integer)",
        "CREATE VIEW sales_view AS SELECT n FROM sales",
    )
    return source


@pytest.mark.able(lists_tables=True)
def test_names_match_patterns(erp: Db) -> None:
    assert [one["source_table"] for one in tables(include=["SALES*"])] == ["sales", "sales_lines"]
    assert [one["source_table"] for one in tables(include=["sale?", "sal*"], exclude=["*_LINES"])] == [
        "sales"
    ]
    everything = tables(include=["*"])
    assert [one["source_table"] for one in everything] == ['"Odd.Name"', "sales", "sales_lines"]
    assert everything[1] == {
        "source_table": "sales",
        "destination_table": "dwh.sales",
        "write_mode": "replace",
        "checkpoint_name": "sales",
    }
    with erp.database("src").open() as connection:
        for one in everything:
            assert TableName.parse(one["source_table"], "t").resolve(sa.inspect(connection))


@pytest.mark.able(lists_tables=True)
def test_a_pattern_with_the_default_schema_leaves_out_tables_without_one(erp: Db) -> None:
    with erp.database("src").open() as connection:
        schema = connection.dialect.default_schema_name
    found = tables(include=["s*"], exclude=[f"{schema}.SALES_*", "elsewhere.sales"])
    assert [one["source_table"] for one in found] == ["sales"]


@pytest.mark.able(lists_tables=True)
def test_what_matches_nothing_is_refused(erp: Db) -> None:
    with pytest.raises(
        ArgumentError, match=r"include: 'purchases\*' matches none of the 3 tables in the default"
    ):
        tables(include=["sales", "purchases*"])
    with pytest.raises(ArgumentError, match="include: .*schema 'nowhere'"):
        tables(include=["nowhere.*"])
    with pytest.raises(ArgumentError, match="exclude: it leaves no table"):
        tables(include=["sales"], exclude=["s*"])


@pytest.mark.able(lists_tables=True, has_schemas=True)
def test_tables_of_a_schema(erp: Db) -> None:
    erp.execute("CREATE SCHEMA hr", "CREATE TABLE hr.staff (n integer)", "CREATE TABLE hr.jobs (n integer)")
    try:
        found = tables(include=["hr.*", "sales"], exclude=["HR.J*"])
        assert [one["source_table"] for one in found] == ["hr.staff", "sales"]
        assert [one["destination_table"] for one in found] == ["dwh.staff", "dwh.sales"]
        assert [one["checkpoint_name"] for one in found] == ["hr.staff", "sales"]
    finally:
        erp.execute(erp.able.drop_schema("hr"))


@pytest.mark.able(lists_tables=False)
def test_a_database_that_is_not_asked(erp: Db) -> None:
    with pytest.raises(ArgumentError, match="include: .* is not asked for the names of its tables"):
        tables(include=["*"])


COLUMNS = {
    "source_table": "src_table",
    "strategy": "chkpntstrategy",
    "checkpoint_column": "chkpntcolumn",
    "enabled": "active",
}


@pytest.fixture
def mapping(source: Db, monkeypatch: pytest.MonkeyPatch) -> Db:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    source.execute(
        "CREATE TABLE dms_mapr (src_table varchar(50), chkpntstrategy varchar(10), chkpntcolumn varchar(50), "
        "active varchar(1))"
    )
    source.insert(
        "dms_mapr",
        [("sales", "KEY", "sale_id", "Y"), ("country", "NONE", None, "Y"), ("old", "AUTO", None, "N")],
    )
    return source


def test_rows_of_a_mapping_table(mapping: Db) -> None:
    found = tables(mapping_table="dms_mapr", mapping_columns=COLUMNS)
    assert {one["source_table"]: one.get("checkpoint_name") for one in found} == {
        "sales": "sales",
        "country": None,
    }
    assert next(one for one in found if one["source_table"] == "sales") == {
        "source_table": "sales",
        "destination_table": "dwh.sales",
        "write_mode": "replace",
        "strategy": "key",
        "checkpoint_column": ["sale_id"],
        "checkpoint_name": "sales",
    }
    mapping.execute("UPDATE dms_mapr SET active = 'N'")
    with pytest.raises(ArgumentError, match="mapping_table: dms_mapr switches no table on"):
        tables(mapping_table="dms_mapr", mapping_columns=COLUMNS)


def test_tables_that_meet_in_one_destination_need_a_mode_that_adds(mapping: Db) -> None:
    mapped = {"mapping_table": "dms_mapr", "mapping_columns": COLUMNS}
    with pytest.raises(
        ArgumentError, match="destination_table: .* is loaded into 'dwh.all' as well; .* adds"
    ):
        tables(**mapped, defaults={"destination_table": "dwh.all"})
    for mode in ("append", "upsert"):
        assert len(tables(**mapped, defaults={"destination_table": "dwh.all", "write_mode": mode})) == 2


def test_names_that_would_be_one_id_of_a_task(mapping: Db) -> None:
    """Listed tables have no tasks of their own."""
    mapping.execute("DELETE FROM dms_mapr")
    mapping.insert("dms_mapr", [("a.b", "KEY", "n", "Y"), ("a__b", "KEY", "n", "Y")])
    found = tables(mapping_table="dms_mapr", mapping_columns=COLUMNS)
    assert {one["checkpoint_name"] for one in found} == {"a.b", "a__b"}


def test_a_mapping_table_that_cannot_be_read(mapping: Db) -> None:
    with pytest.raises(ArgumentError, match="mapping_table: there is no table dms_map"):
        tables(mapping_table="dms_map", mapping_columns=COLUMNS)
    with pytest.raises(ArgumentError, match="mapping_columns: dms_mapr has no column src; it has"):
        tables(mapping_table="dms_mapr", mapping_columns={"source_table": "src"})
    mapping.execute("UPDATE dms_mapr SET active = NULL")
    with pytest.raises(ArgumentError, match=r"row 1 \(\w+\): enabled: the flag has no value"):
        tables(mapping_table="dms_mapr", mapping_columns=COLUMNS)


def test_the_last_positions_of_a_process_log(source: Db) -> None:
    source.execute("CREATE TABLE prclog (prcid integer, job varchar(10), param1 varchar(40))")
    rows = [(3, "7", "30"), (1, "7", "10"), (2, "8", "5"), (None, "8", "9"), (4, "9 ", None)]
    source.insert("prclog", rows)
    columns = {"load": "JOB", "position": "PARAM1"}
    with source.database("src").open() as connection:
        log = NamedTable.find(connection, "prclog", "--log-table", "--log-columns")
        assert logged_positions(log, {**columns, "newest": "prcid"}) == {"7": ["30"], "8": ["5"], "9": [None]}
        assert {load: len(found) for load, found in logged_positions(log, columns).items()} == {
            "7": 2,
            "8": 2,
            "9": 1,
        }
        with pytest.raises(ArgumentError, match="--log-columns: prclog has no column nope; it has "):
            log.rows({"load": "nope"})
