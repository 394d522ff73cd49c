"""Searching many checkpoints: by status, DAG and text, page by page, with their open requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.model.errors import InvalidCheckpointError
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
COLUMNS = [column.name for column in Tables.named("airflow_checkpoint").checkpoint.columns]
FINGERPRINT = (
    '{"query": "SELECT * FROM sales WHERE sale_date = 20260301 AND region IN (1, 2, 3)", "table": "sales"}'
)


def row(
    number: int, seconds: int | None = None, *, now: datetime | None = None, **changes: Any
) -> tuple[Any, ...]:
    """A completed checkpoint of one of 100 DAGs, updated ``seconds`` ago, by default ``number``."""
    dag = number % 100
    ago = timedelta(seconds=number if seconds is None else seconds)
    when = ((now or datetime.now(UTC)) - ago).strftime("%Y-%m-%d %H:%M:%S.%f")
    values = dict.fromkeys(COLUMNS)
    values |= {
        "dag_id": f"dag_{dag}", "task_id": "load", "run_id": f"run_{number}", "map_index": -1,
        "name": "-", "name_digest": "-", "status": "completed",
        "strategy": "key", "key_columns": '["id"]', "position": '[["int","900"]]', "lower_bound": '[["int","1"]]',
        "upper_bound": '[["int","1000"]]', "rows_read": 900, "rows_written": number, "batches": 9, "nulls_done": 0,
        "fence": 1, "restarting": 0, "forced": 0, "request_seen": 0, "current_run_id": f"run_{number}",
        "try_number": 1, "max_tries": 3, "task_retries": 3, "clear_number": 0, "owner": "host pid 1",
        "fingerprint": FINGERPRINT, "source_conn_id": "erp", "destination_conn_id": "target",
        "destination_table": f"dwh.sales_{dag}", "created_at": when, "started_at": when, "updated_at": when,
        "format_version": 2,
    }  # fmt: skip
    values |= changes
    values["committed_at"] = changes.get("committed_at", values["updated_at"])
    return tuple(values.values())


@pytest.fixture
def filled(hook: CheckpointHook, destination: Db) -> CheckpointHook:
    """Of 300 checkpoints, one runs, one stalls, two failed (one with a requested reload), one is seeded."""
    hook.create_tables()
    changes: dict[int, dict[str, Any]] = {
        0: {"status": "running"},
        299: {"status": "running", "updated_at": "2026-01-01 00:00:00"},
        7: {"status": "failed", "last_error": "it broke"},
        107: {"status": "failed"},
        42: {"destination_table": "100%_Sure", "task_id": "Special"},
        55: {"status": "seeded"},
    }
    destination.insert("airflow_checkpoint", [row(n, **changes.get(n, {})) for n in range(300)])
    hook.request_reload("dag_7", "load", "run_7", who="ada", reason="wrong rows")
    return hook


def runs(
    hook: CheckpointHook, order_by: str = "-committed_at", limit: int = 50, offset: int = 0, **search: Any
) -> list[int]:
    found = hook.find(Search(**search), limit=limit, offset=offset, order_by=order_by)
    return [int(listed.checkpoint.identity.run_id.removeprefix("run_")) for listed in found.rows]


def test_each_state_has_its_rows_and_its_count(filled: CheckpointHook) -> None:
    counts = {"running": 1, "stalled": 1, "failed": 2, "completed": 295, "seeded": 1, "requested": 1}
    assert filled.find(Search()).counts == counts
    assert filled.find(Search()).total == 300
    assert runs(filled, state="running") == [0]
    assert runs(filled, state="stalled") == [299]
    assert runs(filled, state="failed") == [7, 107]
    assert runs(filled, state="seeded") == [55]
    assert runs(filled, state="requested") == [7]
    for state, count in counts.items():
        assert filled.find(Search(state=state)).total == count
    assert filled.find(Search(state="failed")).counts == counts
    assert filled.find(Search(stalled_after=timedelta(days=10_000))).counts["stalled"] == 0


def test_text_is_found_in_ids_and_tables_in_any_case_and_to_the_letter(filled: CheckpointHook) -> None:
    assert runs(filled, text="special") == [42]
    assert runs(filled, text="SURE") == [42]
    assert runs(filled, text="100%_") == [42]
    assert runs(filled, text="%") == [42]
    assert runs(filled, text="RUN_299") == [299]
    assert filled.find(Search(text="dag_70")).total == 3
    seeded = filled.find(Search(text="run_55"))
    assert (seeded.total, seeded.counts["seeded"]) == (1, 1)


@pytest.mark.parametrize("by_load", [True, False])
@pytest.mark.parametrize("order_by", ["-committed_at", "committed_at"])
def test_pages_of_ties_neither_repeat_nor_miss(
    hook: CheckpointHook, destination: Db, order_by: str, by_load: bool
) -> None:
    hook.create_tables()
    moments = [f"2026-01-01 00:00:0{n % 3}.000000" for n in range(60)]
    at_once = [row(n, committed_at=moment, updated_at=moment) for n, moment in enumerate(moments)]
    destination.insert("airflow_checkpoint", at_once)
    search = Search(by_load=by_load, readable=lambda dag_ids: set(dag_ids) - {"dag_7"})
    pages = [hook.find(search, limit=7, offset=7 * n, order_by=order_by).rows for n in range(9)]
    found = [one.checkpoint for page in pages for one in page]
    assert {one.identity.run_id for one in found} == {f"run_{n}" for n in range(60) if n != 7}
    assert len(found) == 59
    times = [one.committed_at for one in found]
    assert times == sorted(times, reverse=order_by.startswith("-"))


def test_pages_neither_repeat_nor_miss(filled: CheckpointHook) -> None:
    pages = [runs(filled, order_by="destination_table", offset=offset) for offset in range(0, 350, 50)]
    assert sorted(run for page in pages for run in page) == list(range(300))
    assert pages[-1] == []
    assert runs(filled, order_by="-rows_written", limit=2) == [299, 298]


def test_only_what_may_be_read_is_found_counted_or_named(filled: CheckpointHook) -> None:
    offered: list[Any] = []

    def readable(dag_ids: Any) -> set[str]:
        offered.extend(dag_ids)
        return {"dag_7", "dag_99", "not there"}

    found = filled.find(Search(readable=readable), limit=100)
    assert {listed.checkpoint.identity.dag_id for listed in found.rows} == {"dag_7", "dag_99"}
    assert (found.total, found.dag_ids) == (6, ["dag_7", "dag_99"])
    counts = {"running": 0, "stalled": 1, "failed": 2, "completed": 3, "seeded": 0, "requested": 1}
    assert found.counts == counts
    assert len(offered) == 100
    nothing = filled.find(Search(readable=lambda dag_ids: set()))
    assert (nothing.rows, nothing.total, nothing.dag_ids, sum(nothing.counts.values())) == ([], 0, [], 0)
    assert filled.find(Search(state="requested", readable=lambda dag_ids: {"dag_8"})).total == 0


def test_a_request_says_who_and_why_until_it_is_taken_back(filled: CheckpointHook) -> None:
    (listed,) = filled.find(Search(dag_id="dag_7", run_id="run_7")).rows
    assert listed.request
    assert (listed.request.asks_for, listed.request.who, listed.request.detail) == (
        "reload",
        "ada",
        "wrong rows",
    )
    filled.request_resume("dag_7", "load", "run_7", who="bob")
    (listed,) = filled.find(Search(dag_id="dag_7", run_id="run_7")).rows
    assert listed.request
    assert listed.request.asks_for == "resume"
    filled.cancel_request("dag_7", "load", "run_7")
    (listed,) = filled.find(Search(dag_id="dag_7", run_id="run_7")).rows
    assert listed.request is None
    assert filled.find(Search()).counts["requested"] == 0


def test_a_damaged_row_is_told_and_the_others_are_shown(filled: CheckpointHook, destination: Db) -> None:
    destination.execute("UPDATE airflow_checkpoint SET fingerprint = 'x' WHERE run_id = 'run_3'")
    found = filled.find(Search(), limit=300)
    assert len(found.rows) == 299
    assert "Invalid checkpoint value" in found.unreadable[0].reason


UNKNOWN = {"sqlite": "soon", "postgres": "infinity", "mysql": "0000-00-00"}
"""Times that the database stores, and that its driver cannot convert."""


@pytest.mark.parametrize("destination", list(UNKNOWN), indirect=True)
def test_a_row_that_the_driver_cannot_read_hides_no_other(filled: CheckpointHook, destination: Db) -> None:
    unknown = UNKNOWN[destination.kind]
    lenient = ["SET SESSION sql_mode = ''"] if destination.kind == "mysql" else []
    for number, column in ((0, "updated_at"), (3, "created_at"), (99, "created_at"), (299, "started_at")):
        destination.execute(
            *lenient, f"UPDATE airflow_checkpoint SET {column} = '{unknown}' WHERE run_id = 'run_{number}'"
        )
    found = filled.find(Search(), limit=300)
    assert (len(found.rows), len(found.unreadable)) == (296, 4)
    assert {row.identity.run_id for row in found.unreadable if row.identity} == {
        "run_0",
        "run_3",
        "run_99",
        "run_299",
    }
    assert all("cannot be read" in row.reason for row in found.unreadable)
    assert filled.find(Search(text="run_3"), limit=300).unreadable
    with pytest.raises(InvalidCheckpointError, match="Delete it to load from the start"):
        filled.get("dag_3", "load", "run_3")
    assert filled.delete("dag_3", "load", "run_3")


def test_all_there_is_to_see_of_one(hook: CheckpointHook, destination: Db, make_db: MakeDb) -> None:
    load: Load = numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")
    load.attempt_batches(2)
    hook.request_resume("a_dag", "a_task", "run_1", who="ada")
    checkpoint, request, events = hook.look("a_dag", "a_task", "run_1")
    assert checkpoint
    assert request
    assert (checkpoint.batches, request.who) == (2, "ada")
    assert [event.kind for event in events] == ["started", "opened", "failed", "resume_requested"]
    load.attempt()
    checkpoint, request, events = hook.look("a_dag", "a_task", "run_1")
    assert request is None
    assert [event.kind for event in events][-3:] == ["resumed", "opened", "completed"]
    assert hook.look("a_dag", "a_task", "no such run") == (None, None, [])


def test_progress_is_thinned_and_turns_are_kept(
    hook: CheckpointHook, destination: Db, make_db: MakeDb
) -> None:
    load: Load = numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")
    load.attempt_batches(2)
    which = ("a_dag", "a_task", "run_1", -1)
    destination.insert(
        "airflow_checkpoint_event",
        [
            (1000 + n, *which, "-", "-", kind, f"2026-01-01 00:00:{n % 60:02}", "x", 1, n, None, None)
            for n in range(5000)
            for kind in ["resumed" if n == 2345 else "progress"]
        ],
    )
    _, _, events = hook.look("a_dag", "a_task", "run_1", samples=100)
    progress = [event for event in events if event.kind == "progress"]
    assert 90 <= len(progress) <= 110
    assert {event.kind for event in events} == {"started", "opened", "failed", "resumed", "progress"}
    # The last progress of an attempt has what it has measured in all.
    assert {3344, 5999} <= {event.id for event in progress}
    assert [event.id for event in events] == sorted(event.id for event in events)


def test_the_instances_of_a_mapped_task_in_a_run_are_found_as_one(
    hook: CheckpointHook, destination: Db
) -> None:
    hook.create_tables()
    load = {"dag_id": "a", "task_id": "load", "run_id": "run_9", "current_run_id": "run_9"}
    destination.insert(
        "airflow_checkpoint",
        [
            row(1),
            row(2),
            *(row(n, map_index=n, **load) for n in (3, 4)),
            row(5, map_index=5, status="failed", destination_table="dwh.Other", **load),
            *(row(6, name=name, name_digest=name, **load) for name in ("x", "y")),  # committed at one moment
            row(7, map_index=0, **{**load, "run_id": "run_8"}),
        ],
    )
    assert runs(hook, by_load=True) == [1, 2, 9, 8]
    assert [runs(hook, by_load=True, limit=2, offset=n) for n in (0, 2)] == [[1, 2], [9, 8]]
    found = hook.find(Search(by_load=True))
    assert (found.total, found.counts["completed"], found.more) == (4, 7, False)
    newest = found.rows[2].checkpoint.identity
    assert (newest.map_index, newest.name) == (3, "")
    assert sorted(
        (one.checkpoint.identity.map_index, one.checkpoint.identity.name) for one in found.parts
    ) == [
        *((-1, "x"), (-1, "y"), (3, ""), (4, ""), (5, "")),
    ]
    # By the conditions of a search another instance may stand for the load; its parts are all of them.
    for search in ({"state": Status.FAILED}, {"text": "OTHER"}):
        found = hook.find(Search(by_load=True, **search))
        assert [one.checkpoint.identity.map_index for one in found.rows] == [5]
        assert (found.total, len(found.parts)) == (1, 5)
    assert len(hook.find(Search()).rows) == 8
