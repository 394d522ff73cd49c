"""A load compared with the last runs of its task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.store.past_runs import Run, earlier_runs, runs_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin.display.usual import Usual
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import view
from tests.support.databases.db import Db
from tests.support.plugin_events import checkpoint, told

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def load(rows: int, seconds: float, status: str = "completed") -> Any:
    done = NOW if status == "completed" else None
    return checkpoint(
        status=status, rows=rows, started_at=NOW - timedelta(seconds=seconds), completed_at=done
    )


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (load(40_000, 60), []),
        (load(25_000, 110), []),
        (load(0, 60), ["0 rows, usually 40,000"]),
        (load(90_000, 60), ["90,000 rows, usually 40,000"]),
        (load(40_000, 180), ["3 times slower than usual: 3 min, usually 1 min"]),
        (load(1_000, 180, "running"), ["3 times slower than usual: 3 min, usually 1 min"]),
        (load(1_000, 180, "failed"), []),
    ],
)
def test_what_differs_is_named(now: Any, words: list[str]) -> None:
    usual = Usual.of([Run(60, 40_000)] * 5)
    assert usual
    assert (usual.runs, usual.rate) == (5, 40_000 / 60)
    assert usual.unusual(now, NOW) == words


def test_short_loads_are_not_called_slow() -> None:
    usual = Usual.of([Run(0.2, 10)] * 3)
    assert usual
    assert usual.unusual(load(10, 9), NOW) == []
    assert usual.unusual(load(10, 30), NOW) == ["slower than usual: 30 s, usually 0.2 s"]


def test_two_runs_tell_nothing_and_the_last_ten_count() -> None:
    assert Usual.of([Run(1, 1)] * 2) is None
    usual = Usual.of([Run(1, 1)] * 20 + [Run(5, 100)] * 10)
    assert usual == Usual(10, 5, 100)


def test_the_runs_of_a_task_with_a_checkpoint_for_each() -> None:
    assert runs_of([load(5, 2), load(1, 9, "failed"), load(7, 4)]) == [Run(4, 7), Run(2, 5)]


def test_the_runs_of_a_checkpoint_that_spans_them() -> None:
    kinds = ["started", "failed", "resumed", "completed", "started", "completed", "resumed", "completed"]
    entries = told(*((kind, n, n, 1) for n, kind in enumerate(kinds)))
    assert [run.rows for run in earlier_runs(entries)] == [3, 5]
    assert [run.rows for run in earlier_runs([*entries, *told(("started", 9, 0, 1))])] == [3, 5, 7]


def test_a_run_begins_at_its_own_start_whatever_became_of_the_one_before() -> None:
    day = 86_400
    entries = told(
        *(("started", 0, 0, 1), ("failed", 5, 0, 1), ("resumed", 10, 0, 2), ("failed", 20, 0, 2)),
        *(("started", day, 0, 1), ("failed", day + 5, 0, 1), ("resumed", day + 30, 0, 2)),
        *(("completed", day + 60, 7, 2), ("started", 2 * day, 0, 1)),
    )
    assert earlier_runs(entries) == [Run(60, 7)]


def test_the_tab_compares_a_run_with_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Db("sqlite", str(tmp_path / "own.db"))
    monkeypatch.setenv("AIRFLOW_CONN_OWN", database.uri)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "own")
    CheckpointHook("own").create_tables()
    times = {"created_at": NOW, "updated_at": NOW, "committed_at": NOW}
    for n in range(5):
        began = NOW - timedelta(days=5 - n)
        run = {"dag_id": "a_dag", "task_id": "a_task", "run_id": f"run_{n}", "status": "completed"}
        took = {"started_at": began, "completed_at": began + timedelta(seconds=60), "rows_written": 40_000}
        last = {"rows_written": 0} if n == 4 else {}
        database.insert("airflow_checkpoint", [row(1, now=NOW, **{**run, **times, **took, **last})])
    with view() as client:
        its = "dag_id=a_dag&task_id=a_task&conn_id=own&table=airflow_checkpoint&run_id="
        page = " ".join(client.get(f"/task?{its}run_4").text.split())
        assert "0 rows, usually 40,000." in page
        assert "40,000 rows in 1 min" in page
        assert "The median of the last 4 runs" in page
        assert "Usually" not in client.get(f"/task?{its}run_2").text
