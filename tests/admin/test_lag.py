"""The lag of a mark in the shell, in gauges and in the view, and where it is unknown."""

from __future__ import annotations

import html
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_checkpoint_provider.engine.admin import lag as lagging
from airflow_checkpoint_provider.engine.databases.sqlite.dialect import SqliteDialect
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from airflow_checkpoint_provider.hooks import lag as lag_hook
from airflow_checkpoint_provider.hooks.airflow_internals import rendered as rendered_fields
from airflow_checkpoint_provider.hooks.airflow_internals import tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.task_reads import has_hook_params
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.plugin.errands import Errands
from airflow_checkpoint_provider.plugin.pages import lagging as page_of_lag
from airflow_checkpoint_provider.plugin.reading import Reader
from tests.admin.test_growth import statements
from tests.support.airflow.clients.view_client import view
from tests.support.airflow.shell import Ask, database_of_both, shell
from tests.support.loads import Load

ROW = "INSERT INTO t VALUES (5, '2026-01-01 12:01:00')"


READS: dict[str, Any] = {
    "source_conn_id": "src",
    "source_table": "t",
    "columns": None,
    "checkpoint_column": "born",
}


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The rendered fields that Airflow has, and beside them ``has_source_hook_params`` of its serialized DAG."""
    fields: dict[str, Any] = {**READS, "has_source_hook_params": False}

    def serialized(dag_id: str) -> dict[str, Any]:
        task = {"task_id": "a_task", "has_source_hook_params": fields["has_source_hook_params"]}
        return {"dag": {"tasks": [{"__var": task}]}}

    monkeypatch.setattr(
        rendered_fields,
        "rendered_of",
        lambda instance: fields if instance == ("a_dag", "a_task", "run_1", -1) else None,
    )
    monkeypatch.setattr(tables, "serialized_dag", serialized)
    return fields


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
    load: Load,
    rendered: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
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


def test_parameters_are_those_of_the_load(load: Load, rendered: dict[str, Any]) -> None:
    hook = CheckpointHook("dst")
    sql = "SELECT * FROM t WHERE n < ?"
    rendered |= {"sql": sql, "source_table": None}
    load.attempt(sql=sql, source_table=None, parameters=[9])
    load.source.execute(ROW)
    with pytest.raises(ArgumentError, match="the query of the load has some, which are not stored"):
        hook.lag("a_dag", "a_task")
    with pytest.raises(ArgumentError, match="these are not those of the load"):
        hook.lag("a_dag", "a_task", parameters=[8])
    assert hook.lag("a_dag", "a_task", parameters=[9]).rows == 1
    rendered["parameters"] = [9]
    assert hook.lag("a_dag", "a_task").rows == 1


def test_a_load_that_counts_rows_has_no_mark(load: Load, rendered: dict[str, Any]) -> None:
    load.attempt(sql="SELECT * FROM t ORDER BY n", source_table=None, checkpoint_column=None, scope="run")
    with pytest.raises(ArgumentError, match="has no key: rows are counted"):
        CheckpointHook("dst").lag("a_dag", "a_task", "run_1")


def test_rows_that_cannot_be_counted_in_time(
    load: Load, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_the_view(load: Load, rendered: dict[str, Any]) -> None:
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
        assert "there is no table t at the source" in page
        rendered["has_source_hook_params"] = True
        page = html.unescape(client.get(f"/lag?{target}").text)
        assert "source_hook_params: The task has some" in page


def test_a_slow_source_makes_no_place_silent(
    load: Load, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    load.attempt()
    released, reader, errands = threading.Event(), Reader(), Errands(patience=0.01)
    monkeypatch.setattr(CheckpointHook, "lag_of", lambda *_, **__: released.wait(60))
    monkeypatch.setattr(page_of_lag, "errands", lambda: errands)
    monkeypatch.setattr(page_of_lag, "reader", lambda: reader)
    # As if it had begun long ago.
    monkeypatch.setattr("airflow_checkpoint_provider.plugin.reading._SLOW_S", -1.0)
    target = "dag_id=a_dag&task_id=a_task&run_id=*&conn_id=dst&table=airflow_checkpoint"
    try:
        with view() as client:
            assert "The source does not answer in time." in client.get(f"/lag?{target}").text
        assert not reader.ask([Place("dst")], lambda hook: hook.list()).troubles
    finally:
        released.set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "fingerprint = json_set(fingerprint, '$.query', 'SELECT born FROM secrets')",
            "source_table: the checkpoint",
        ),
        ("key_columns = '[\"n\"]', position = '[[\"int\", 1]]'", "checkpoint_column: the checkpoint"),
        ("source_conn_id = 'other'", "source_conn_id: the checkpoint"),
    ],
)
def test_what_the_metadata_table_names_is_not_run(
    load: Load, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: str, words: str
) -> None:
    load.attempt()
    load.source.execute("CREATE TABLE secrets (n integer, born text)")
    load.destination.execute(f"UPDATE airflow_checkpoint SET {change}")
    with statements() as sent, pytest.raises(ArgumentError, match=words):
        CheckpointHook("dst").lag("a_dag", "a_task")
    assert not [text for text, _ in sent if "secrets" in text or "max(" in text.lower()]


def test_what_the_task_reads_is_not_known(
    load: Load, rendered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    load.attempt()
    hook = CheckpointHook("dst")
    rendered["where"] = (
        "Truncated. You can change this behaviour in [core]max_templated_field_length. 'n > 0'"
    )
    with pytest.raises(ArgumentError, match="where: Airflow keeps only the beginning of it"):
        hook.lag("a_dag", "a_task")
    # A word of the query that is also somebody's password: neither the task nor the table has changed.
    for name, hidden in (
        ("where", "n > 0 OR v = '***'"),
        ("parameters", {"v": ["***"]}),
        ("source_table", "***"),
    ):
        monkeypatch.setitem(rendered, "where", None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(rendered, name, hidden)
            with pytest.raises(ArgumentError, match=rf"^{name}: Airflow has replaced a secret in it"):
                hook.lag("a_dag", "a_task")
    rendered.clear()
    with pytest.raises(ArgumentError, match="Airflow does not have what the last attempt .* has read"):
        hook.lag("a_dag", "a_task")
    monkeypatch.setattr(rendered_fields, "rendered_of", Mock(side_effect=RuntimeError("not allowed")))
    with pytest.raises(ArgumentError, match=r"cannot be read here \(not allowed\). Give source_conn_id"):
        hook.lag("a_dag", "a_task")
    with pytest.raises(ArgumentError, match="source_conn_id: give the connection"):
        hook.lag("a_dag", "a_task", source_table="t")
    assert hook.lag("a_dag", "a_task", **READS).rows == 0


def test_parameters_of_the_sources_hook_are_given_or_known_to_be_none(
    load: Load, rendered: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load.attempt()
    for has_some, words in ((True, "The task has some"), (None, "Whether the task has some is not known")):
        rendered["has_source_hook_params"] = has_some
        with pytest.raises(ArgumentError, match=words):
            CheckpointHook("dst").lag("a_dag", "a_task")
    command: Ask = shell(capsys, monkeypatch)
    assert "source_hook_params: Whether" in command("lag", "a_dag", "a_task")
    assert '"rows": 0' in command("lag", "a_dag", "a_task", "--source-hook-params", "{}", "-o", "json")
    opened: list[Any] = []
    open_database = lag_hook.open_database

    def remember(*given: Any) -> Any:
        opened.append(given[2])
        return open_database(*given)

    monkeypatch.setattr(lag_hook, "open_database", remember)
    command("lag", "a_dag", "a_task", "--source-hook-params", '{"a": 1}')
    assert opened == [{"a": 1}]
    reads = ("--source-conn-id", "src", "--source-table", "t", "--checkpoint-column", "born")
    assert '"rows": 0' in command("lag", "a_dag", "a_task", *reads, "-o", "json")


@pytest.mark.parametrize(
    ("given", "expanded", "has_some"),
    [
        ({}, None, False),
        ({"source_hook_params": {"a": 1}}, None, True),
        ({}, {"destination_table": ["a"]}, False),
        ({"source_hook_params": {"a": 1}}, {"destination_table": ["a"]}, True),
        ({}, {"source_hook_params": [{"a": 1}]}, None),
    ],
)
def test_whether_a_task_has_parameters_of_its_sources_hook(
    given: dict[str, Any], expanded: dict[str, Any] | None, has_some: bool | None
) -> None:
    arguments: dict[str, Any] = {
        "task_id": "copy",
        "source_conn_id": "src",
        "source_table": "t",
        "destination_conn_id": "dst",
        **({} if expanded and "destination_table" in expanded else {"destination_table": "t"}),
        **given,
    }
    with DAG("a_dag", schedule=None) as dag:
        if expanded:
            CheckpointedTransferOperator.partial(**arguments).expand(**expanded)
        else:
            CheckpointedTransferOperator(**arguments)
    serialized = DagSerialization.to_dict(dag)
    assert has_hook_params(serialized, "copy") is has_some
    assert has_hook_params(serialized, "none") is None
