"""The CheckpointHook against real tables, through an Airflow connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointDeletedError,
    MetadataTableError,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

WHICH = ("a_dag", "a_task", "run_1")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")


def kinds(hook: CheckpointHook, **where: Any) -> list[str]:
    return [event.kind for event in hook.history(*WHICH, **where)]


def test_get(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    found = hook.get(*WHICH)
    assert found
    assert (found.status, found.rows, found.batches, found.position.key) == ("failed", 4, 1, (3,))
    assert (found.source_conn_id, found.destination_conn_id, found.destination_table) == (
        "src",
        "dst",
        "target",
    )
    load.attempt()
    found = hook.get(*WHICH)
    assert found
    assert (found.status, found.rows, found.upper) == ("completed", 10, (9,))
    assert found.completed_at
    assert found.created_at <= found.started_at <= found.completed_at
    assert hook.get("a_dag", "a_task", "another") is None
    assert hook.get("a_dag", "a_task") is None
    assert hook.get(*WHICH, map_index=0) is None


def test_a_checkpoint_across_runs_is_found_without_a_run(hook: CheckpointHook, load: Load) -> None:
    load.attempt(scope="task", write_mode="append")
    found = hook.get("a_dag", "a_task")
    assert found
    assert found.run_id == "run_1"


def test_history_is_newest_first_and_comes_in_pages(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    load.attempt()
    assert kinds(hook) == ["completed", "opened", "resumed", "failed", "opened", "started"]
    assert kinds(hook, limit=2) == ["completed", "opened"]
    assert kinds(hook, limit=2, offset=2) == ["resumed", "failed"]
    assert kinds(hook, limit=None, offset=5) == ["started"]
    assert kinds(hook, kind="opened") == ["opened", "opened"]
    assert kinds(hook, kind=["failed", "completed"], limit=1) == ["completed"]
    with pytest.raises(ArgumentError, match="kind: 'lost' is not one of started, resumed,"):
        hook.history(*WHICH, kind="lost")
    newest = hook.history(*WHICH)[0]
    assert (newest.who, newest.try_number, newest.rows) == ("test, try 2", 2, 10)


def test_a_reload_is_honoured_by_the_next_attempt_and_only_by_it(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    hook.request_reload(*WHICH, who="ann", reason="bad rows")
    hook.request_reload(*WHICH, who="bob")
    assert load.attempt_batches(1)
    assert load.destination.one("SELECT count(*) FROM target") == 4
    assert load.attempt().rows == 6
    assert load.attempt().rows == 0
    hook.request_reload(*WHICH)
    assert load.attempt().rows == 10
    asked = [(e.kind, e.who, e.detail) for e in hook.history(*WHICH) if e.who in ("ann", "bob")]
    assert asked == [("reload_requested", "bob", None), ("reload_requested", "ann", "bad rows")]


def test_a_resume_is_honoured_by_a_cleared_task(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    load.clear()
    hook.request_resume(*WHICH)
    assert load.attempt().rows == 6
    load.clear()
    assert load.attempt().rows == 10


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (["request_reload", "cancel_request"], 6),
        (["request_reload", "request_resume"], 6),
        (["request_resume", "request_reload"], 10),
        (["cancel_request", "request_reload"], 10),
    ],
)
def test_the_last_word_counts(hook: CheckpointHook, load: Load, asked: list[str], rows: int) -> None:
    load.attempt_batches(1)
    for method in asked:
        getattr(hook, method)(*WHICH)
    assert load.attempt().rows == rows


def test_pending_requests_are_those_that_no_attempt_has_followed(hook: CheckpointHook, load: Load) -> None:
    def pending() -> list[str]:
        return [f"{who.run_id} {what}" for who, what in hook.pending_requests(hook.list()).items()]

    assert load.attempt_batches(1)
    load.next_run()
    assert load.attempt_batches(1)
    assert pending() == []
    hook.request_reload("a_dag", "a_task", "run_1")
    hook.request_resume("a_dag", "a_task", "run_2")
    hook.request_reload("a_dag", "a_task", "run_3")
    assert sorted(pending()) == ["run_1 reload", "run_2 resume"]
    load.attempt()
    hook.cancel_request("a_dag", "a_task", "run_1")
    assert pending() == []
    hook.request_reload("a_dag", "a_task", "run_2")
    hook.request_resume("a_dag", "a_task", "run_2")
    assert pending() == ["run_2 resume"]


def test_a_request_is_for_one_checkpoint(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    for other in [("a_dag", "a_task", "run_2"), ("a_dag", "a_task", None), ("a_dag", "other", "run_1")]:
        hook.request_reload(*other)
    hook.request_reload(*WHICH, map_index=3)
    assert load.attempt().rows == 6


@pytest.mark.able(has_one_lock=False)
def test_a_request_does_not_wait_for_a_running_attempt(hook: CheckpointHook, load: Load) -> None:

    def ask(rows: list) -> list:
        hook.request_reload(*WHICH)
        return rows

    assert load.attempt(rows_processor=ask, batch_size=100).rows == 10
    assert load.attempt().rows == 10


def test_delete_forgets_the_checkpoint_and_keeps_its_history(hook: CheckpointHook, load: Load) -> None:
    load.attempt_batches(1)
    assert hook.delete(*WHICH, who="ann") is True
    assert hook.delete(*WHICH) is False
    assert hook.get(*WHICH) is None
    assert kinds(hook)[0] == "deleted"
    assert load.attempt().rows == 10


def test_a_running_attempt_whose_checkpoint_is_deleted_ends(hook: CheckpointHook, load: Load) -> None:
    deleted = r"was deleted by ann at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, while this attempt \(try 1"
    with pytest.raises(CheckpointDeletedError, match=deleted):
        load.attempt(rows_processor=lambda rows: (hook.delete(*WHICH, who="ann"), rows)[1])
    assert load.destination.one("SELECT count(*) FROM target") == 0
    assert kinds(hook)[:2] == ["failed", "deleted"]
    assert "was deleted by ann" in str(hook.history(*WHICH)[0].detail)


def test_create_tables(hook: CheckpointHook, load: Load) -> None:
    hook.create_tables()
    hook.create_tables()
    assert hook.list() == []
    assert load.attempt(auto_create=False).rows == 10


CALLS: list[Callable[[CheckpointHook], Any]] = [
    lambda hook: hook.get(*WHICH),
    lambda hook: hook.list(),
    lambda hook: hook.history(*WHICH),
    lambda hook: hook.request_reload(*WHICH),
    lambda hook: hook.delete(*WHICH),
    lambda hook: hook.purge(timedelta(0)),
]


@pytest.mark.parametrize("call", CALLS)
def test_without_a_table_it_says_so(hook: CheckpointHook, call: Callable[[CheckpointHook], Any]) -> None:
    with pytest.raises(
        MetadataTableError, match=r"no metadata table airflow_checkpoint in 'target'.*create_tables"
    ):
        call(hook)
