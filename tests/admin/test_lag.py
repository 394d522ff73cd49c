"""The lag of a mark in the shell, in gauges and in the view, and where it is unknown."""

from __future__ import annotations

import html
import json
import sqlite3
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.admin import lag as lagging
from airflow_checkpoint_provider.engine.databases.sqlite.dialect import SqliteDialect
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from airflow_checkpoint_provider.hooks import lag as lag_hook
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.shell import Ask, database_of_both, shell
from tests.support.airflow.view_client import view
from tests.support.loads import Load

ROW = "INSERT INTO t VALUES (5, '2026-01-01 12:01:00')"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A load across runs, of a table with one row."""
    database = database_of_both(tmp_path, monkeypatch)
    database.execute(
        "CREATE TABLE t (n integer, born text)",
        "CREATE TABLE target (n integer, born text)",
        "INSERT INTO t VALUES (1, '2026-01-01 12:00:00')",
    )
    return Load(database, database, {"source_table": "t", "checkpoint_column": "born", "scope": "task"})


def test_the_shell_and_the_gauges(
    load: Load, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stats = Mock()
    monkeypatch.setattr(lag_hook, "Stats", stats)
    command: Ask = shell(capsys, monkeypatch)
    load.attempt()
    load.source.execute(ROW)
    told = json.loads(command("lag", "a_dag", "a_task", "-o", "json"))
    assert (told["seconds"], told["rows"]) == (60.0, 1)
    assert (told["position"], told["newest"]) == (
        {"born": "2026-01-01 12:00:00"},
        {"born": "2026-01-01 12:01:00"},
    )
    tags = {"dag_id": "a_dag", "task_id": "a_task"}
    gauges = {call.args[0]: (call.args[1], call.kwargs["tags"]) for call in stats.gauge.call_args_list}
    assert gauges == {"checkpoint.lag": (60.0, tags), "checkpoint.lag_rows": (1, tags)}
    assert "60 s" in command("lag", "a_dag", "a_task")
    assert "There is no checkpoint of a_dag.none, all runs" in command("lag", "a_dag", "none").replace(
        "run *", "all runs"
    )


def test_parameters_are_those_of_the_load(load: Load) -> None:
    hook = CheckpointHook("dst")
    load.attempt(sql="SELECT * FROM t WHERE n < ?", source_table=None, parameters=[9])
    load.source.execute(ROW)
    with pytest.raises(ArgumentError, match="the query of the load has some, which are not stored"):
        hook.lag("a_dag", "a_task")
    with pytest.raises(ArgumentError, match="these are not those of the load"):
        hook.lag("a_dag", "a_task", parameters=[8])
    assert hook.lag("a_dag", "a_task", parameters=[9]).rows == 1


def test_a_load_that_counts_rows_has_no_mark(load: Load) -> None:
    load.attempt(sql="SELECT * FROM t ORDER BY n", source_table=None, checkpoint_column=None, scope="run")
    with pytest.raises(ArgumentError, match="has no key: rows are counted"):
        CheckpointHook("dst").lag("a_dag", "a_task", "run_1")


def test_rows_that_cannot_be_counted_in_time(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    load.attempt()
    load.source.execute(ROW)

    def too_slow(*_: Any) -> int:
        raise SourceError("cancelled") from sqlite3.OperationalError("interrupted")

    monkeypatch.setattr(lagging, "_count", too_slow)
    with pytest.raises(SourceError):
        CheckpointHook("dst").lag("a_dag", "a_task")
    monkeypatch.setattr(SqliteDialect, "is_time_limit", lambda self, error: True)
    found = CheckpointHook("dst").lag("a_dag", "a_task")
    assert (found.seconds, found.rows) == (60, None)


def test_the_view(load: Load) -> None:
    load.attempt()
    load.source.execute(ROW, ROW)
    target = "dag_id=a_dag&task_id=a_task&run_id=*&conn_id=dst&table=airflow_checkpoint"
    with view() as client:
        assert 'id="lag"' in client.get(f"/task?{target}").text
        page = html.unescape(" ".join(client.get(f"/lag?{target}").text.split()))
        assert "1 min and 2 rows behind the source." in page
        assert "born = 2026-01-01 12:01:00" in page
        load.source.execute("ALTER TABLE t RENAME TO gone")
        page = html.unescape(client.get(f"/lag?{target}").text)
        assert "Unknown." in page
        assert "no such table: t" in page
