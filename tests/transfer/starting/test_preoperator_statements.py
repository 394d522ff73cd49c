"""The effects of a preoperator's statements that are known before they run."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.oracle.dialect import OracleDialect
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import (
    check_session_state,
    deleted_slices,
    empties,
)
from tests.support.databases.fixtures import MakeDb


@pytest.mark.parametrize(
    ("script", "known"),
    [
        ("DELETE FROM target", True),
        ("delete /* all */ from\n s.target;", True),
        (["SELECT 1", "TRUNCATE TABLE target"], True),
        ("TRUNCATE other, target CASCADE", True),
        ("DROP TABLE IF EXISTS target; CREATE TABLE target (n integer)", True),
        ('TRUNCATE "target" RESTART IDENTITY', True),
        ("DELETE FROM target WHERE day = '2026-01-01'", False),
        ("DELETE FROM other WHERE n = s.target", False),
        ("DELETE FROM target_of_others", False),
        ("DELETE target", True),
        ("DELETE QUICK FROM target", True),
        ("DELETE target WHERE n = 1", False),
        ("INSERT INTO log VALUES ('DELETE FROM target')", False),
    ],
)
def test_what_a_preoperator_is_known_to_empty(make_db: MakeDb, script: Any, known: bool) -> None:
    with make_db("sqlite", "destination").database("dst").open() as connection:
        table = TableName.parse("target", "destination_table")
        assert empties(script, open_destination(connection, table, "dst", "append")) is known


@pytest.mark.parametrize(
    ("script", "number"),
    [
        ("DELETE FROM target WHERE n = 1", 1),
        ("DELETE target WHERE n = 1", 1),
        ("DELETE FROM target WHERE v = 'a\nb'", 1),
        ("DELETE QUICK FROM target LIMIT 5", 1),
        ("DELETE FROM ONLY s.target t USING other WHERE t.n = other.n", 1),
        ("ALTER TABLE target DROP PARTITION p", 1),
        (["DELETE FROM target WHERE n = 1", "DELETE FROM target WHERE n = 2"], 2),
        ("DELETE FROM target WHERE n = 1; delete /* x */ FROM target; DELETE FROM target  WHERE n = 1", 1),
        ("DELETE FROM other WHERE n = 1; ALTER TABLE target ADD k integer; UPDATE target SET n = 1", 0),
    ],
)
def test_the_statements_by_which_a_preoperator_deletes_some_rows(
    make_db: MakeDb, script: Any, number: int
) -> None:
    with make_db("sqlite", "destination").database("dst").open() as connection:
        table = TableName.parse("target", "destination_table")
        destination = open_destination(connection, table, "dst", "append")
        assert len(deleted_slices(script, destination)) == number
        many = [f"DELETE FROM target WHERE n = {n}" for n in range(1001)]
        with pytest.raises(ArgumentError, match="rows of target by 1,001 statements, and up to 1,000"):
            deleted_slices(many, destination)


@pytest.mark.parametrize(
    ("statement", "leaves"),
    [
        ("alter /* now */ session SET CURRENT_SCHEMA = dwh", True),
        ("SET ROLE loader", True),
        ("CREATE PRIVATE TEMPORARY TABLE ora$ptt_t (n NUMBER)", True),
        ("BEGIN DELETE FROM target; EXECUTE IMMEDIATE 'ALTER SESSION SET NLS_SORT = BINARY'; END;", True),
        ("BEGIN DBMS_SESSION.SET_ROLE('loader'); END;", True),
        ("CREATE GLOBAL TEMPORARY TABLE t (n NUMBER)", False),
        ("BEGIN EXECUTE IMMEDIATE 'TRUNCATE TABLE target'; END;", False),
        ("SET CONSTRAINTS ALL DEFERRED", False),
        ("DELETE FROM target -- ALTER SESSION SET x = y", False),
    ],
)
def test_what_holds_for_one_session_of_oracle(statement: str, leaves: bool) -> None:
    destination: Any = SimpleNamespace(dialect=OracleDialect())
    with pytest.raises(ArgumentError, match="field Schema") if leaves else nullcontext():
        check_session_state(statement, destination)


@pytest.mark.parametrize(
    "statement", ["SET SCHEMA dwh", "USE dwh", "DECLARE GLOBAL TEMPORARY TABLE t (n int)"]
)
def test_what_holds_for_one_session_of_a_database_that_is_not_known(statement: str) -> None:
    destination: Any = SimpleNamespace(dialect=Dialect())
    with pytest.raises(ArgumentError, match="hook of the connection"):
        check_session_state(["DELETE FROM target", statement], destination)
