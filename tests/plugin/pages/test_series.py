"""The runs of a checkpoint that spans runs, and where the time of a load went."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.events.batch_times import BatchTimes, Counter
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store import checkpoint_store
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.display.series import runs_in
from airflow_checkpoint_provider.plugin.display.times import times_of
from tests.support.airflow.clients.view_client import know, view
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import add, numbers, run
from tests.support.plugin_events import told

TASK = "/task?dag_id=a_dag&task_id=a_task"


@pytest.fixture
def load(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Load:
    destination = make_db("sqlite", "destination")
    monkeypatch.setenv("AIRFLOW_CONN_OWN", destination.uri)
    know(monkeypatch, Places(configured={Place("own")}))
    return numbers(make_db("sqlite", "source"), destination, declared="n integer PRIMARY KEY", scope="task")


def page(client: TestClient, run_id: str) -> str:
    answer = client.get(f"{TASK}&run_id={run_id}")
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", answer.text)).split())


def test_each_run_has_its_rows_and_its_range(load: Load) -> None:
    load.attempt()
    add(load, 10, 11)
    run(load)
    load.next_run()
    add(load, 12)
    load.attempt()
    with view() as client:
        shown = page(client, "run_3")
        runs = shown.partition(" Runs ")[2].partition(" Attempts ")[0]
        lines = re.findall(r"(run_\d) completed \S+ \S+ UTC \S+ \S+ (\d+) (.*?)(?= run_|$)", runs)
        assert lines == [
            ("run_3", "1", "n = 11 to n = 12"),
            ("run_2", "2", "n = 9 to n = 11"),
            ("run_1", "10", "n = 9"),
        ]
        assert "This run" not in shown
        earlier = page(client, "run_2").partition(" Rows committed ")[0]
        assert "This run run_2 completed Rows of this run 2 Range n = 9 to n = 11 Ended" in earlier
        assert "which run run_3 has moved since" in earlier
        assert "is not recorded, or was longer ago" in page(client, "run_0")


def facts(run_id: str) -> str:
    return replace(LoadFacts(write_mode="append", batch_size=1, scope="task"), run_id=run_id).as_text()


def entry(
    kind: str, seconds: float, rows: int = 0, position: int | None = None, run_id: str = ""
) -> HistoryEntry:
    (made,) = told((kind, seconds, rows, 1, "x", facts(run_id) if kind == "opened" else None))
    return replace(made, position=None if position is None else f'[["int","{position}"]]')


def series(*entries: HistoryEntry) -> list[tuple[str, str, int, str, str]]:
    return [(one.run_id, one.state, one.rows, one.start, one.end) for one in runs_in(entries, ("n",))]


def test_a_cleared_run_counts_once_and_a_killed_one_is_named() -> None:
    first = [entry("started", 0, 0), entry("opened", 1, 0, None, "r1"), entry("completed", 5, 10, 9)]
    cleared = [
        entry("started", 10, 10, 9),
        entry("opened", 11, 0, None, "r1"),
        entry("completed", 15, 12, 11),
    ]
    killed = [entry("started", 20, 0, 11), entry("opened", 21, 0, 11, "r2"), entry("progress", 25, 3, 14)]
    failed = [
        *(entry("started", 30, 0, 14), entry("opened", 31, 0, 14, "r3"), entry("failed", 35, 2, 16)),
        *(entry("resumed", 40, 2, 16), entry("opened", 41, 2, 16, "r3"), entry("completed", 45, 5, 19)),
    ]
    assert series(*first, *cleared, *killed, *failed) == [
        ("r1", "completed", 12, "", "n = 11"),
        ("r2", "interrupted", 3, "n = 11", "n = 14"),
        ("r3", "completed", 5, "n = 14", "n = 19"),
    ]


def test_passes_of_a_loop_in_one_run_stay_apart() -> None:
    passes = [
        *(entry("started", 0), entry("opened", 1, 0, None, "r1"), entry("completed", 5, 10, 9)),
        *(entry("started", 6, 0, 9), entry("opened", 7, 0, 9, "r1"), entry("completed", 8, 1, 10)),
    ]
    assert [one[2:] for one in series(*passes)] == [(10, "", "n = 9"), (1, "n = 9", "n = 10")]


def test_runs_recorded_without_a_name_have_none() -> None:
    old = [
        entry("started", 0),
        entry("opened", 1, 0),
        entry("completed", 5, 10, 9),
        entry("started", 9, 0, 9),
    ]
    assert [one[0] for one in series(*old)] == ["", ""]


def test_the_last_samples_of_the_attempts_of_a_load_are_added_up() -> None:
    def sample(seconds: float, spent: float) -> HistoryEntry:
        text = BatchTimes((spent, 0.0, 0.0, 0.0), Counter({5: 1}), spent).as_text()
        return replace(entry("progress", seconds), detail=text)

    earlier = [entry("started", 0), sample(5, 99), entry("completed", 6)]
    load = [entry("started", 10), sample(15, 1), sample(20, 2), entry("resumed", 30), sample(35, 5)]
    times = times_of([*earlier, *load])
    assert times
    assert (times.spent[0], times.batches) == (7, 2)
    assert times_of([entry("started", 0), entry("progress", 5), entry("completed", 9)]) is None


def test_the_page_has_them(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_store, "SAMPLE_EVERY", 0.0)
    load.attempt()
    with view() as client:
        shown = page(client, "run_1")
        assert re.search(
            r"Where the time went reading \d+% processing \d+% writing \d+% committing \d+%", shown
        )
        assert re.search(r"Batches measured 3 .*p50 .*p95 Slowest [\d.]+ s .*n = ", shown)
        assert 'class="reading"' in client.get(f"{TASK}&run_id=run_1").text
