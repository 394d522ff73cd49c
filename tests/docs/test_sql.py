"""The SQL of the user guide: monitoring queries, and the privileges that a load needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.errors import DestinationError, MetadataTableError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.documents import ROOT, Block, blocks

MONITORING = blocks("sql", ROOT / "docs" / "monitoring.md")
(GRANTS_POSTGRES, GRANTS_MYSQL) = (
    block for block in blocks("sql", ROOT / "docs" / "databases.md") if "superuser" in block.note
)


class StopError(Exception): ...


def stop(rows: list[Any], **context: Any) -> list[Any]:
    if rows[0][0] >= 300:
        raise StopError
    return rows


def fits(block: Block, kind: str) -> bool:
    return not block.note or block.note == f"dialect: {kind}"


@pytest.mark.parametrize("destination", ["sqlite", "postgres", "mysql"], indirect=True)
def test_monitoring(
    hook: CheckpointHook, destination: Db, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    source.insert("orders", [(n,) for n in range(1000)])
    destination.execute("CREATE TABLE target (id integer)")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    task = operator(destination_conn_id="target", rows_processor=stop)
    for run_id in ("run_1", "run_2"):
        with pytest.raises(StopError):
            execute(task, dag_id="load_sales", task_id="sales", run_id=run_id)
    destination.execute(
        "UPDATE airflow_checkpoint SET status = 'running', updated_at = '2026-01-01 00:00:00', committed_at = '2026-01-01 00:00:00'"
        " WHERE run_id = 'run_2'"
    )
    run = [block for block in MONITORING if fits(block, destination.kind)]
    assert len(run) >= 5
    for block in run:
        rows = destination.rows(block.text.rstrip().rstrip(";"))
        if "interval" in block.text.lower() or "-15 minutes" in block.text:
            assert [row[2] for row in rows] == ["run_2"], str(block)
        elif "status = 'failed'" in block.text:
            assert [(row[2], row[4]) for row in rows] == [("run_1", 300)], str(block)
        elif "pg_blocking_pids" not in block.text:
            assert rows, str(block)


@dataclass(frozen=True)
class Restricted:
    """A destination with a table, and a user with the privileges that the guide names."""

    admin: Db
    user: str
    table: str

    def revoke(self, right: str) -> None:
        self.admin.execute(f"REVOKE {right} ON {self.table} FROM {self.user}")


def statements(block: Block, **names: str) -> list[str]:
    text = re.sub(r"\b(dwh|loader)\b", lambda found: names.get(found.group(), found.group()), block.text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


@pytest.fixture
def postgres(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restricted]:
    admin = make_db("postgres", "destination")
    user = f"loader_{os.getpid()}"
    admin.execute(
        f"CREATE ROLE {user} LOGIN PASSWORD 'secret'",
        "CREATE SCHEMA dwh",
        "CREATE TABLE dwh.sales (id integer PRIMARY KEY, region varchar(10))",
    )
    as_user = Db("postgres", psycopg.conninfo.make_conninfo(admin.place, user=user, password="secret"))
    monkeypatch.setenv("AIRFLOW_CONN_DST", as_user.uri)
    yield Restricted(admin, user, "dwh.sales")
    admin.execute(f"DROP OWNED BY {user} CASCADE", f"DROP ROLE {user}")


@pytest.fixture
def mysql(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restricted]:
    admin = make_db("mysql", "destination")
    user, schema = f"loader_{os.getpid()}", urlsplit(admin.place).path.strip("/")
    admin.execute(
        "CREATE TABLE sales (id integer PRIMARY KEY, region varchar(10))",
        f"CREATE USER {user} IDENTIFIED BY 'secret'",
    )
    login = urlsplit(admin.place).netloc.rpartition("@")[0]
    as_user = Db("mysql", admin.place.replace(f"//{login}@", f"//{user}:secret@", 1))
    monkeypatch.setenv("AIRFLOW_CONN_DST", as_user.uri)
    yield Restricted(admin, user, f"{schema}.sales")
    admin.execute(f"DROP USER {user}")


@pytest.fixture
def source(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY, region varchar(10))")
    source.insert("orders", [(n, "north") for n in range(1000)])
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    return source


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_rights(kind: str, source: Db, request: pytest.FixtureRequest) -> None:
    found: Restricted = request.getfixturevalue(kind)
    granted = {"postgres": GRANTS_POSTGRES, "mysql": GRANTS_MYSQL}[kind]
    schema = found.table.partition(".")[0]
    found.admin.execute(*statements(granted, loader=found.user, dwh=schema))
    for number, mode in enumerate(("append", "upsert", "replace")):
        result = execute(operator(destination_table=found.table, write_mode=mode), run_id=f"run_{number}")
        assert (result["rows"], result["guarantee"]) == (1000, "exactly-once"), mode
    for mode, right in (("replace", "DELETE"), ("upsert", "UPDATE"), ("append", "INSERT")):
        found.revoke(right)
        with pytest.raises(DestinationError, match=r"denied|no right to"):
            execute(operator(destination_table=found.table, write_mode=mode), run_id=f"without_{right}")


@pytest.mark.server
def test_rights_where_a_dba_creates_the_tables(
    postgres: Restricted, source: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.admin.execute(
        f"GRANT USAGE ON SCHEMA dwh TO {postgres.user}",
        f"GRANT SELECT, INSERT ON dwh.sales TO {postgres.user}",
    )
    with pytest.raises(MetadataTableError, match="Grant the right to create tables"):
        execute(operator(destination_table="dwh.sales"))
    script = CheckpointHook("dst").ddl("postgresql")
    tables = "airflow_checkpoint, airflow_checkpoint_event"
    postgres.admin.execute(
        script,
        f"GRANT SELECT, INSERT, UPDATE ON {tables} TO {postgres.user}",
        f"GRANT SELECT ON airflow_checkpoint_reject TO {postgres.user}",
    )
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__AUTO_CREATE", "False")
    assert execute(operator(destination_table="dwh.sales"))["rows"] == 1000
