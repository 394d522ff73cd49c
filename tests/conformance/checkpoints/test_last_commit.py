"""The time of the last commit, which an attempt that takes the checkpoint over does not move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.admin.wait_condition import WaitCondition
from airflow_checkpoint_provider.engine.model.errors import LoadStalledError
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

LONG_AGO = datetime(2026, 1, 2, tzinfo=UTC)


class KilledError(BaseException):
    """Ends an attempt that records no end."""


@pytest.fixture
def load(destination: Db, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination.execute("CREATE TABLE target (n integer)")
    monkeypatch.setattr(SqlStore, "give_up", lambda *_: None)
    return Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n", "batch_size": 4})


def kill_before_a_commit(load: Load) -> None:
    def end(rows: Any) -> Any:
        raise KilledError

    with pytest.raises(KilledError):
        load.attempt(rows_processor=end)


def let_time_pass(load: Load) -> None:
    load.destination.execute(
        "UPDATE airflow_checkpoint SET committed_at = TIMESTAMP '2026-01-02 00:00:00'"
        if load.destination.kind == "mysql"
        else "UPDATE airflow_checkpoint SET committed_at = '2026-01-02 00:00:00.000000"
        + ("'" if load.destination.kind == "sqlite" else "+00'")
    )


@pytest.mark.parametrize("batches", [0, 1])
def test_a_load_that_is_killed_again_and_again_is_stalled(
    load: Load, hook: CheckpointHook, batches: int
) -> None:
    if batches:
        assert load.attempt_batches(batches)
    else:
        kill_before_a_commit(load)
    (begun,) = hook.list(state="running")
    assert (datetime.now(UTC) - begun.committed_at).total_seconds() < 60
    let_time_pass(load)
    for attempt in (2, 3, 4):
        kill_before_a_commit(load)
        (found,) = hook.list(state="stalled")
        assert (found.fence, found.committed_at) == (attempt, LONG_AGO)
        assert found.updated_at > begun.updated_at
        with pytest.raises(LoadStalledError, match="nothing committed for"):
            WaitCondition(stalled_after=3600).is_met(found, datetime.now(UTC))
    assert hook.list(state="running") == []
    load.attempt()
    (done,) = hook.list()
    assert done.committed_at == done.updated_at == done.completed_at


def test_a_clear_begins_again(load: Load, hook: CheckpointHook) -> None:
    kill_before_a_commit(load)
    let_time_pass(load)
    load.clear()
    kill_before_a_commit(load)
    (found,) = hook.list(state="running")
    assert (datetime.now(UTC) - found.committed_at).total_seconds() < 60


def test_a_load_that_only_begins_again_is_listed_by_its_last_commit(load: Load, hook: CheckpointHook) -> None:
    kill_before_a_commit(load)
    let_time_pass(load)
    first = load.run
    load.next_run()
    load.attempt()
    load.run, load.try_number = first, 1
    kill_before_a_commit(load)

    def runs(**order: Any) -> list[str]:
        listed = [one.identity.run_id for one in hook.list(**order)]
        found = hook.find(Search(text="run_"), **order)
        assert listed == [one.checkpoint.identity.run_id for one in found.rows]
        return listed

    assert runs() == runs(order_by="-committed_at") == ["run_2", "run_1"]
    assert runs(order_by="-updated_at") == ["run_1", "run_2"]
    # Its checkpoint was updated since, though no batch was committed.
    assert hook.list(updated_before=datetime(2026, 1, 3, tzinfo=UTC)) == []
    assert hook.purge(timedelta(hours=1), status="running") == 0
