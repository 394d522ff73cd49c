"""
Every statement that the package can send to Oracle, on one page for those who know Oracle.

The page is ``statements.sql`` next to this file. After an intended change, write it again with
``CHECKPOINT_WRITE_STATEMENTS=1 pytest tests/databases/oracle/test_statements.py``, and read its diff.
"""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.admin.table_names import tables_named
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from airflow_checkpoint_provider.engine.model.partition import bound
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.loads import Load
from tests.support.oracle_standin import Fault, Faults
from tests.support.oracle_standin.sql import SINCE
from tests.support.partitions import PartLoad, plan

PAGE = Path(__file__).with_name("statements.sql")
COLUMNS = (
    "n NUMBER(19), b VARCHAR2(9), d DATE, z TIMESTAMP WITH TIME ZONE, l TIMESTAMP WITH LOCAL TIME ZONE, "
    "y INTERVAL YEAR TO MONTH, j JSON, c CLOB"
)

# Of each column in Oracle and in Postgres, for rows that travel as lines.
LINES = {
    "n": ("NUMBER(19) PRIMARY KEY", "bigint"),
    "a": ("NUMBER", "numeric(20, 2)"),
    "b": ("VARCHAR2(9)", "varchar(5)"),
    "c": ("CHAR(3)", "char(3)"),
    "d": ("DATE", "date"),
    "m": ("DATE", "timestamp"),
    "s": ("TIMESTAMP", "timestamp"),
    "z": ("TIMESTAMP WITH TIME ZONE", "timestamptz"),
    "l": ("TIMESTAMP WITH LOCAL TIME ZONE", "timestamptz"),
    "r": ("RAW(4)", "bytea"),
}


def run_everything(source: Db, destination: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    source.execute(f"CREATE TABLE t ({COLUMNS})")
    source.insert("t", [(n, "x", None, None, None, None, None, None) for n in range(6)])
    source.execute(
        "UPDATE t SET d = TIMESTAMP '2026-01-01 00:00:00', y = TO_YMINTERVAL('1-2'), z = "
        "TO_TIMESTAMP_TZ('2026-01-01 00:00:00.0 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM'), l = "
        "TO_TIMESTAMP_TZ('2026-01-01 00:00:00.0 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"
    )
    destination.execute(f"CREATE TABLE target ({COLUMNS}, CONSTRAINT pk PRIMARY KEY (n, b))")
    cases = [
        {"source_table": "t", "checkpoint_column": "n"},
        {"source_table": "t", "checkpoint_column": ["n", "b"], "on_null_key": "load"},
        *({"source_table": "t", "checkpoint_column": ["n", key]} for key in "dzly"),
        {"sql": "SELECT n, b FROM t ORDER BY n", "strategy": "python"},
        {"sql": "SELECT n, b, z FROM t ORDER BY n", "strategy": "python"},
        {"sql": "SELECT n, b FROM t ORDER BY n", "strategy": "python", "write_mode": "upsert"},
        {"source_table": "t", "write_mode": "upsert", "checkpoint_column": "n"},
        {"source_table": "t", "write_mode": "replace"},
        {"source_table": "t", "write_mode": "replace_atomic", "checkpoint_column": "n"},
        {"sql": "SELECT n, b FROM t", "write_mode": "upsert", "checkpoint_column": "n", "scope": "task"},
        {
            "source_table": "t",
            "write_mode": "upsert",
            "checkpoint_column": "n",
            "scope": "task",
            "as_of": "now",
            "on_new_column": "ignore",
        },
        {"sql": "SELECT n, b FROM t", "write_mode": "upsert", "strategy": "none"},
        {"sql": "SELECT 1 AS n, b FROM t", "strategy": "python", "on_bad_row": "reject"},
    ]
    for number, arguments in enumerate(cases):
        destination.execute("DELETE FROM target")
        load = Load(source, destination, {"batch_size": 4, **arguments}, run=number)
        load.attempt_batches(1)
        load.attempt()
    run_parts(source, destination, monkeypatch)
    run_stored_parts(source, destination)
    run_lines(source, destination)
    with closing(source.database("src").open()) as connection:
        tables_named(connection, ["*"])
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", destination.uri)
    hook = CheckpointHook("target")
    which = ("a_dag", "a_task", "run_1")
    hook.get(*which)
    hook.list(status="completed", limit=2, offset=1, order_by="-rows_written")
    hook.history(*which, limit=2)
    hook.request_reload(*which)
    for search in (
        Search(text="a_", state="requested"),
        Search(dag_id="a_dag", task_id="a_task", run_id="run_1", state="stalled"),
        Search(state="running"),
        Search(state="failed", readable=lambda dag_ids: ()),
    ):
        hook.find(search, limit=2, offset=1, order_by="-rows_written")
    hook.look(*which, samples=10)
    hook.rejects("a_dag", "a_task", f"run_{len(cases) - 1}")
    hook.pending_requests(hook.list(dag_id=["a_dag", "another"]))
    hook.delete(*which)
    hook.purge(older_than=timedelta(days=30), status="completed")
    hook.purge(older_than=timedelta(seconds=-1), status="completed")


def run_parts(source: Db, destination: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._ROWS_FOR_EACH", 1
    )  # few enough for a table of six rows
    for arguments in ({"large": 1}, {"checkpoint_column": "z"}, {"partition_column": "n"}):
        plan(source, 2, **{"checkpoint_column": "n", **arguments})
    destination.execute("DELETE FROM target")
    parts = plan(source, 2, checkpoint_column="n").parts
    for run, column in enumerate("NZ", start=100):
        for part in (*parts, replace(parts[0], index=2, of=4, upper=None)):
            bounds = {} if column == "N" else {"lower": part.lower and ZONED, "upper": part.upper and ZONED}
            planned = replace(part, column=column, **bounds)
            load = PartLoad.of(
                source,
                destination,
                planned,
                checkpoint_column=["n", "b"],
                on_null_key="load",
                write_mode="replace",
            )
            load.run = run
            load.attempt()


def run_stored_parts(source: Db, destination: Db) -> None:
    moments = stand_in.server(source.place).moments
    moments.refused = {904}
    try:
        part = plan(source, 2, split="rowid", as_of="now").parts[0]
    finally:
        moments.refused = set()
    faults = stand_in.server(source.place).faults
    faults.plan(Fault(942, r"SELECT ROWIDTOCHAR\(x.place\), x.blocks"))
    plan(source, 2, split="rowid")
    source.execute("INSERT INTO standin_statistics VALUES ('T', 6, 1)")
    plan(source, 2, checkpoint_column="n", large=1)
    middle = bound(source.one("SELECT MAX(ROWIDTOCHAR(rowid)) FROM t"))
    for index, bounds in enumerate(({"upper": middle}, {"lower": middle})):
        stored = replace(part, index=index, of=2, **bounds)
        load = PartLoad.of(source, destination, stored, checkpoint_column="n", write_mode="upsert")
        load.run = 102
        load.attempt()


def run_lines(source: Db, destination: Db) -> None:
    reader = Db("postgres", destination.place)
    source.execute(f"CREATE TABLE lines ({', '.join(f'{name} {one}' for name, (one, _) in LINES.items())})")
    reader.execute(f"CREATE TABLE lines ({', '.join(f'{name} {one}' for name, (_, one) in LINES.items())})")
    source.execute("INSERT INTO lines (n) VALUES (1)")
    given = {"source_table": "lines", "destination_table": "lines", "checkpoint_column": "n"}
    load = Load(source, reader, given)
    asking = replace(source.database("src"), extra=lambda: {"copy_lines": True})
    load.transfer(source=asking).run()
    assert [chosen.path for chosen in load.told(RouteChosen)] == ["COPY lines"]


ZONED = bound(datetime(2025, 1, 1, tzinfo=UTC))


def statements(faults: dict[str, Faults]) -> str:
    seen = {plain(" ".join(what.split())) for side in faults.values() for what in side.seen}
    ours = {what for what in seen if what not in ("fetch", "commit") and not re.match(_THE_TESTS, what)}
    return "".join(f"{since(what)}{what};\n\n" for what in sorted(ours, key=str.lower))


def plain(statement: str) -> str:
    """Put the same SCN and the same ROWID into all statements."""
    statement = re.sub(r"AS OF SCN \d+", "AS OF SCN 4711", statement)
    return re.sub(r"CHARTOROWID\('[^']+'\)", "CHARTOROWID('AAAR3sAAEAAAACXAAA')", statement)


def since(statement: str) -> str:
    """Return a comment with the version of the server that a statement needs, if it is newer than 11.2."""
    needed = max((version for pattern, version, _ in SINCE if pattern.search(statement)), default=())
    return f"-- since {'.'.join(map(str, needed))}\n" if needed else ""


# Statements of the test itself, not of the package.
_THE_TESTS = r"CREATE TABLE (t|target|lines) |INSERT INTO (t|lines) |UPDATE t SET|DELETE FROM target$|SELECT MAX\(ROWID|INSERT INTO standin"


def test_are_those_on_the_page(
    stood_in: tuple[Db, Db], faults: dict[str, Faults], monkeypatch: pytest.MonkeyPatch
) -> None:
    import oracledb

    monkeypatch.setattr(oracledb, "connect", stand_in.connect)
    run_everything(*stood_in, monkeypatch)
    found = statements(faults)
    if os.environ.get("CHECKPOINT_WRITE_STATEMENTS"):
        PAGE.write_text(found)
    assert found == PAGE.read_text()


def test_the_script_is_what_the_package_runs() -> None:
    page = PAGE.read_text()
    for statement in Tables.named("airflow_checkpoint").ddl("oracle").split(";"):
        assert " ".join(statement.split()) in page


def test_no_statement_asks_for_what_oracle_has_not() -> None:
    for statement in PAGE.read_text().split(";\n\n"):
        assert not re.search(r"\bLIMIT\b|ON CONFLICT|\bTRUNCATE\b|/\*\+", statement)
