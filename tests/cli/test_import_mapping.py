"""``airflow checkpoint import-mapping``: the tables of an older framework as a declaration, with its positions."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG

from airflow_checkpoint_provider.cli import scopes
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.cli.conftest import Airflow, Said
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

COLUMNS = (
    "source_table=SRC",
    "strategy=CHKPNTSTRATEGY",
    "checkpoint_column=CHKPNTCOLUMN",
    "checkpoint_enabled=CHKPNTENABLED",
    "enabled=ACTIVE",
    "load=MAPREF",
)
OF_RUNS = '{"destination_table": "{table}", "write_mode": "replace"}'
MARKS = '{"destination_table": "{table}", "scope": "task"}'
LOG = ("--log-table", "DMS_PRCLOG", "--log-columns", "load=MAPREF", "position=PARAM1", "newest=PRCID")
ROWS = [
    (1, "sales", "KEY", "N", "Y", "Y", None),
    (2, "lines", "AUTO", "ORDER_ID,LINE_NO", "Y", "Y", None),
    (3, "totals", "PYTHON", "KEPT", "1", "Y", "a rule"),
    (4, "country", None, None, "N", "Y", None),
    (5, "old", "KEY", "ID", "Y", "N", None),
    (6, "hot", "ROWSCN", "ID", "Y", "Y", None),
    (7, "keyless", "KEY", None, "Y", "Y", None),
    (8, "odd", "KEY", "N", "perhaps", "Y", None),
    (9, "sales", "KEY", "N", "Y", "Y", None),
]


@pytest.fixture
def legacy(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    """The old framework's tables, the tables that it loads, and where to."""
    legacy, source, destination = (make_db("sqlite", name) for name in ("legacy", "source", "destination"))
    for conn_id, db in (("LEGACY", legacy), ("ERP", source), ("WAREHOUSE", destination)):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", db.uri)
    legacy.execute(
        "CREATE TABLE DMS_MAPR (MAPREF integer, SRC varchar(40), CHKPNTSTRATEGY varchar(40), "
        "CHKPNTCOLUMN varchar(40), CHKPNTENABLED varchar(8), ACTIVE varchar(1), RULES varchar(40))",
        "CREATE TABLE DMS_PRCLOG (PRCID integer, MAPREF varchar(10), PARAM1 varchar(40))",
    )
    legacy.insert("DMS_MAPR", ROWS)
    log = [(2, "1", "3"), (1, "1", "2"), (3, "2", "1, 2"), (4, "3", "2"), (5, "4", "9"), (6, "70", "9")]
    legacy.insert("DMS_PRCLOG", log)
    for db in (source, destination):
        db.execute(
            "CREATE TABLE sales (n integer)",
            "CREATE TABLE lines (order_id integer, line_no integer)",
            "CREATE TABLE totals (n integer)",
            "CREATE TABLE country (n integer)",
        )
    source.insert("sales", [(n,) for n in range(6)])
    source.insert("lines", [(1, n) for n in range(4)])
    source.insert("totals", [(n,) for n in range(4)])
    return legacy


def imported(airflow: Airflow, *more: str, defaults: str = OF_RUNS) -> Said:
    connections = ("--source-conn-id", "erp", "--destination-conn-id", "warehouse")
    named = ("--group-id", "dms", *connections, "--defaults", defaults)
    return airflow("import-mapping", "legacy", "DMS_MAPR", "--columns", *COLUMNS, *named, *more)


def test_the_file_is_a_declaration(airflow: Airflow, legacy: Db, tmp_path: Path) -> None:
    told = imported(airflow)
    (tmp_path / "dms.yaml").write_text(told.out)
    with DAG("a_dag", schedule=None):
        made = CheckpointedTransferGroup.from_yaml(tmp_path / "dms.yaml")
    found = {
        one.task_id: (one.strategy, one.checkpoint_column, one.checkpoint_enabled, one.destination_table)
        for one in made.dag.tasks
    }
    assert found == {
        "dms.sales": ("key", ["N"], True, "sales"),
        "dms.lines": ("auto", ["ORDER_ID", "LINE_NO"], True, "lines"),
        "dms.totals": ("python", None, True, "totals"),
        "dms.country": ("none", None, False, "country"),
    }


def test_what_is_not_carried_over_is_told(airflow: Airflow, legacy: Db) -> None:
    told = imported(airflow)
    assert told.code == 1
    assert told.err.splitlines() == [
        "rows: row 3 (totals): strategy 'python' uses no column; KEPT is left out.",
        "rows: row 5 (old): it is switched off, and left out.",
        "rows: row 8 (odd): checkpoint_enabled: 'perhaps' is neither true nor false.",
        "rows: row 9: sales has a row already; this one is left out.",
        "DMS_MAPR: no argument stands for RULES; what is there is not carried over.",
        "tables: 'hot': strategy: 'rowscn' is not one of 'auto', 'key', 'python', 'none' or a template.",
        "tables: 'keyless': checkpoint_column: strategy='key' needs the column, or columns, to go by.",
    ], told.err


def test_rows_that_are_all_carried_over(airflow: Airflow, legacy: Db) -> None:
    legacy.execute("DELETE FROM DMS_MAPR WHERE MAPREF > 5")  # one of the others is switched off
    assert imported(airflow).code == 0


def test_positions_are_only_shown(airflow: Airflow, legacy: Db) -> None:
    told = imported(airflow, *LOG).err
    assert "sales: DMS_PRCLOG has the position '3'." in told
    assert "DMS_PRCLOG: no row of DMS_MAPR has the load 70." in told
    assert "No position was seeded; --seed DAG_ID does that." in told
    assert airflow("list", "-c", "warehouse").code == 1  # there is no metadata table


def test_positions_are_seeded(airflow: Airflow, legacy: Db) -> None:
    told = imported(airflow, *LOG, "--seed", "dms_load", "--run-id", "run_1", "--reason", "moved").err
    assert (
        "sales: the next attempt of dms_load.dms.sales, run run_1, continues after n = 3, provided that the DAG has this "
        "task, with scope='run'."
    ) in told.splitlines()
    assert "country: its position is not carried over. strategy: the load keeps no checkpoint." in told
    hook = CheckpointHook("warehouse")
    positions = {
        name: (seeded.status, seeded.position.key, seeded.position.rows)
        for name in ("sales", "lines", "totals")
        if (seeded := hook.get("dms_load", f"dms.{name}", "run_1"))
    }
    assert positions == {
        "sales": ("seeded", (3,), 0),
        "lines": ("seeded", (1, 2), 0),
        "totals": ("seeded", None, 2),
    }
    assert hook.history("dms_load", "dms.sales", "run_1")[0].detail == "n = 3: moved"


def test_a_task_that_the_dag_has_is_told_without_a_condition_and_another_is_refused(
    airflow: Airflow, legacy: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"task_id": "dms.sales", "scope": "run"}
    monkeypatch.setattr(scopes, "serialized_dag", lambda dag_id: {"dag": {"tasks": [{"__var": known}]}})
    told = imported(airflow, *LOG, "--seed", "dms_load", "--run-id", "run_1").err.splitlines()
    assert "sales: the next attempt of dms_load.dms.sales, run run_1, continues after n = 3." in told
    refused = "lines: its position is not carried over. task_id: dms_load has no task dms.lines, so"
    assert any(line.startswith(refused) for line in told), told
    assert CheckpointHook("warehouse").get("dms_load", "dms.lines", "run_1") is None


def test_a_checkpoint_is_replaced_when_that_is_confirmed(airflow: Airflow, legacy: Db) -> None:
    seed = (*LOG, "--seed", "dms_load", "--run-id", "run_1")
    imported(airflow, *seed)
    assert "sales: its position is not carried over. There is a checkpoint of" in imported(airflow, *seed).err
    assert "sales: the next attempt of" in imported(airflow, *seed, "--yes").err


def test_a_mark_spans_runs_and_a_load_of_each_run_needs_its_name(airflow: Airflow, legacy: Db) -> None:
    seed = (*LOG, "--seed", "dms_load")
    assert "name the run with --run-id" in imported(airflow, *seed).err
    told = imported(airflow, *seed, "--run-id", "run_1", defaults=MARKS).err
    assert "tables: 'totals': scope: 'task' keeps a high-water mark of a key" in told
    mark = CheckpointHook("warehouse").get("dms_load", "dms.sales")
    assert mark
    assert mark.position.key == (3,)


def test_positions_that_cannot_be_carried_over(airflow: Airflow, legacy: Db) -> None:
    legacy.execute(
        "UPDATE DMS_PRCLOG SET PARAM1 = 'many' WHERE MAPREF = '3'",
        "UPDATE DMS_PRCLOG SET PARAM1 = '99' WHERE PRCID = 2",
        "UPDATE DMS_PRCLOG SET PARAM1 = NULL WHERE MAPREF = '2'",
    )
    told = imported(airflow, *LOG, "--seed", "dms_load", "--run-id", "run_1")
    assert told.code == 1
    assert "totals: its position is not carried over. rows: 'many' is not a number of rows" in told.err
    assert "sales: its position is not carried over. position: n = 99 is beyond the greatest" in told.err
    assert "lines: DMS_PRCLOG has no position of its load 2." in told.err
    several = imported(airflow, *LOG[:-1], "--seed", "dms_load").err
    assert "sales: its position is not carried over. DMS_PRCLOG has 2 positions of its load 1;" in several


def test_a_table_has_the_position_of_the_row_that_is_switched_on(airflow: Airflow, legacy: Db) -> None:
    legacy.execute(
        "UPDATE DMS_MAPR SET ACTIVE = 'N' WHERE MAPREF = 1",
        "UPDATE DMS_MAPR SET ACTIVE = 'Y' WHERE MAPREF = 9",
    )
    legacy.insert("DMS_PRCLOG", [(7, "9", "1")])
    assert "sales: DMS_PRCLOG has the position '1'." in imported(airflow, *LOG).err


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_row_without_a_load_has_no_position(airflow: Airflow, legacy: Db, nothing: str | None) -> None:
    legacy.execute(
        "UPDATE DMS_MAPR SET MAPREF = NULL WHERE MAPREF = 1", "DELETE FROM DMS_PRCLOG WHERE MAPREF = '1'"
    )
    legacy.insert("DMS_PRCLOG", [(7, nothing, "1")])
    told = imported(airflow, *LOG).err.splitlines()
    assert "sales: its row of DMS_MAPR names no load, so it has no position." in told
    assert "DMS_PRCLOG: no row of DMS_MAPR has the load 70." in told


def test_of_two_rows_that_are_the_newest_none_is_chosen(airflow: Airflow, legacy: Db) -> None:
    legacy.insert("DMS_PRCLOG", [(2, "1", None), (3, "2", "1, 2")])
    told = imported(airflow, *LOG)
    assert "sales: its position is not carried over. DMS_PRCLOG has 2 positions of its load 1;" in told.err
    assert "lines: DMS_PRCLOG has the position '1, 2'." in told.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--columns", "strategy=CHKPNTSTRATEGY"), "columns: name the column of each argument"),
        (("--columns", "source_table"), "--columns: 'source_table' is not of the form NAME=COLUMN."),
        (("--columns", "source_table=SRC", "stratgy=X"), "--columns: there is no name 'stratgy'; is 'strategy' meant?"),
        (("--columns", "source_table=TABLE_NAME"), "--columns: DMS_MAPR has no column TABLE_NAME; it has MAPREF"),
        (("--log-table", "DMS_PRCLOG"), "--log-columns: it goes with --log-table"),
        ((*LOG[:4], "newest=PRCID"), "--log-columns: name the columns of load and position"),
        (("--seed", "dms_load"), "--seed: the positions come from --log-table"),
        (("--log-table", "NOPE", *LOG[2:]), "--log-table: there is no table NOPE."),
        (("--defaults", "{"), "--defaults: '{' is not JSON"),
        (("--defaults", '{"wirte_mode": 1}'), "defaults: there is no argument 'wirte_mode'"),
    ],
)  # fmt: skip
def test_what_is_not_understood(airflow: Airflow, legacy: Db, wrong: tuple[str, ...], message: str) -> None:
    told = imported(airflow, *wrong)
    assert (told.code, told.out) == (1, "")
    assert message in told.err
