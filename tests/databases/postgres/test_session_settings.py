"""Settings of the server and the connection, and policies, that would leave rows out, cut or change them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.postgres import dialect
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CannotConnectError,
    DestinationError,
    SourceError,
)
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server


@pytest.fixture
def postgres_pair(make_db: MakeDb) -> tuple[Db, Db]:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (n integer PRIMARY KEY, a text[], f float8, b bytea)")
    source.execute(
        "INSERT INTO t SELECT n, '{NULL, \"NULL\"}', 0.1::float8 + 0.2, '\\x00ff' FROM generate_series(1, 9) n"
    )
    return source, destination


def set_for_all(db: Db, setting: str) -> None:
    db.execute(f"ALTER DATABASE {db.one('SELECT current_database()')} SET {setting}")


CONTENTS = "SELECT n, a, f, b FROM {} ORDER BY n"


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("processor", [None, lambda rows: rows], ids=["packed", "rows"])
@pytest.mark.parametrize(
    "setting",
    [
        *("array_nulls = off", "extra_float_digits = -10", "bytea_output = escape"),
        *("standard_conforming_strings = off", "transform_null_equals = on", "quote_all_identifiers = on"),
        *("default_transaction_isolation = serializable", "DateStyle = 'SQL, DMY'"),
    ],
)
def test_a_setting_of_the_database_changes_no_row(
    postgres_pair: tuple[Db, Db], setting: str, processor: Any, side: str
) -> None:
    source, destination = postgres_pair
    before = source.rows(CONTENTS.format("t"))
    set_for_all(source if side == "source" else destination, setting)
    load = Load(source, destination, {"source_table": "t", "rows_processor": processor, "batch_size": 4})
    assert load.attempt(write_mode="upsert").rows == 9
    assert destination.rows(CONTENTS.format("target"), "SET extra_float_digits = 3") == before


@pytest.mark.parametrize("for_writing", [True, False])
def test_what_a_session_of_postgres_is_set_to(postgres_pair: tuple[Db, Db], for_writing: bool) -> None:
    _, destination = postgres_pair
    wanted = {
        "gin_fuzzy_search_limit": ("10", "0"),
        "statement_timeout": ("1min", "0"),
        "idle_in_transaction_session_timeout": ("1min", "0"),
        "idle_session_timeout": ("1min", "0"),
        "synchronous_commit": ("off", "on" if for_writing else "off"),
        "transform_null_equals": ("on", "off"),
        "xmloption": ("document", "content"),
    }
    for name, (value, _) in wanted.items():
        set_for_all(destination, f"{name} = '{value}'")
    with destination.database("dst").open(for_writing=for_writing) as connection:
        found = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in wanted}
    assert found == {name: value for name, (_, value) in wanted.items()}
    asked = Db(
        "postgres", psycopg.conninfo.make_conninfo(destination.place, options="-c statement_timeout=7s")
    )
    with asked.database("dst").open() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "7s"


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace_atomic"])
def test_a_connection_that_prepares_each_statement(postgres_pair: tuple[Db, Db], write_mode: str) -> None:
    """A server prepares no two statements that are sent as one."""
    source, destination = postgres_pair
    load = Load(source, destination, {"source_table": "t", "batch_size": 4, "write_mode": write_mode})
    both = {
        side: Database(db.kind, lambda db=db: psycopg.connect(db.place, prepare_threshold=0))
        for side, db in (("source", source), ("destination", destination))
    }
    strategy = load.plan(**both).strategy
    assert strategy
    assert strategy.indexed
    assert load.transfer(**both, verify="digest").run().rows == 9
    load.next_run()
    load.transfer(**both, verify="digest", write_mode="replace").run()
    assert destination.rows(CONTENTS.format("target")) == source.rows(CONTENTS.format("t"))


def test_a_server_that_leaves_out_damaged_pages_is_refused(postgres_pair: tuple[Db, Db]) -> None:
    source, destination = postgres_pair
    set_for_all(source, "zero_damaged_pages = on")
    with pytest.raises(CannotConnectError, match="'src' cannot be opened: zero_damaged_pages is on"):
        Load(source, destination, {"source_table": "t"}).attempt()


def as_role(db: Db, name: str, options: str = "") -> Db:
    """Return the same database, as a role without the right to bypass policies."""
    db.execute(
        f"DO $$ BEGIN CREATE ROLE {name} LOGIN PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}; GRANT ALL ON SCHEMA public TO {name}",
    )
    return Db("postgres", psycopg.conninfo.make_conninfo(db.place, user=name, password="p", options=options))


POLICY = "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {0} USING (n > 5) WITH CHECK (true)"


@pytest.mark.parametrize("sql", ["SELECT * FROM t", "SELECT * FROM v"])
def test_rows_that_a_policy_hides_are_not_left_out(postgres_pair: tuple[Db, Db], sql: str) -> None:
    source, destination = postgres_pair
    source.execute(POLICY.format("t"), "CREATE VIEW v WITH (security_invoker) AS SELECT * FROM t")
    reader = as_role(source, "reader_of_some")
    with pytest.raises(SourceError, match=r"row-level security.*would hide rows.*BYPASSRLS.*row_security=on"):
        Load(reader, destination, {"sql": sql, "checkpoint_column": "n"}).attempt()
    accepted = as_role(source, "reader_of_some", "-c row_security=on")
    assert Load(accepted, destination, {"sql": sql, "checkpoint_column": "n"}).attempt().rows == 4


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_a_table_is_not_emptied_of_what_is_seen_of_it(postgres_pair: tuple[Db, Db], write_mode: str) -> None:
    source, destination = postgres_pair
    destination.execute("INSERT INTO target (n) VALUES (-1), (100)", POLICY.format("target"))
    writer = as_role(destination, "writer_of_some")
    load = Load(source, writer, {"source_table": "t", "write_mode": write_mode})
    destination.execute(
        "CREATE VIEW as_asked WITH (security_invoker) AS SELECT * FROM target",
        "CREATE VIEW as_owner AS SELECT * FROM target",
        "GRANT ALL ON as_asked, as_owner TO writer_of_some",
        "ALTER VIEW as_owner OWNER TO writer_of_some",
    )
    for table in ("target", "as_asked", "as_owner"):
        with pytest.raises(
            ArgumentError,
            match=f"write_mode='{write_mode}' cannot write {table}: row level security hides rows.*BYPASSRLS",
        ):
            load.attempt(destination_table=table)
        assert not destination.rows("SELECT relname FROM pg_class WHERE relname LIKE '%stage%'")
    assert destination.rows("SELECT n FROM target ORDER BY n") == [(-1,), (100,)]


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_a_policy_that_comes_meanwhile_keeps_no_row_either(
    postgres_pair: tuple[Db, Db], write_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = postgres_pair
    destination.execute("INSERT INTO target (n) VALUES (-1), (100)", POLICY.format("target"))
    writer = as_role(destination, "writer_of_some")
    monkeypatch.setattr(dialect, "keeps_rows", lambda connection, quoted: False)
    with pytest.raises(DestinationError, match="row level security hides rows of it"):
        Load(source, writer, {"source_table": "t", "write_mode": write_mode}).attempt()
    assert destination.rows("SELECT n FROM target ORDER BY n") == [(-1,), (100,)]


def test_a_table_without_columns_is_refused(postgres_pair: tuple[Db, Db]) -> None:
    source, destination = postgres_pair
    source.execute("CREATE TABLE nothing ()", "INSERT INTO nothing DEFAULT VALUES")
    with pytest.raises(ArgumentError, match="destination_columns: there is no column to write"):
        Load(source, destination, {"source_table": "nothing"}).attempt()
