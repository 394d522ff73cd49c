"""Passwords and sensitive extras: in no error, log line, history entry or result."""

from __future__ import annotations

import json
import random
import re
import traceback
from typing import Any

import pytest
from airflow.sdk.log import redact
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.databases import get_db_hook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.mysql_drivers import DRIVERS
from tests.support.troubles.failing import PASSWORD, SPELT, TOKEN, forget, found_in, make_tell, planted, use

KINDS = ("sqlite", "postgres", "mysql", "oracle")


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> tuple[Db, Db]:
    """Source and destination of the connections ``src`` and ``dst``, with secrets."""
    return planted(monkeypatch, make_db(request.param, "source"), make_db(request.param, "destination"))


def fail(**changes: Any) -> str:
    """Run a task that fails, and return its error and its log as Airflow shows them."""
    with capture_logs() as log, pytest.raises((CheckpointError, RuntimeError)) as failed:
        execute(operator(**{"batch_size": 4, "max_reconnects": 0, **changes}))
    lines = "\n".join(str(entry) for entry in log)
    shown = "".join(traceback.format_exception(failed.value))
    return f"{failed.value}\n{lines}\n{redact(shown)}"


def kept(conn_id: str = "dst") -> str:
    """Return the checkpoints and their history."""
    hook = CheckpointHook(conn_id)
    checkpoints = hook.list()
    return repr([checkpoints, [hook.history("a_dag", "copy", c.identity.run_id) for c in checkpoints]])


@pytest.mark.parametrize("side", ["src", "dst"])
def test_a_driver_that_quotes_what_it_was_given(
    both: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    make_tell(monkeypatch, both[0].kind)
    said = fail()
    assert "cannot be opened: could not connect: " in said
    assert "***, ***" in said
    assert found_in(said, both[0].kind) == []


@pytest.mark.parametrize(
    "driver", [name for name in DRIVERS if name != "pymysql"]
)  # MySqlHook does not support it
def test_each_driver_of_mysql(mysql_source: str, monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    source = Db("mysql", mysql_source, driver)
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    source.insert("orders", [(1,)])
    use(monkeypatch, "src", source)
    use(monkeypatch, "dst", source)
    said = fail(preoperator="INSERT INTO nonsense VALUES ('{}')".format(PASSWORD.replace("'", "''")))
    assert "refused the preoperator" in said
    make_tell(monkeypatch, "mysql", driver)
    again = fail()
    assert "cannot be opened: could not connect: ***" in again
    assert found_in(said + again, "mysql") == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"host": "localhost:1"}, "cannot be opened"),
        ({"path": "/nowhere/at/all"}, "cannot be opened|no table|unable to open"),
        ({"user": "nobody"}, "cannot be opened"),
    ],
    ids=["host", "database", "user"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_is_wrong(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str, wrong: dict[str, str], message: str
) -> None:
    if kind in ("sqlite", "oracle") and "path" not in wrong:
        wrong = {"path": "/nowhere/at/all"} if kind == "sqlite" else {"host": "localhost:1"}
    if kind == "oracle" and "path" in wrong:
        wrong = {"host": "localhost:1"}
    source, destination = make_db(kind, "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    destination.execute("CREATE TABLE target (id integer)")
    use(monkeypatch, "src", source, **{"user": "nobody", **wrong} if kind == "mysql" else wrong)
    use(monkeypatch, "dst", destination)
    said = fail()
    assert any(part in said for part in message.split("|")), said
    assert found_in(said, kind) == []


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"source_table": "nowhere"}, "there is no table nowhere"),
    ({"destination_table": "nowhere"}, "there is no table nowhere"),
    ({"source_table": None, "sql": "SELECT nonsense, '{secret}' AS x FROM orders"}, "Source 'src'"),
    ({"preoperator": "INSERT INTO nonsense VALUES ('{secret}')"}, "refused the preoperator"),
    ({"source_table": None, "sql": "SELECT id, '{secret}' AS nope FROM orders"}, "has no column 'nope'"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_a_statement_that_is_wrong(both: tuple[Db, Db], mistake: dict[str, Any], message: str) -> None:
    get_db_hook("src", "source_conn_id")
    in_sql = PASSWORD.replace("'", "''").replace("%", "%%")
    mistake = {name: value.replace("{secret}", in_sql) if value else value for name, value in mistake.items()}
    said = fail(**mistake)
    assert message.lower() in said.lower()
    assert found_in(said, both[0].kind) == []


def test_a_query_that_has_changed(both: tuple[Db, Db]) -> None:
    secret = TOKEN if both[0].kind == "sqlite" else PASSWORD
    in_sql = secret.replace("'", "''").replace("%", "%%")
    # In the error, the second query is cut in the middle of the secret.
    queries = [
        f"SELECT id, name FROM orders WHERE name <> '{'x' * n}' AND name <> '{in_sql}'" for n in (1, 49)
    ]
    assert len(queries[1]) > 120

    def refuse(rows: list[Any], **_: Any) -> list[Any]:
        raise RuntimeError

    said = "".join(
        fail(source_table=None, sql=query, checkpoint_column="id", rows_processor=refuse) for query in queries
    )
    assert "query was " in said
    assert said.count("AND name <> '***'") > 1
    assert secret[:6] not in said


def test_a_load_that_fails_and_goes_on(both: tuple[Db, Db]) -> None:
    def refuse(rows: list[Any], **_: Any) -> list[Any]:
        if rows[0][0] >= 8:
            raise RuntimeError("the service said: " + ", ".join(SPELT.values()))
        return rows

    said = fail(rows_processor=refuse)
    (checkpoint,) = CheckpointHook("dst").list()
    assert re.match(r"RuntimeError: the service said: .*\*\*\*, \*\*\*", checkpoint.last_error or "")
    result = execute(operator(batch_size=4), try_number=2)
    assert result["rows"] == 12
    # The error of the author's own code is masked by Airflow's log; the rest must not hold the secrets.
    for text in (redact(said), kept(), repr(result)):
        assert found_in(text, both[0].kind) == []


@pytest.mark.server
def test_a_connection_that_is_lost(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    source.insert("orders", [(n,) for n in range(500)])
    destination.execute("CREATE TABLE target (id integer)")
    use(monkeypatch, "src", source)
    use(monkeypatch, "dst", destination)
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)

    def lose(rows: list[Any], **_: Any) -> list[Any]:
        destination.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        make_tell(monkeypatch, "postgres")
        return rows

    said = fail(rows_processor=lose, max_reconnects=2)
    assert "A connection was lost 3 times" in said
    assert "could not connect: ***, ***" in said
    assert found_in(said, "postgres") == []


@pytest.mark.server
def test_a_value_that_does_not_fit(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY, n text)")
    source.insert("orders", [(1, PASSWORD)])
    destination.execute("CREATE TABLE target (id integer, n integer)")
    use(monkeypatch, "src", source)
    use(monkeypatch, "dst", destination)
    said = fail()
    assert "Nothing of the batch is committed" in said
    assert found_in(said + kept(), "postgres") == []


def test_what_is_short_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", "sqlite://user:tiny@/x?__extra__=%7B%22token%22%3A+%22ab%22%7D")
    get_db_hook("src", "source_conn_id")
    assert masked("a tiny word, about") == "a tiny word, about"


def test_what_is_nested_in_the_extras_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = '{"nested": {"password": ["in a list"]}, "options": "plain text"}'
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "sqlite", "extra": extra}))
    get_db_hook("other", "source_conn_id")
    assert masked("in a list, plain text") == "***, plain text"
