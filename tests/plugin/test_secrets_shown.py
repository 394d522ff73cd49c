"""Passwords and sensitive extras: on no page, in no answer of the view, and in no command's output."""

from __future__ import annotations

import html
from typing import Any

import pytest

from tests.support.airflow.clients.view_client import view
from tests.support.airflow.operating import execute, operator
from tests.support.airflow.shell import Ask, shell
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.troubles.failing import PASSWORD, SPELT, TOKEN, forget, found_in, make_tell, planted

RUN = {"dag_id": "a_dag", "task_id": "copy", "run_id": "run_1"}
ONE = tuple(RUN.values())
PLACE = {"conn_id": "dst", "table": "airflow_checkpoint"}
SEED = ("--source-conn-id", "src", "--source-table", "orders", "--destination-table", "target")
CREATE_TRIGGER = {
    "sqlite": "CREATE TRIGGER refuse BEFORE INSERT ON target WHEN new.id = 7 BEGIN SELECT RAISE(ABORT, '{}'); END",
    "mysql": "CREATE TRIGGER refuse BEFORE INSERT ON target FOR EACH ROW IF new.id = 7 THEN"
    " SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = '{}'; END IF",
    "postgres": "CREATE TRIGGER refuse BEFORE INSERT ON target FOR EACH ROW WHEN (new.id = 7) EXECUTE FUNCTION refuse()",
}


@pytest.fixture(autouse=True)
def _kept_in_dst(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "dst")


@pytest.fixture(params=["sqlite", "postgres", "mysql", "oracle"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(kind: str, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    return planted(monkeypatch, make_db(kind, "source"), make_db(kind, "destination"))[1]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv("COLUMNS", "5000")
    return shell(capsys, monkeypatch)


def pages() -> list[str]:
    """Return the view's pages of the load, and its answers to requests."""
    with view() as client:
        answers = [
            client.get("/"),
            client.get("/task", params={**RUN, "run_id": ""}),
            client.get("/task", params=RUN),
            *(
                client.post("/request", json={**RUN, **PLACE, "action": action})
                for action in ("reload", "resume", "cancel")
            ),
            client.request("DELETE", "/checkpoint", json={**RUN, **PLACE}),
            client.get("/task", params=RUN),
        ]
        return [html.unescape(answer.text) for answer in answers]


def printed(command: Ask) -> list[str]:
    """Return the output of all commands, those that read the load first."""
    looks = [
        command(name, *(ONE if name != "list" else ()), "-o", output)
        for name in ("list", "show", "history", "rejects")
        for output in ("table", "json", "yaml", "plain")
    ]
    return [
        *looks,
        command("reload", *ONE, "--yes"),
        command("reload", *ONE, "--cancel"),
        command("resume", *ONE),
        command("seed", *ONE, *SEED, "--position", "3", "--yes"),
        command("purge", "--older-than", "0m", "--status", "failed", "--dry-run"),
        command("delete", *ONE, "--yes"),
        command("purge", "--older-than", "0m", "--yes"),
        command("create-tables"),
    ]


@pytest.mark.parametrize("look", ["pages", "printed"])
def test_a_load_whose_error_quotes_everything(
    kind: str, target: Db, command: Ask, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    def refuse(rows: list[Any], **_: Any) -> list[Any]:
        raise RuntimeError("the service said: " + ", ".join(SPELT.values()))

    with pytest.raises(RuntimeError):
        execute(operator(rows_processor=refuse))
    forget(monkeypatch)  # the load is read by other processes
    shown = pages() if look == "pages" else printed(command)
    assert sum("the service said" in text for text in shown) > 2
    assert found_in("\n".join(shown), kind) == []


@pytest.mark.parametrize("kind", list(CREATE_TRIGGER), indirect=True)
@pytest.mark.parametrize("look", ["pages", "printed"])
def test_rows_that_are_rejected_with_an_error_that_quotes_everything(
    kind: str, target: Db, command: Ask, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    said = f"refused: {PASSWORD}, {TOKEN}".replace("'", "''")
    if kind == "postgres":
        target.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = '{said}'; END $$"
        )
    target.execute(CREATE_TRIGGER[kind].format(said.replace("\\", "\\\\") if kind == "mysql" else said))
    assert execute(operator(on_bad_row="reject"))["rejected"] == 1
    forget(monkeypatch)
    shown = pages() if look == "pages" else printed(command)
    assert sum("refused: " in text and "***" in text for text in shown) > 0
    assert found_in("\n".join(shown), kind) == []


def test_a_command_that_cannot_connect(
    kind: str, target: Db, command: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(operator())
    forget(monkeypatch)
    make_tell(monkeypatch, kind)
    shown = printed(command)
    assert [text for text in shown if "cannot be opened: could not connect: " not in text] == []
    assert [text for text in shown if "Traceback" in text] == []
    assert found_in("\n".join(shown), kind) == []


# No SQLite: Airflow's own tables are in SQLite here, and the view could not reach them, either.
@pytest.mark.parametrize("kind", ["postgres", "mysql", "oracle"], indirect=True)
def test_a_page_that_cannot_connect(kind: str, target: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(operator())
    forget(monkeypatch)
    make_tell(monkeypatch, kind)
    shown = pages()
    assert sum("cannot be opened: could not connect: ***" in text for text in shown) == 4
    assert sum("cannot be used now: nothing was done" in text for text in shown) == 4
    assert found_in("\n".join(shown), kind) == []
