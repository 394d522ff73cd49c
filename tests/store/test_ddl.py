"""The script for a DBA: valid in every dialect, and the tables that the package itself would create."""

from __future__ import annotations

import re
import sqlite3
from functools import partial

import pytest
import sqlglot

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.store.tables import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "oracle": "oracle", "mysql": "mysql"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parses_in_every_dialect(dialect: str) -> None:
    parsed = sqlglot.parse(CheckpointHook("x", "checkpoints").ddl(dialect), read=DIALECTS[dialect])
    made = [
        (statement.args["kind"], statement.find(sqlglot.exp.Table).name) for statement in parsed if statement
    ]
    within = dialect == "mysql"
    assert made == [
        ("TABLE", "checkpoints"),
        *[("INDEX", "checkpoints")] * (0 if within else 4),
        ("TABLE", "checkpoints_event"),
        *[("INDEX", "checkpoints_event")] * (0 if within else 2),
        ("TABLE", "checkpoints_reject"),
        *[("INDEX", "checkpoints_reject")] * (0 if within else 1),
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_names_the_schema(dialect: str) -> None:
    script = CheckpointHook("x", "meta.checkpoints").ddl(dialect)
    assert "CREATE TABLE meta.checkpoints (" in script
    assert "CREATE TABLE meta.checkpoints_event (" in script


def test_another_dialect_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match="dialect: 'db2' is not known; choose one of mysql, oracle, postgresql"
    ):
        CheckpointHook("x").ddl("db2")


def test_makes_the_tables_that_the_package_makes() -> None:
    tables = Tables.named("airflow_checkpoint")
    by_hand = sqlite3.connect(":memory:")
    by_package = Database("meta", partial(sqlite3.connect, ":memory:")).open()
    by_hand.executescript(tables.ddl("sqlite"))
    tables.create(by_package, rejects=True)
    catalog = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
    made = [tuple(row) for row in by_package.exec_driver_sql(catalog)]

    def plain(rows: list[tuple]) -> list[tuple]:
        return [(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows]

    assert plain(by_hand.execute(catalog).fetchall()) == plain(made)


def test_mysql_commits_a_table_with_its_indexes() -> None:
    script = Tables.named("meta.checkpoints").ddl("mysql")
    assert script.count("CREATE ") == script.count("CREATE TABLE meta.checkpoints") == 3
    keys = re.findall(r"KEY (\w+) \((.*)\)", script)
    assert ("checkpoints_status", "status, updated_at") in keys
    assert len(keys) == 7


def test_postgres_leaves_room_for_the_row_that_each_batch_updates() -> None:
    checkpoints, events = CheckpointHook("x").ddl("postgresql").split("CREATE TABLE")[1:3]
    assert ")\n WITH (fillfactor = 50);" in checkpoints
    assert "fillfactor" not in events
    assert "fillfactor" not in CheckpointHook("x").ddl("oracle")
