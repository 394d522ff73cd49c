"""What a table is decides before the first row: each refusal names the table or the column, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    BadRowsError,
    CheckpointError,
    DestinationError,
)
from airflow_checkpoint_provider.engine.model.events import GuaranteeStated
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.mysql_drivers import connect_mysql
from tests.support.loads import Load
from tests.support.partitions import plan
from tests.support.staging import stages

pytestmark = pytest.mark.server

ROWS = [(n, f"v{n}") for n in range(4)]
TABLE = "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20))"
OLD = "INSERT INTO target VALUES (100, 'old')"


def make_load(make_db: MakeDb, kind: str, *statements: str, **arguments: Any) -> Load:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")
    source.execute("CREATE TABLE t (n integer, v varchar(20))")
    source.insert("t", ROWS)
    destination.execute(*statements)
    return Load(
        source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 2, **arguments}
    )


def refused(load: Load, message: str, error: type[CheckpointError] = ArgumentError, **changes: Any) -> None:
    """Assert that an attempt ends with an error, and leaves no stage."""
    with pytest.raises(error, match=message):
        load.attempt(**changes)
    assert stages(load.destination) == []


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


def enforced(db: Db) -> Any:
    connection = db.connect()
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


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


def test_a_reference_that_the_user_may_not_see_is_said(make_db: MakeDb) -> None:
    load = make_load(make_db, "mysql", TABLE, OLD, write_mode="replace")
    own = load.destination.one("SELECT DATABASE()")
    load.destination.execute(
        "CREATE USER IF NOT EXISTS loader IDENTIFIED BY 'a password'", f"GRANT ALL ON {own}.* TO loader"
    )
    try:
        tail = load.destination.place.rpartition("@")[2]
        limited = Database("dst", lambda: connect_mysql(f"mysql://loader:a%20password@{tail}"))
        load.transfer(destination=limited).run()
        assert (
            "foreign keys of tables that the user may not see are not known"
            in load.told(GuaranteeStated)[-1].reason
        )
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


NULLS = [(None, "a"), (1, "b"), (None, "c")]


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite", "oracle"])
def test_a_null_in_the_conflict_key_is_refused_naming_the_column(make_db: MakeDb, kind: str) -> None:
    target = "CREATE TABLE target (n integer, v varchar(20), UNIQUE (n))"
    load = make_load(
        make_db, kind, target, write_mode="upsert", conflict_columns=["n"], checkpoint_column=None
    )
    load.source.execute("DELETE FROM t")
    load.source.insert("t", NULLS)
    with pytest.raises(
        BadRowsError, match=r"(?i)n of target is NULL, and it is among conflict_columns.*on_bad_row"
    ):
        load.attempt()
    for _ in range(2):
        load.next_run()
        assert load.attempt(on_bad_row="reject").rejected_total == 2
        assert load.destination.rows("SELECT n, v FROM target") == [(1, "b")]


def test_a_null_in_the_conflict_key_from_postgres(make_db: MakeDb) -> None:
    target = "CREATE TABLE target (n integer UNIQUE, v varchar(20))"
    load = make_load(
        make_db, "postgres", target, write_mode="upsert", conflict_columns=["n"], checkpoint_column=None
    )
    load.source = load.destination
    load.destination.execute("CREATE TABLE t (n integer, v varchar(20))")
    load.destination.insert("t", NULLS)
    with pytest.raises(BadRowsError, match="n of target is NULL, and it is among conflict_columns"):
        load.attempt()
    assert load.destination.rows("SELECT n, v FROM target") == []


def test_nulls_that_the_index_holds_for_equal_are_loaded_once(make_db: MakeDb) -> None:
    load = make_load(make_db, "postgres", write_mode="upsert", conflict_columns=["n"], checkpoint_column=None)
    with psycopg.connect(load.destination.place) as connection:
        if connection.info.server_version < 150000:
            pytest.skip("NULLS NOT DISTINCT came with Postgres 15")
    load.destination.execute("CREATE TABLE target (n integer, v varchar(20), UNIQUE NULLS NOT DISTINCT (n))")
    load.source.execute("DELETE FROM t")
    load.source.insert("t", NULLS)
    for _ in range(2):
        load.next_run()
        load.attempt(batch_size=10)
        assert load.destination.rows("SELECT n, v FROM target ORDER BY n") == [(1, "b"), (None, "c")]


GENERATED = {
    "postgres": "twice integer GENERATED ALWAYS AS (n * 2) STORED",
    "mysql": "twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL",
    "sqlite": "twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL",
}


@pytest.mark.parametrize("kind", list(GENERATED))
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_a_generated_column_is_named_before_anything_is_deleted(
    make_db: MakeDb, kind: str, write_mode: str
) -> None:
    load = make_load(
        make_db,
        kind,
        f"CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), {GENERATED[kind]})",
        "INSERT INTO target (n, v) VALUES (100, 'old')",
        write_mode=write_mode,
    )
    refused(
        load,
        "destination_columns: target gives twice its values by itself and takes none",
        destination_columns={"n": "n", "v": "twice"},
    )
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
    load.attempt()
    assert load.destination.rows("SELECT n, v, twice FROM target WHERE n < 100 ORDER BY n") == [
        (n, v, 2 * n) for n, v in ROWS
    ]


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_an_identity_of_oracle_that_takes_no_value(make_db: MakeDb, write_mode: str) -> None:
    table = "CREATE TABLE target (n integer GENERATED ALWAYS AS IDENTITY, v varchar(20) UNIQUE)"
    load = make_load(make_db, "oracle", table, write_mode=write_mode)
    refused(load, "(?i)destination_columns: target gives n its values by itself", conflict_columns=["v"])
    load.attempt(conflict_columns=["v"], destination_columns={"v": "v"})
    assert load.destination.rows("SELECT v FROM target ORDER BY v") == [(v,) for _, v in ROWS]


def test_an_upsert_that_would_change_an_identity(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer GENERATED ALWAYS AS IDENTITY, v varchar(20) UNIQUE)",
        write_mode="upsert",
    )
    refused(load, "destination_columns: n of target is GENERATED ALWAYS", conflict_columns=["v"])
    load.attempt(conflict_columns=["v"], destination_columns={"v": "v"})
    assert load.destination.rows("SELECT v FROM target ORDER BY n") == [(v,) for _, v in ROWS]


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite", "oracle"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_column_without_a_value_is_named(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(
        make_db,
        kind,
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), w integer NOT NULL, x integer DEFAULT 1 NOT NULL)",
        "INSERT INTO target VALUES (100, 'old', 1, 1)",
        write_mode=write_mode,
    )
    refused(load, "(?i)destination_columns: w of target takes no NULL, has no default")
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]


UNFIT = {
    "none": ("CREATE INDEX an_index ON target (v)", ["postgres", "mysql", "sqlite"]),
    "partial": ("CREATE UNIQUE INDEX an_index ON target (v) WHERE n > 5", ["postgres", "sqlite"]),
    "an expression": ("CREATE UNIQUE INDEX an_index ON target (lower(v))", ["postgres", "sqlite"]),
    "deferrable": ("ALTER TABLE target ADD CONSTRAINT an_index UNIQUE (v) DEFERRABLE", ["postgres"]),
    "characters": ("CREATE UNIQUE INDEX an_index ON target (v(3))", ["mysql"]),
}


@pytest.mark.parametrize(
    ("kind", "why"), [(kind, why) for why, (_, kinds) in UNFIT.items() for kind in kinds]
)
def test_an_upsert_without_a_fitting_unique_index(make_db: MakeDb, kind: str, why: str) -> None:
    table = "CREATE TABLE target (n integer, v varchar(20) NOT NULL)"
    load = make_load(make_db, kind, table, UNFIT[why][0], write_mode="upsert", conflict_columns=["v"])
    refused(
        load,
        "conflict_columns: target has no unique index on v"
        + (f".*{why}" if why in ("partial", "deferrable", "characters") else ""),
    )
    load.destination.execute("CREATE UNIQUE INDEX fits ON target (v)")
    if why == "deferrable":  # Postgres takes it for the other's place
        refused(load, "conflict_columns: target has no unique index on v")
        load.destination.execute("ALTER TABLE target DROP CONSTRAINT an_index")
    assert load.attempt().rows == len(ROWS)


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


VIEWS = {
    "materialized": (
        "postgres",
        ["CREATE MATERIALIZED VIEW target AS SELECT 1 AS n, 'old'::text AS v"],
        ["append", "upsert", "replace", "replace_atomic"],
        "target is a materialized view, which takes no rows",
    ),
    "plain": (
        "postgres",
        ["CREATE TABLE base (n integer PRIMARY KEY, v text)", "CREATE VIEW target AS SELECT n, v FROM base"],
        ["append", "replace"],
        "view without an INSTEAD OF INSERT trigger, which COPY cannot write to",
    ),
    "of a sum": (
        "postgres",
        [
            "CREATE TABLE base (n integer, v text)",
            "CREATE VIEW target AS SELECT n, max(v) AS v FROM base GROUP BY n",
        ],
        ["upsert", "replace_atomic"],
        "is a view that takes no (INSERT|DELETE)",
    ),
    "of SQLite": (
        "sqlite",
        ["CREATE TABLE base (n integer PRIMARY KEY, v text)", "CREATE VIEW target AS SELECT n, v FROM base"],
        ["append", "upsert", "replace", "replace_atomic"],
        "it is a view (without an INSTEAD OF|, for which there is no upsert)",
    ),
    "of MariaDB": (
        "mysql",
        [
            "CREATE TABLE base (n integer, v text)",
            "CREATE VIEW target AS SELECT n, max(v) AS v FROM base GROUP BY n",
        ],
        ["append", "replace", "replace_atomic"],
        "it is a view that takes no",
    ),
    "a sequence": ("mysql", ["CREATE SEQUENCE target"], ["append"], "target is a sequence, not a table"),
}


@pytest.mark.parametrize(
    ("case", "write_mode"), [(case, write_mode) for case, found in VIEWS.items() for write_mode in found[2]]
)
def test_a_view_that_takes_no_rows(make_db: MakeDb, case: str, write_mode: str) -> None:
    kind, statements, _, message = VIEWS[case]
    load = make_load(make_db, kind, *statements, write_mode=write_mode)
    if case == "a sequence":
        load.arguments["destination_columns"] = ["start_value", "increment"]
    refused(load, message, conflict_columns=["n"] if write_mode == "upsert" else None)


@pytest.mark.parametrize("write_mode", ["upsert", "replace", "replace_atomic"])
@pytest.mark.parametrize("published", ["FOR ALL TABLES", "FOR TABLE target", "FOR TABLES IN SCHEMA public"])
def test_a_published_table_without_replica_identity(make_db: MakeDb, write_mode: str, published: str) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer UNIQUE, v varchar(20))",
        OLD,
        f"CREATE PUBLICATION out {published}",
        write_mode=write_mode,
    )
    key = {"conflict_columns": ["n"]} if write_mode == "upsert" else {}
    message = "publication out sends each (UPDATE|DELETE) of target, which has no replica identity"
    try:
        refused(load, message, **key)
        assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
        load.destination.execute("ALTER TABLE target REPLICA IDENTITY FULL")
        assert load.attempt(**key).rows == len(ROWS)
    finally:
        load.destination.execute("DROP PUBLICATION out")


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
    load.attempt(write_mode="append")  # which makes the metadata tables
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


def test_an_upsert_of_as_many_columns_as_postgres_has(make_db: MakeDb) -> None:
    names = ["n", *(f"c{number}" for number in range(1, 1600))]
    load = make_load(
        make_db,
        "postgres",
        f"CREATE TABLE target (n integer PRIMARY KEY, {', '.join(f'{n} boolean' for n in names[1:])})",
    )
    load.arguments |= {
        "sql": f"SELECT n, {', '.join(f'NULL::boolean AS {n}' for n in names[1:])} FROM t",
        "source_table": None,
    }
    load.source = load.destination
    load.destination.execute("CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1), (2)")
    refused(load, "'upsert' numbers the rows of a batch in one more column", write_mode="upsert")
    assert load.attempt(write_mode="append").rows == 2


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
@pytest.mark.parametrize("reject", [False, True])
def test_what_is_refused_at_the_commit_is_a_bad_row(make_db: MakeDb, write_mode: str, reject: bool) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE parent (v varchar(20) PRIMARY KEY)",
        "INSERT INTO parent VALUES ('v0'), ('v1'), ('v2')",
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20) REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        write_mode=write_mode,
    )
    if reject and write_mode != "replace_atomic":
        assert load.attempt(on_bad_row="reject").rejected == 1
        assert load.destination.rows("SELECT n FROM target ORDER BY n") == [(0,), (1,), (2,)]
        return
    with pytest.raises(BadRowsError, match="Destination 'dst': target refused .*violates foreign key"):
        load.attempt()


def test_what_sqlite_refuses_at_the_commit_names_the_table(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "sqlite",
        "CREATE TABLE parent (v varchar(20) PRIMARY KEY)",
        "CREATE TABLE target (n integer, v varchar(20) REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    )
    enforcing = Database("dst", lambda: enforced(load.destination))
    with pytest.raises(BadRowsError, match="Destination 'dst': target refused the commit.*FOREIGN KEY"):
        load.transfer(destination=enforcing).run()
    assert load.destination.rows("SELECT * FROM target") == []


KEEPING = {
    "postgres": [
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER kept BEFORE DELETE ON target FOR EACH ROW EXECUTE FUNCTION keep()",
    ],
    "sqlite": ["CREATE TRIGGER kept BEFORE DELETE ON target BEGIN SELECT RAISE(IGNORE); END"],
}


@pytest.mark.parametrize("kind", list(KEEPING))
@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_rows_that_a_trigger_keeps_are_not_doubled(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(make_db, kind, TABLE, OLD, *KEEPING[kind], write_mode=write_mode)
    with pytest.raises(DestinationError, match="1 rows of target are still there .* kept by the trigger"):
        load.attempt()
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]


def test_a_rule_instead_of_delete(make_db: MakeDb) -> None:
    rule = "CREATE RULE nothing AS ON DELETE TO target DO INSTEAD NOTHING"
    load = make_load(make_db, "postgres", TABLE, OLD, rule)
    for write_mode in ("replace", "replace_atomic"):
        refused(load, "its rule nothing does something else instead of DELETE", write_mode=write_mode)
    assert load.attempt().rows == len(ROWS)


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_preoperator_that_changes_the_table_is_taken_back_with_it(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind, TABLE, OLD, write_mode="replace")
    change = [
        "DROP TABLE target",
        f"CREATE TABLE target (n integer PRIMARY KEY, {GENERATED[kind]}, v varchar(20), w integer NOT NULL)",
    ]
    refused(load, "w of target takes no NULL", preoperator=change)
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
