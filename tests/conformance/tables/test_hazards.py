"""Tables that do not stay in step with their checkpoint are refused, or reported where that is accepted."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.fixtures import MakeDb
from tests.support.refusals import TABLE, make_load, refused

pytestmark = pytest.mark.server


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
@pytest.mark.parametrize("metadata", [False, True])
def test_an_unlogged_table_is_refused(make_db: MakeDb, write_mode: str, metadata: bool) -> None:
    load = make_load(make_db, "postgres", TABLE, write_mode=write_mode)
    name = "airflow_checkpoint" if metadata else "target"
    if metadata:
        load.attempt()
        load.clear()
    load.destination.execute(f"ALTER TABLE {name} SET UNLOGGED")
    if metadata and write_mode == "append":
        load.destination.execute("DELETE FROM target")
    refused(load, f"{name} is UNLOGGED: a crash of the server empties it.*ALTER TABLE {name} SET LOGGED")
    load.destination.execute(f"ALTER TABLE {name} SET LOGGED")
    assert load.attempt(allow_duplicates=True).guarantee == "exactly-once"


def test_an_unlogged_partition_is_told_where_it_is_accepted(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer, v varchar(20)) PARTITION BY RANGE (n)",
        "CREATE UNLOGGED TABLE part PARTITION OF target FOR VALUES FROM (0) TO (1000)",
    )
    refused(load, "part is UNLOGGED")
    assert load.attempt(allow_duplicates=True).guarantee == "at-least-once"


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite"])
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_a_temporary_table_is_refused(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(make_db, kind, write_mode=write_mode)
    make = TABLE.replace("CREATE", "CREATE TEMPORARY")
    refused(load, "preoperator: .* holds for one session only", preoperator=make)

    def connect() -> Any:
        connection = load.destination.connect()
        connection.cursor().execute(make)
        connection.commit()
        return connection

    with pytest.raises(ArgumentError, match="destination_table: target is a temporary table"):
        load.transfer(destination=Database("dst", connect)).run()


def test_a_foreign_partition_is_refused(make_db: MakeDb) -> None:
    load = make_load(
        make_db, "postgres", "CREATE TABLE target (n integer, v varchar(20)) PARTITION BY RANGE (n)"
    )
    try:
        load.destination.execute("CREATE EXTENSION postgres_fdw")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server has no postgres_fdw")
    load.destination.execute(
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE FOREIGN TABLE part PARTITION OF target FOR VALUES FROM (0) TO (1000) SERVER far",
    )
    refused(load, "part is a foreign table, whose server commits")
    refused(load, "'replace_atomic' swaps all rows .*part is a foreign table", write_mode="replace_atomic")
