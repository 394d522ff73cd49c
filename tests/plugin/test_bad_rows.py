"""Rows of the metadata table that are no checkpoints: each is shown as unreadable, with the reason and the remedy."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, InvalidCheckpointError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import view
from tests.support.airflow.operating import execute, operator
from tests.support.airflow.shell import Ask, shell
from tests.support.databases.db import Db


def in_plan(index: int, of: int) -> str:
    """Return the fingerprint of a load of one partition."""
    part = {
        "plan": "p", "index": index, "of": of, "column": "id", "lower": None, "upper": '[["int","7"]]',
        "nulls": False, "rows": 10, "rows_in_all": 40,
    }  # fmt: skip
    return json.dumps({"partition": json.dumps(part)})


NESTED = "[" * 200_000
LONG = "x" * 5_000_000
UNREADABLE: dict[str, dict[str, Any]] = {
    "a list": {"fingerprint": "[]"},
    "a number in it": {"fingerprint": '{"query": 1}'},
    "nested": {"fingerprint": NESTED},
    "long": {"fingerprint": LONG},
    "no loop": {"fingerprint": '{"loop": "first of all"}'},
    "no part of a plan": {"fingerprint": in_plan(0, 0)},
    "too many parts": {"fingerprint": in_plan(0, 2_000_000)},
    "behind the last part": {"fingerprint": in_plan(4, 4)},
    "nested columns": {"key_columns": NESTED},
    "no columns": {"key_columns": '{"a": 1}'},
    "numbers as columns": {"key_columns": "[1]"},
    "text in a number": {"rows_written": "many"},
    "text in another": {"fence": LONG},
    "a fraction": {"rows_written": 0.5},
    "a format of text": {"format_version": "new"},
    "bytes": {"owner": b"\xff"},
    "no text": {"status": b"completed"},
    "no time": {"updated_at": "soon"},
    "no time of the commit": {"committed_at": "soon"},
    "bytes for a map index": {"claimed_map_index": b"\xff"},
    "a time beyond all": {"created_at": "99999-01-01 00:00:00"},
    "a number for a time": {"started_at": 5},
    "a state of its own": {"status": LONG},
    "a long name": {"destination_table": LONG},
}
POSITIONS = {
    "signaling": '[["decimal","sNaN"]]',
    "nested": NESTED,
    "long": f'[["str","{LONG}"]]',
    "of no type": '[["int",{"a": 1}]]',
}
"""A checkpoint with such a position is shown; only a load that resumes from it fails."""
ODD: dict[str, dict[str, Any]] = {
    "a state that is over": {"updated_at": "0001-01-01 00:00:00.000000", "status": "running"},
    "a far future": {"updated_at": "9999-12-31 23:59:59.999999", "status": "running"},
    "the greatest number": {"rows_written": 2**63 - 1, "status": "running", "lower_bound": '[["float","0"]]'},
    "hardly begun": {
        "status": "running",
        "position": '[["float","1e-300"]]',
        "lower_bound": '[["float","0"]]',
        "upper_bound": '[["float","1"]]',
        "rows_written": 2**62,
    },
    "infinite": {"position": '[["float","inf"]]', "upper_bound": '[["decimal","1e999999"]]'},
    "of other types": {"position": '[["date","2026-01-01"]]', "upper_bound": '[["bytes","AA=="]]'},
    "more values than columns": {"position": '[["int","1"],["int","2"]]'},
    "a part": {"fingerprint": in_plan(1, 4)},
    "an error": {"status": "failed", "last_error": LONG},
}
KEYS = ("dag_bad", "load", "run_bad")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    database = Db("sqlite", str(tmp_path / "both.db"))
    for conn_id in ("src", "dst"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", database.uri)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "dst")
    monkeypatch.setenv("COLUMNS", "2000")
    CheckpointHook("dst").create_tables()
    database.insert("airflow_checkpoint", [row(n) for n in range(5)])
    return database


def spoil(database: Db, **values: Any) -> None:
    """Add a checkpoint with these values."""
    ids = dict(zip(("dag_id", "task_id", "run_id"), KEYS, strict=True))
    database.insert("airflow_checkpoint", [row(0, **{**ids, **values})])


@pytest.fixture
def client(database: Db) -> Iterator[TestClient]:
    with view() as opened:
        yield opened


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    return shell(capsys, monkeypatch)


@pytest.mark.parametrize("values", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_row_is_told_and_can_be_deleted_on_its_page(
    database: Db, client: TestClient, values: dict[str, Any]
) -> None:
    spoil(database, **values)
    page = client.get("/")
    assert page.status_code == 200
    assert page.text.count("badge completed") == 5
    said = html.unescape(page.text)
    assert "Invalid checkpoint value: the row of dag_bad.load, run run_bad cannot be read" in said
    assert "Delete it to load from the start" in said
    assert len(page.text) < 100_000
    target = {"dag_id": KEYS[0], "task_id": KEYS[1], "run_id": KEYS[2]}
    own = client.get("/task", params=target)
    assert own.status_code == 200
    assert "unreadable" in own.text
    assert 'data-action="delete"' in own.text
    assert 'data-action="reload"' not in own.text
    assert "unreadable" in client.get("/task", params={**target, "run_id": ""}).text
    body = {**target, "conn_id": "dst", "table": "airflow_checkpoint"}
    assert client.request("DELETE", "/checkpoint", json=body).status_code == 200
    assert "cannot be read" not in client.get("/").text


@pytest.mark.parametrize("values", UNREADABLE.values(), ids=UNREADABLE)
def test_the_shell_and_the_hook_tell_it_too(
    database: Db, command: Callable[..., str], values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(database, **values)
    hook = CheckpointHook("dst")
    warned = Mock()
    monkeypatch.setattr(hook.log, "warning", warned)
    assert len(hook.list()) == 5
    assert "cannot be read" in warned.call_args.args[1]
    checkpoints, unreadable = hook.list_all()
    assert (len(checkpoints), len(unreadable)) == (5, 1)
    with pytest.raises(
        InvalidCheckpointError, match="cannot be read .*Delete it to load from the start"
    ) as told:
        hook.get(*KEYS)
    assert len(str(told.value)) < 1_000
    listed = command("list", "-o", "json")
    assert '"status": "unreadable"' in listed
    alone = command("list", "--status", "unreadable", "-o", "json")
    assert (alone.count('"status"'), '"status": "unreadable"' in alone) == (1, True)
    assert "cannot be read" in listed
    assert "Traceback" not in listed
    assert "cannot be read" in command("show", *KEYS)
    assert "is deleted" in command("delete", *KEYS, "--yes")
    assert hook.get(*KEYS) is None


@pytest.mark.parametrize("text", POSITIONS.values(), ids=POSITIONS)
def test_a_position_that_cannot_be_read(
    database: Db, client: TestClient, command: Callable[..., str], text: str
) -> None:
    spoil(database, position=text, status="failed", lower_bound=text, upper_bound=text)
    page = client.get("/")
    assert (page.status_code, page.text.count('class="badge ')) == (200, 6)
    assert "unreadable: " in page.text
    own = client.get("/task", params=dict(zip(("dag_id", "task_id", "run_id"), KEYS, strict=True)))
    assert own.status_code == 200
    assert "The next attempt fails, because the position cannot be read" in own.text
    assert max(len(page.text), len(own.text)) < 100_000
    assert "unreadable: " in command("show", *KEYS)
    assert "unreadable: " in command("list")


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_odd_values_are_shown(
    database: Db, client: TestClient, command: Callable[..., str], values: dict[str, Any]
) -> None:
    spoil(database, **values)
    page = client.get("/")
    assert page.status_code == 200
    assert "dag_bad" in page.text
    own = client.get("/task", params=dict(zip(("dag_id", "task_id", "run_id"), KEYS, strict=True)))
    assert own.status_code == 200
    assert max(len(page.text), len(own.text)) < 100_000
    assert "dag_bad" in command("list")
    assert "Traceback" not in command("show", *KEYS)


@pytest.mark.parametrize(
    "ids",
    [{"map_index": "first"}, {"map_index": -7}, {"task_id": LONG}, {"run_id": b"\xff"}, {"task_id": ""}],
)
def test_a_row_that_can_be_nobodys(
    database: Db, client: TestClient, command: Callable[..., str], ids: dict[str, Any]
) -> None:
    spoil(database, **ids)
    page = client.get("/")
    assert page.status_code == 200
    assert page.text.count("badge completed") == 5
    assert "No checkpoint can have these ids: delete the row in the database." in page.text
    assert len(page.text) < 100_000
    assert len(CheckpointHook("dst").list()) == 5
    assert "No checkpoint can have these ids" in command("list")


@pytest.mark.parametrize("dag_id", [LONG, b"\xff", "a\0b"])
def test_a_dag_id_that_is_none(database: Db, client: TestClient, dag_id: Any) -> None:
    spoil(database, dag_id=dag_id)
    page = client.get("/")
    assert (page.status_code, page.text.count("badge completed")) == (200, 5)
    assert len(page.text) < 100_000


def test_what_cannot_be_read_is_escaped(database: Db, client: TestClient) -> None:
    markup = "<script>alert(1)</script>"
    spoil(database, status=markup, task_id=markup)
    page = client.get("/")
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text


ENTRIES: dict[str, dict[str, Any]] = {
    "of no kind": {"kind": "what"},
    "no time": {"recorded_at": "soon"},
    "no number": {"rows_written": "many"},
    "nobody's": {"who": b"\xff"},
    "long": {"detail": LONG},
    "deep": {"position": NESTED},
}


@pytest.mark.parametrize("kind", ["reload_requested", "progress", "started", "failed"])
@pytest.mark.parametrize("values", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_of_the_history_hides_no_page(
    database: Db, client: TestClient, command: Callable[..., str], values: dict[str, Any], kind: str
) -> None:
    spoil(database, status="running")
    entry = {
        "dag_id": KEYS[0], "task_id": KEYS[1], "run_id": KEYS[2], "map_index": -1, "name": "-",
        "name_digest": "-", "kind": kind,
        "recorded_at": "2026-01-01 00:00:00.000000", "who": "ada", "try_number": 1, "rows_written": 7,
        "position": None, "detail": None, **values,
    }  # fmt: skip
    database.insert("airflow_checkpoint_event", [(1, *entry.values())])
    page = client.get("/")
    assert (page.status_code, page.text.count('class="badge ')) == (
        200,
        6 + page.text.count("badge requested"),
    )
    own = client.get("/task", params=dict(zip(("dag_id", "task_id", "run_id"), KEYS, strict=True)))
    assert own.status_code == 200
    assert max(len(page.text), len(own.text)) < 100_000
    for name in ("list", "show", "history"):
        assert "Traceback" not in command(name, *(KEYS if name != "list" else ()))


def test_an_attempt_tells_the_reason_and_the_way_out(database: Db) -> None:
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    database.insert("orders", [(n,) for n in range(5)])
    for values in UNREADABLE.values():
        spoil(database, dag_id="a_dag", task_id="copy", run_id="run_1", **values)
        with pytest.raises(CheckpointError, match="cannot be read .*Delete it to load from the start"):
            execute(operator())
        assert CheckpointHook("dst").delete("a_dag", "copy", "run_1")
    assert execute(operator())["rows"] == 5


def test_what_was_asked_for_counts_though_its_entry_is_damaged(database: Db) -> None:
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    database.insert("orders", [(n,) for n in range(5)])
    execute(operator())
    CheckpointHook("dst").request_reload("a_dag", "copy", "run_1")
    database.execute(
        "UPDATE airflow_checkpoint_event SET recorded_at = 'soon' WHERE kind = 'reload_requested'"
    )
    assert execute(operator(preoperator="DELETE FROM target"))["rows"] == 5


def test_no_error_writes_lines_or_orders_of_its_own_into_a_log(
    database: Db, caplog: pytest.LogCaptureFixture, command: Callable[..., str]
) -> None:
    forged = "broken\r\n[2026-01-01] INFO - all is well\x1b[2J\x9b31m\x07"
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    database.insert("orders", [(n,) for n in range(5)])

    def refuse(rows: list[Any], **_: Any) -> list[Any]:
        raise RuntimeError(forged)

    with pytest.raises(RuntimeError):
        execute(operator(rows_processor=refuse))
    (error,) = database.rows("SELECT last_error FROM airflow_checkpoint WHERE dag_id = 'a_dag'")[0]
    assert error == "RuntimeError: broken [2026-01-01] INFO - all is well\\x1b[2J\\x9b31m\\x07"
    entry = [1000, *KEYS, -1, "-", "-", "failed", "soon\x1b[2J\nforged", "ada", 1, 7, None, forged]
    database.insert("airflow_checkpoint_event", [entry])
    spoil(database, status="odd\x1b[2J\nforged")
    said = "".join(command(name, *(KEYS if name != "list" else ())) for name in ("list", "show", "history"))
    logged = "".join(record.getMessage() for record in caplog.records)
    for text in (said, logged):
        assert not {"\x1b", "\x9b", "\x07"} & {*text}
        assert "\nforged" not in text
