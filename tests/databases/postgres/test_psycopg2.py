"""A connection of psycopg2, for any caller: refused, with the way to psycopg 3."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from airflow.cli import cli_parser
from airflow.providers.postgres.hooks import postgres

from airflow_checkpoint_provider.engine.model.errors import UnsupportedDatabaseError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.clients.view_client import view
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

pytestmark = pytest.mark.server

REFUSED = (
    "Connection 'old' uses the driver psycopg2, which is not supported; install psycopg 3 where Airflow runs"
    " (pip install 'airflow-checkpoint-provider[postgres]')"
)


@pytest.fixture
def old(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    """A Postgres behind the connection ``old``, whose hook has found no psycopg 3; ``src`` and ``dst`` are SQLite."""
    db = make_db("postgres", "destination")
    db.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    monkeypatch.setenv("AIRFLOW_CONN_OLD", db.uri)
    for conn_id, role in (("SRC", "source"), ("DST", "destination")):
        other = make_db("sqlite", role)
        other.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
        other.insert("orders", [(1,)])
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", other.uri)
    monkeypatch.setattr(postgres, "USE_PSYCOPG3", False)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "old")
    return db


@pytest.mark.parametrize("argument", ["source_conn_id", "destination_conn_id", "checkpoint_conn_id"])
def test_an_operator_refuses_it(old: Db, argument: str) -> None:
    with pytest.raises(UnsupportedDatabaseError, match=re.escape(REFUSED)):
        execute(operator(**{argument: "old"}, allow_duplicates=True))
    assert old.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1") == [
        ("orders",),
        ("target",),
    ]


@pytest.mark.parametrize(
    "ask", [CheckpointHook.list, CheckpointHook.create_tables, lambda hook: hook.get("a", "b", "c")]
)
def test_the_hook_refuses_it(old: Db, ask: Callable[[CheckpointHook], Any]) -> None:
    with pytest.raises(UnsupportedDatabaseError, match=re.escape(REFUSED)):
        ask(CheckpointHook("old"))


def test_the_command_refuses_it(
    old: Db, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    monkeypatch.setenv("COLUMNS", "500")
    args = cli_parser.get_parser().parse_args(["checkpoint", "list"])
    with pytest.raises(SystemExit) as ended:
        args.func(args)
    assert ended.value.code == 1
    assert REFUSED in capsys.readouterr().err


def test_the_view_refuses_it(old: Db) -> None:
    with view() as client:
        assert REFUSED in html.unescape(client.get("/").text)


def test_no_connection_of_it_stays_open(old: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    class OwnConnection(psycopg2.extensions.connection):
        """A subclass of the driver's connection, as a hook may return."""

    def connect(**arguments: Any) -> Any:
        opened.append(psycopg2.connect(**arguments, connection_factory=OwnConnection))
        return opened[-1]

    monkeypatch.setattr(postgres, "ppg2_connect", connect)
    with pytest.raises(UnsupportedDatabaseError, match=re.escape(REFUSED)):
        execute(operator(source_conn_id="old"))
    assert [connection.closed for connection in opened] == [1]
