"""A rejected password: the error names the connection and the user, and no password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from airflow.sdk.log import redact
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.errors import CannotConnectError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.embedded import running_postgres
from tests.support.troubles.failing import forget, found_in, with_secrets

RIGHT = "Checkpoint_1"
REFUSALS = {
    "postgres": 'password authentication failed for user "guarded"',
    "mysql": "Access denied for user 'tester'@",
}


@pytest.fixture(scope="module")
def postgres_with_passwords() -> Iterator[str]:
    """DSN of a database in a separate server, which requires its owner's password."""
    with running_postgres() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{RIGHT}'")
            connection.execute("CREATE DATABASE guarded OWNER guarded")
            ((path,),) = connection.execute("SHOW hba_file").fetchall()
            rules = Path(path)  # the first matching rule applies
            asking = "local all guarded scram-sha-256\nhost all guarded all scram-sha-256\n"
            rules.write_text(asking + rules.read_text())
            connection.execute("SELECT pg_reload_conf()")
        dsn = psycopg.conninfo.make_conninfo(server.get_uri(), user="guarded", dbname="guarded")
        _wait_until_it_asks(dsn)
        yield psycopg.conninfo.make_conninfo(dsn, password=RIGHT)


def _wait_until_it_asks(dsn: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(dsn, password="another one").close()
        except psycopg.OperationalError:
            return
        time.sleep(0.05)
    raise AssertionError("the server lets in whoever comes")


@pytest.fixture(params=list(REFUSALS))
def db(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Db:
    """The database of the connections ``src`` and ``dst``, with a table to read and one to write."""
    forget(monkeypatch)
    fixture = {"postgres": "postgres_with_passwords", "mysql": "mysql_destination"}[request.param]
    db = Db(request.param, request.getfixturevalue(fixture))
    made = ("orders", "target", *(f"airflow_checkpoint{rest}" for rest in ("", "_event", "_reject")))
    db.execute(*(f"DROP TABLE IF EXISTS {table}" for table in made))
    db.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    db.insert("orders", [(1,), (2,)])
    for conn_id in ("SRC", "DST"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", db.uri)
    return db


def mistype(monkeypatch: pytest.MonkeyPatch, conn_id: str, db: Db) -> None:
    user = {"user": "tester"} if db.kind == "mysql" else {}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", with_secrets(db, **user))


@pytest.mark.parametrize("conn_id", ["src", "dst"])
def test_a_transfer(db: Db, monkeypatch: pytest.MonkeyPatch, conn_id: str) -> None:
    assert execute(operator())["rows"] == 2
    mistype(monkeypatch, conn_id, db)
    with capture_logs() as log, pytest.raises(CannotConnectError) as failed:
        execute(operator(), run_id="run_2")
    said = str(failed.value)
    assert said.startswith(f"Connection {conn_id!r} cannot be opened: ")
    assert REFUSALS[db.kind] in said
    shown = f"{said}\n{log}\n{redact(repr(failed.value.__cause__))}"
    assert found_in(shown, db.kind) == []
    assert (urlsplit(db.place).password or RIGHT) not in shown


def test_looking_at_checkpoints(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(operator())
    mistype(monkeypatch, "dst", db)
    with pytest.raises(CannotConnectError, match="^Connection 'dst' cannot be opened: ") as failed:
        CheckpointHook("dst").list()
    assert REFUSALS[db.kind] in str(failed.value)
    assert found_in(str(failed.value), db.kind) == []
