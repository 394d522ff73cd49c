"""The messages about a load that a notifier sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.notifications.checkpoint import CheckpointNotifier
from tests.support.airflow.operating import context, operator
from tests.support.databases.db import Db


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    database = Db("sqlite", str(tmp_path / "both.db"))
    for conn_id in ("SRC", "DST"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", database.uri)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/here")
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    database.insert("orders", [(n,) for n in range(1, 1001)])
    return database


def stop_in_the_third(rows: list[Any], **context: Any) -> list[Any]:
    if rows[0][0] > 600:
        raise ValueError("too\nmuch")
    return rows


def told(task: Any, error: BaseException | None, **changes: Any) -> list[str]:
    sent: list[str] = []
    its = {**context(**changes), "task": task, "exception": error}
    CheckpointNotifier(sent.append, text="@{{ ti.dag_id }}")(its)
    (message,) = sent
    return message.splitlines()


def test_a_failure_and_an_end(database: Db) -> None:
    task = operator(rows_processor=stop_in_the_third)
    with pytest.raises(ValueError, match="much") as failed:
        task.execute(context())  # type: ignore[arg-type]
    front, what, error, how_far, following, link = told(task, failed.value)
    assert front == "@a_dag"
    assert what == "a_dag.copy, run run_1: failed, try 1"
    assert error == "ValueError: too much"
    assert how_far == "src to target in dst: id = 600, 600 rows committed, 59%"
    assert following.startswith("An automatic retry resumes the load, because it failed")
    assert link == "https://airflow.example/here/dags/a_dag/runs/run_1/tasks/copy/plugin/checkpoint"
    operator().execute(context(try_number=2))  # type: ignore[arg-type]
    _, what, how_far, following, _ = told(task, None, try_number=2)
    assert what.endswith("completed, try 2")
    assert how_far.endswith("1,000 rows committed")


def test_a_killed_attempt(database: Db) -> None:
    operator().execute(context())  # type: ignore[arg-type]
    database.execute("UPDATE airflow_checkpoint SET status = 'running', completed_at = NULL")
    assert told(operator(), None)[1] == "a_dag.copy, run run_1: interrupted, try 1"


def test_before_there_is_a_checkpoint_and_where_it_cannot_be_told(
    database: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, what, error, cannot, _ = told(operator(), ValueError("x" * 1000))
    assert what == "a_dag.copy, run run_1: try 1"
    assert (len(error), error[-3:]) == (300, "...")
    assert cannot.startswith("Its progress is unknown: There is no metadata table")
    assert (
        "the task does not name the connection"
        in told(operator(destination_conn_id="{{ x }}"), None, map_index=2)[2]
    )
