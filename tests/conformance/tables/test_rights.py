"""A missing right, or a server that takes no rows, is reported before anything is changed."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import DestinationError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.mysql_drivers import connect_mysql
from tests.support.refusals import OLD, ROWS, TABLE, make_load
from tests.support.staging import stages

pytestmark = pytest.mark.server

RIGHTS = {
    "append": ["INSERT"],
    "upsert": ["INSERT", "UPDATE"],
    "replace": ["DELETE", "INSERT"],
    "replace_atomic": ["DELETE", "INSERT"],
}


@pytest.mark.parametrize(
    ("write_mode", "right"),
    [(mode, right) for mode, rights in RIGHTS.items() for right in [*rights, "SELECT"]],
)
def test_a_right_that_is_missing_in_postgres(make_db: MakeDb, write_mode: str, right: str) -> None:
    load = make_load(make_db, "postgres", TABLE, OLD, write_mode=write_mode)
    others = ", ".join({"INSERT", "UPDATE", "DELETE", "SELECT"} - {right})
    load.destination.execute(
        "CREATE ROLE weak", "GRANT ALL ON SCHEMA public TO weak", f"GRANT {others} ON target TO weak"
    )
    try:
        weak = Database("dst", lambda: as_role(load.destination, "weak"))
        with pytest.raises(
            DestinationError, match=f"Destination 'dst': the role has no right to {right}.*GRANT {right} ON"
        ):
            load.transfer(destination=weak).run()
        assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
        load.destination.execute(f"GRANT {right} ON target TO weak")
        assert load.transfer(destination=weak).run().rows == len(ROWS)
    finally:
        load.destination.execute("DROP OWNED BY weak", "DROP ROLE weak")


def as_role(db: Db, role: str) -> Any:
    connection = db.connect()
    connection.execute(f"SET ROLE {role}")
    connection.commit()
    return connection


def test_no_right_to_a_temporary_table(make_db: MakeDb) -> None:
    load = make_load(make_db, "postgres", TABLE, write_mode="upsert")
    name = load.destination.one("SELECT current_database()")
    load.destination.execute(
        "CREATE ROLE weak",
        f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
        "GRANT ALL ON SCHEMA public TO weak",
        "GRANT ALL ON target TO weak",
    )
    try:
        weak = Database("dst", lambda: as_role(load.destination, "weak"))
        with pytest.raises(DestinationError, match="GRANT TEMPORARY ON DATABASE"):
            load.transfer(destination=weak).run()
    finally:
        load.destination.execute(
            f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC", "DROP OWNED BY weak", "DROP ROLE weak"
        )


@pytest.mark.parametrize(
    ("write_mode", "right"), [("replace", "DELETE"), ("append", "INSERT"), ("upsert", "UPDATE")]
)
def test_a_right_that_is_missing_in_mariadb(make_db: MakeDb, write_mode: str, right: str) -> None:
    load = make_load(make_db, "mysql", TABLE, OLD, write_mode=write_mode)
    load.attempt(write_mode="append")  # creates the metadata tables
    load.next_run()
    own, others = (
        load.destination.one("SELECT DATABASE()"),
        {"INSERT", "UPDATE", "DELETE", "SELECT"} - {right},
    )
    load.destination.execute(
        "CREATE USER IF NOT EXISTS weak IDENTIFIED BY 'a password'",
        f"GRANT {', '.join(others)} ON {own}.target TO weak",
        *(f"GRANT ALL ON {own}.airflow_checkpoint{end} TO weak" for end in ("", "_event", "_reject")),
    )
    tail = load.destination.place.rpartition("@")[2]
    try:
        weak = Database("dst", lambda: connect_mysql(f"mysql://weak:a%20password@{tail}"))
        with pytest.raises(
            DestinationError, match=f"target cannot be written as asked, and nothing is changed.*{right}"
        ):
            load.transfer(destination=weak).run()
        assert load.destination.one("SELECT count(*) FROM target") == 1 + len(ROWS)
    finally:
        load.destination.execute("DROP USER weak")


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite"])
def test_a_destination_that_is_read_only(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind, TABLE, OLD, write_mode="replace")
    reading = Database("dst", lambda: read_only(load.destination))
    with pytest.raises(DestinationError, match="Destination 'dst' cannot be written: its .*read-only"):
        load.transfer(destination=reading).run()


def read_only(db: Db) -> Any:
    connection = db.connect()
    statements = {
        "postgres": "SET default_transaction_read_only = on",
        "mysql": "SET SESSION TRANSACTION READ ONLY",
        "sqlite": "PRAGMA query_only = ON",
    }
    with closing(connection.cursor()) as cursor:
        cursor.execute(statements[db.kind])
    connection.commit()
    return connection


def test_a_server_that_demands_primary_keys(make_db: MakeDb) -> None:
    load = make_load(
        make_db, "mysql", "CREATE TABLE target (n integer, v varchar(20))", OLD, write_mode="replace_atomic"
    )
    load.destination.execute("SET GLOBAL innodb_force_primary_key = ON")
    try:
        assert load.attempt_batches(1)
        load.attempt()
    finally:
        load.destination.execute("SET GLOBAL innodb_force_primary_key = OFF")
    assert load.destination.rows("SELECT n, v FROM target ORDER BY n") == ROWS
    assert stages(load.destination) == []
