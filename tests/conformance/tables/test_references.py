"""A DELETE that would change other tables is refused, naming them, before anything is deleted."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.events.transfer import Warned
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.mysql_drivers import connect_mysql
from tests.support.partitions import plan
from tests.support.refusals import OLD, ROWS, TABLE, enforced, make_load, refused

pytestmark = pytest.mark.server

CHILD = (
    "CREATE TABLE child (n integer, m integer, CONSTRAINT c FOREIGN KEY (n) REFERENCES {} (n) ON DELETE {})"
)


REFERENCES = {
    "a table": (
        ["postgres", "mysql", "oracle"],
        "target",
        [TABLE, OLD, CHILD.format("target", "CASCADE")],
    ),
    "a table, and the reference is cleared": (
        ["postgres", "mysql", "oracle"],
        "target",
        [TABLE, OLD, CHILD.format("target", "SET NULL")],
    ),
    "a partition, through its parent": (
        ["postgres"],
        "part",
        [
            "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20)) PARTITION BY RANGE (n)",
            "CREATE TABLE part PARTITION OF target FOR VALUES FROM (0) TO (1000)",
            OLD,
            CHILD.format("target", "CASCADE"),
        ],
    ),
    "one of its partitions": (
        ["postgres"],
        "target",
        [
            "CREATE TABLE target (n integer, v varchar(20)) PARTITION BY RANGE (n)",
            "CREATE TABLE part PARTITION OF target FOR VALUES FROM (0) TO (1000)",
            "ALTER TABLE part ADD PRIMARY KEY (n)",
            OLD,
            CHILD.format("part", "CASCADE"),
        ],
    ),
    "the table behind a view": (
        ["postgres"],
        "seen",
        [TABLE, OLD, "CREATE VIEW seen AS SELECT * FROM target", CHILD.format("target", "CASCADE")],
    ),
    "the table behind a view of MariaDB": (
        ["mysql"],
        "outer_view",
        [
            TABLE,
            OLD,
            "CREATE VIEW seen AS SELECT * FROM target",
            "CREATE VIEW outer_view AS SELECT n, v FROM seen",
            CHILD.format("target", "CASCADE"),
        ],
    ),
    "a table that inherits": (
        ["postgres"],
        "target",
        [
            "CREATE TABLE target (n integer, v varchar(20))",
            "CREATE TABLE heir (PRIMARY KEY (n)) INHERITS (target)",
            "INSERT INTO heir VALUES (100, 'old')",
            CHILD.format("heir", "SET DEFAULT"),
        ],
    ),
}


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
@pytest.mark.parametrize(
    ("kind", "case"), [(kind, case) for case, (kinds, *_) in REFERENCES.items() for kind in kinds]
)
def test_a_table_that_would_be_emptied_with_it_is_named(
    make_db: MakeDb, kind: str, case: str, write_mode: str
) -> None:
    _, table, statements = REFERENCES[case]
    load = make_load(make_db, kind, *statements, "INSERT INTO child VALUES (100, 1)", destination_table=table)
    if write_mode == "replace" and "view" in case and kind == "postgres":
        refused(load, "COPY cannot write to", write_mode=write_mode)
    else:
        refused(
            load,
            rf"(?i)write_mode: '{write_mode}' deletes all rows of {table} .*change child, by a",
            write_mode=write_mode,
        )
    assert load.destination.rows("SELECT n, m FROM child") == [(100, 1)]
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
    assert load.attempt(write_mode="append", destination_table="target").rows == len(ROWS)


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_sqlite_asks_only_where_foreign_keys_are_enforced(make_db: MakeDb, write_mode: str) -> None:
    load = make_load(
        make_db, "sqlite", TABLE, OLD, CHILD.format("target", "CASCADE"), "INSERT INTO child VALUES (100, 1)"
    )
    enforcing = Database("dst", lambda: enforced(load.destination))
    with pytest.raises(ArgumentError, match="change child, by a foreign key"):
        load.transfer(destination=enforcing, write_mode=write_mode).run()
    assert load.destination.rows("SELECT * FROM child") == [(100, 1)]
    load.attempt(write_mode=write_mode)
    assert load.destination.rows("SELECT * FROM target ORDER BY n") == ROWS


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_a_table_of_the_same_name_in_another_database(make_db: MakeDb, write_mode: str) -> None:
    load = make_load(make_db, "mysql", TABLE, OLD, write_mode=write_mode)
    own = load.destination.one("SELECT DATABASE()")
    load.destination.execute(
        f"CREATE DATABASE `{own}-2`",
        f"CREATE TABLE `{own}-2`.target (n integer, FOREIGN KEY (n) REFERENCES {own}.target (n) ON DELETE CASCADE)",
        f"INSERT INTO `{own}-2`.target VALUES (100)",
    )
    try:
        refused(load, rf"would change {own}-2\.target, by a foreign key")
        assert load.destination.one(f"SELECT count(*) FROM `{own}-2`.target") == 1
    finally:
        load.destination.execute(f"DROP DATABASE `{own}-2`")


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
@pytest.mark.parametrize("grants", ["nothing else", "the right that shows them"])
def test_a_reference_that_the_user_may_not_see_is_told(make_db: MakeDb, write_mode: str, grants: str) -> None:
    load = make_load(make_db, "mysql", TABLE, OLD, write_mode=write_mode)
    own = load.destination.one("SELECT DATABASE()")
    load.destination.execute(
        "CREATE USER IF NOT EXISTS loader IDENTIFIED BY 'a password'", f"GRANT ALL ON {own}.* TO loader"
    )
    if grants != "nothing else":
        load.destination.execute("GRANT PROCESS ON *.* TO loader")
    try:
        tail = load.destination.place.rpartition("@")[2]
        limited = Database("dst", lambda: connect_mysql(f"mysql://loader:a%20password@{tail}"))
        warnings = load.transfer(destination=limited).run().warnings
        assert [event.text for event in load.told(Warned)] == list(warnings)
        if grants == "nothing else":
            assert len(warnings) == 1
            assert f"'{write_mode}' deletes rows of target, and foreign keys of tables that" in warnings[0]
            assert "GRANT PROCESS" in warnings[0]
        else:
            assert warnings == ()
        load.next_run()
        assert load.transfer(destination=limited, write_mode="upsert").run().warnings == ()
    finally:
        load.destination.execute("DROP USER loader")


def test_a_reference_to_itself_counts_where_a_partition_is_replaced(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), up integer REFERENCES target ON DELETE CASCADE)",
        "INSERT INTO target VALUES (100, 'old')",
        write_mode="replace",
    )
    assert load.attempt().rows == len(ROWS)
    load.clear()
    part = plan(load.source, 2, checkpoint_column="n").parts[0].as_dict()
    refused(
        load, "deletes the rows of a partition of target .*change rows of other partitions", partition=part
    )
    assert load.destination.rows("SELECT n, v FROM target ORDER BY n") == ROWS


def test_an_upsert_into_a_table_that_others_inherit_from(make_db: MakeDb) -> None:
    load = make_load(
        make_db, "postgres", TABLE, "CREATE TABLE heir () INHERITS (target)", write_mode="upsert"
    )
    refused(load, "write_mode: 'upsert' into target does not find the rows of heir")


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_rows_of_tables_that_inherit_are_not_deleted(make_db: MakeDb, write_mode: str) -> None:
    load = make_load(
        make_db,
        "postgres",
        TABLE,
        "CREATE TABLE heir () INHERITS (target)",
        "INSERT INTO heir VALUES (100, 'old')",
    )
    refused(load, f"write_mode: '{write_mode}' would delete the rows of heir", write_mode=write_mode)
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
    load.attempt(write_mode="append")
