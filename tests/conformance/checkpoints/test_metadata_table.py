"""The metadata table itself: created, refused, newer, damaged."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    InvalidCheckpointError,
    MetadataTableError,
    NewerFormatError,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination.execute("CREATE TABLE target (n integer)")
    return Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n", "batch_size": 4})


def test_auto_create_off(load: Load) -> None:
    with pytest.raises(
        MetadataTableError, match=r"airflow_checkpoint does not exist, and .* auto_create is off.*ddl"
    ):
        load.attempt(auto_create=False)
    assert loaded(load) == []
    load.attempt_batches(1)
    assert load.attempt(auto_create=False).rows == 6


@pytest.mark.parametrize("name", ["checkpoints", '"Mixed Case"', '"do.t"', '"per%cent"'])
def test_another_name(load: Load, name: str) -> None:
    assert load.attempt_batches(1, checkpoint_table=name)
    assert load.attempt(checkpoint_table=name).rows == 6


@pytest.mark.able(has_schemas=True)
def test_in_a_schema(load: Load) -> None:
    load.destination.execute('CREATE SCHEMA "Check"')
    try:
        test_another_name(load, "Check.Points")
    finally:
        load.destination.execute(load.destination.able.drop_schema('"Check"'))


@pytest.mark.parametrize("name", ["target", '"Other"'])
def test_a_table_that_is_somebody_elses(load: Load, hook: CheckpointHook, name: str) -> None:
    load.destination.execute('CREATE TABLE "Other" (n integer, dag_id varchar(9))')
    said = "checkpoint_table: .* is not a table of checkpoints: it has no column (dag|task)_id"
    other = CheckpointHook("target", checkpoint_table=name)
    for look in (
        other.list,
        lambda: other.get("dag", "copy"),
        lambda: load.attempt(checkpoint_table=name),
        other.list,
    ):
        with pytest.raises(MetadataTableError, match=said):
            look()
    assert loaded(load) == []


def test_a_schema_that_is_not_there(load: Load) -> None:
    with pytest.raises(MetadataTableError, match=r"nowhere.checkpoints could not be created"):
        load.attempt(checkpoint_table="nowhere.checkpoints")
    assert loaded(load) == []


@pytest.mark.server
def test_without_the_right_to_create_it(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
    role = f"loader_{os.getpid()}"
    destination.execute(
        "CREATE TABLE target (n integer)",
        f"CREATE ROLE {role} LOGIN",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT SELECT, INSERT ON target TO {role}",
    )
    as_loader = Database("dst", lambda: psycopg.connect(destination.place, user=role))
    load = Load(source, destination, {"source_table": "t"})
    try:
        with pytest.raises(MetadataTableError, match=r"could not be created: permission denied.*Grant.*ddl"):
            load.transfer(destination=as_loader).run()
        assert loaded(load) == []
        destination.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
        assert load.transfer(destination=as_loader).run().rows == 1
    finally:
        destination.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_newer_format_is_refused(load: Load) -> None:
    load.attempt_batches(1)
    load.destination.execute("UPDATE airflow_checkpoint SET format_version = 3")
    before = load.destination.rows("SELECT * FROM airflow_checkpoint")
    with pytest.raises(
        NewerFormatError, match=r"has format 3; this version .* reads up to 2. Upgrade the package"
    ):
        load.attempt()
    assert load.destination.rows("SELECT * FROM airflow_checkpoint") == before
    assert loaded(load) == [0, 1, 2, 3]
    load.destination.execute("UPDATE airflow_checkpoint SET format_version = 2")
    assert load.attempt().rows == 6


STORED = [
    ('["not", "a", "position"]', r"n, whose type in 'src' now is int"),
    ("gibberish", "gibberish is stored for n"),
    ("[]", r"\[\] is stored for n"),
    ("", "stored for n"),
    ('[["int","1e5"]]', "1e5"),
    ('[["str","abc"]]', r'\[\["str","abc"\]\] is stored for n, whose type in \'src\' now is int'),
    ('[["datetime","2026-01-01T00:00:00"]]', "datetime"),
    ('[["int","3"],["int","4"]]', "stored for n"),
    ('[["int",3]]', "stored for n"),
    ("{}", "stored for n"),
    ("null", "null is stored for n"),
]


@pytest.mark.able(keeps_empty_text=True)
@pytest.mark.parametrize(("text", "message"), STORED)
@pytest.mark.parametrize("column", ["position", "upper_bound"])
def test_a_stored_position_that_cannot_be_one(load: Load, text: str, message: str, column: str) -> None:
    load.attempt_batches(1)
    load.destination.execute(f"UPDATE airflow_checkpoint SET {column} = '{text}'")
    for _ in range(2):
        with pytest.raises(
            InvalidCheckpointError, match=rf"Invalid checkpoint value: .*{message}.*Clear the task"
        ):
            load.attempt()
        assert loaded(load) == [0, 1, 2, 3]
        assert load.destination.one(f"SELECT {column} FROM airflow_checkpoint") == text
    load.clear()
    assert load.attempt(write_mode="replace").rows == 10


@pytest.mark.parametrize("way_out", [{"force_reload": True}, {"force_reload": True, "scope": "task"}])
def test_force_reload_is_a_way_out(load: Load, way_out: dict[str, Any]) -> None:
    scope = {"scope": way_out.get("scope", "run")}
    load.attempt_batches(1, **scope)
    load.destination.execute(
        "UPDATE airflow_checkpoint SET position = 'x', upper_bound = 'y', lower_bound = 'z'"
    )
    assert load.attempt(preoperator="DELETE FROM target", **way_out).rows == 10


@pytest.mark.parametrize("column", ["position", "start_position"])
def test_a_mark_that_cannot_be_read(load: Load, column: str) -> None:
    load.arguments["scope"] = "task"
    load.attempt()
    load.next_run()
    load.source.insert("t", [(10,)])
    if column == "start_position":
        load.attempt()
        load.clear()
    load.destination.execute(f"UPDATE airflow_checkpoint SET {column} = 'gibberish'")
    load.arguments["write_mode"] = "upsert"
    load.arguments["conflict_columns"] = ["n"]
    load.destination.execute("CREATE UNIQUE INDEX u ON target (n)")
    for _ in range(2):
        with pytest.raises(
            InvalidCheckpointError, match="Invalid checkpoint value: gibberish is stored for n"
        ):
            load.attempt()
    assert load.attempt(force_reload=True).rows == 11
    load.next_run()
    assert load.attempt().rows == 0


def test_what_is_only_there_for_the_progress_does_no_harm(load: Load) -> None:
    load.attempt_batches(1)
    load.destination.execute("UPDATE airflow_checkpoint SET lower_bound = 'gibberish'")
    assert load.attempt().rows == 6


@pytest.mark.parametrize(("column", "text"), [("status", "odd"), ("fingerprint", "{"), ("key_columns", "x")])
def test_a_row_that_cannot_be_read(load: Load, column: str, text: str) -> None:
    load.attempt_batches(1)
    load.destination.execute(f"UPDATE airflow_checkpoint SET {column} = '{text}'")
    with pytest.raises(
        InvalidCheckpointError, match=r"Invalid checkpoint value: the row of a_dag.a_task, run run_1"
    ):
        load.attempt()
    load.destination.execute("DELETE FROM airflow_checkpoint")
    assert load.attempt(preoperator="DELETE FROM target").rows == 10


def test_a_column_whose_type_has_changed(load: Load) -> None:
    load.attempt_batches(1)
    load.source.execute(
        "ALTER TABLE t RENAME TO old", "CREATE TABLE t (n text)", "INSERT INTO t SELECT 'x' || n FROM old"
    )
    with pytest.raises(CheckpointError, match=r'Invalid checkpoint value: \[\["int","3"\]\] .* now is str'):
        load.attempt()
    load.source.execute("DROP TABLE t", "ALTER TABLE old RENAME TO t")
    assert load.attempt().rows == 6
