"""Values that Rich, HTML or a terminal would interpret, in the output of ``airflow checkpoint``."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from airflow.cli import cli_parser

from airflow_checkpoint_provider.engine.model.errors import written_out
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

TEXTS = [
    *("[red]x", "a[/]b", "[/red]", "[link=u]y[/]", "\\[red]", "[bold]", "[", "[[]]", "[@click=f]x", "[x](y)"),
    *(":smile:", "<b>&amp;</b>", "{0}", "%s", "\\"),
]
LAST = "\U0001f600"
COMMANDS = ("list", "show", "history", "rejects")


@pytest.fixture
def both(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    db = make_db("sqlite", "both")
    db.execute("CREATE TABLE orders (id text PRIMARY KEY, name text)")
    for conn_id in ("SRC", "DST"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", db.uri)
    return db


def fail(db: Db, text: str) -> tuple[str, str, str]:
    """Load a table with this text as its name, ids, keys and errors; one row is refused."""
    table, said = text.replace('"', '""'), text.replace("'", "''")
    db.execute(
        f'CREATE TABLE "{table}" (id text, name text)',
        f"CREATE TRIGGER refuse BEFORE INSERT ON \"{table}\" WHEN new.name = 'bad'"
        f" BEGIN SELECT RAISE(ABORT, '{said}'); END",
    )
    db.insert("orders", [("", "bad"), (text, "fine"), (LAST, "fine")])

    def refuse(rows: list[Any], **_: Any) -> list[Any]:
        if rows[0][0] == LAST:
            raise RuntimeError(text)
        return rows

    ids = {"dag_id": text, "task_id": text, "run_id": text}
    task = operator(destination_table=f'"{table}"', batch_size=2, rows_processor=refuse, on_bad_row="reject")
    with pytest.raises(RuntimeError):
        execute(task, **ids)
    CheckpointHook("dst").request_reload(**ids, who=text, reason=text)
    return text, text, text


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")  # restores the value that commands set
    parser = cli_parser.get_parser()

    def run(name: str, ids: tuple[str, str, str], output: str) -> str:
        args = ["checkpoint", name, "-c", "dst", "-o", output, *(() if name == "list" else ("--", *ids))]
        capsys.readouterr()
        parsed = parser.parse_args(args)
        parsed.func(parsed)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("text", TEXTS)
def test_for_people(both: Db, printed: Any, text: str) -> None:
    ids = fail(both, text)
    for output in ("table", "plain"):
        # Ids, position and table; with the last id and the error; who, why, the error and positions; values and error.
        for command, times in zip(COMMANDS, (5, 6, 4, 2), strict=True):
            assert printed(command, ids, output).count(text) >= times, (command, output)


@pytest.mark.parametrize("text", [*TEXTS, "\x1b[31mx", "a\nb", "\u202e"])
def test_for_programs(both: Db, printed: Any, text: str) -> None:
    ids = fail(both, text)
    for output, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        (listed,) = read(printed("list", ids, output))
        assert tuple(listed[name] for name in ("dag_id", "task_id", "run_id", "position")) == (
            *ids,
            {"id": text},
        )
        shown = read(printed("show", ids, output))
        assert shown["last_error"] == f"RuntimeError: {written_out(' '.join(text.split()))}"
        assert read(printed("history", ids, output))[0]["detail"] == text
        (rejected,) = read(printed("rejects", ids, output))
        assert (rejected["error"], rejected["row"]) == (
            written_out(" ".join(text.split())),
            {"id": "", "name": "bad"},
        )


@pytest.mark.parametrize("output", ["table", "plain"])
def test_a_terminal_is_told_nothing(both: Db, printed: Any, output: str) -> None:
    ids = fail(both, "\x1b[31mx\x07")
    for command in COMMANDS:
        shown = printed(command, ids, output)
        assert r"\x1b[31mx\x07" in shown
        assert [character for character in shown if ord(character) < 32 and character != "\n"] == []
