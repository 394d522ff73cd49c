"""The task that holds a moment of Postgres, beside the one that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MomentGoneError, SourceError
from airflow_checkpoint_provider.engine.transfer.shared_moment import hold, is_held
from airflow_checkpoint_provider.operators.holding import CheckpointHoldMomentOperator
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator
from tests.operators.group.test_moment import Running
from tests.support.airflow.operating import DagRun
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

pytestmark = pytest.mark.server

READERS = ["plan", "load"]


class Going(Running):
    """A task instance whose run goes on with each question: what is next is called, once."""

    steps: Iterator[Callable[[], Any]] = iter(())
    pushed: str = ""

    def xcom_push(self, key: str, value: str) -> None:
        assert key == "moment"
        self.pushed = value

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.returned.get((task_ids, key))

    def get_task_states(self, dag_id: str, *, task_ids: Any, run_ids: Any) -> Any:
        next(self.steps, lambda: None)()
        return super().get_task_states(dag_id, task_ids=task_ids, run_ids=run_ids)


@pytest.fixture
def source(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    source = make_db("postgres", "source")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    return source


def holder(**changes: Any) -> Any:
    given = {"moment_task_id": "moment", "readers": READERS, "poll_interval": 0, **changes}
    return CheckpointHoldMomentOperator(task_id="holder", source_conn_id="src", **given)


def moment(**changes: Any) -> Any:
    given = {"held_by_task_id": "holder", "poll_interval": 0, **changes}
    return CheckpointMomentOperator(task_id="moment", source_conn_id="src", **given)


def run(task: Any, ti: Going) -> Any:
    return task.execute({"ti": ti, "dag_run": DagRun()})


def test_it_is_held_until_the_readers_have_ended(source: Db) -> None:
    ti = Going(states={"moment": None, "plan": None, "load": None})
    held: list[bool] = []

    def goes_on(**states: str | None) -> Callable[[], None]:
        def step() -> None:
            held.append(bool(ti.pushed) and is_held(source.database("src"), ti.pushed))
            if "load_0" in states:
                ti.states.pop("load", None)
            ti.states.update(states)

        return step

    ti.steps = iter(
        [
            goes_on(moment="running"),
            goes_on(moment="success", plan="success"),
            goes_on(load_0="success", load_1="up_for_retry"),
            goes_on(load_1="running"),
            goes_on(load_1="failed"),
        ]
    )
    taken = run(holder(), ti)
    assert taken == ti.pushed
    assert held == [False, True, True, True, True]
    assert not is_held(source.database("src"), taken)


def test_a_lost_connection_is_told(source: Db) -> None:
    ti = Going(states={"moment": "running", "plan": None, "load": None})
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    end += " AND pid <> pg_backend_pid()"
    ti.steps = iter([lambda: None, lambda: source.rows(end)])
    with pytest.raises(SourceError, match="Source 'src': "):
        run(holder(), ti)


def test_an_attempt_after_one_that_was_lost_holds_nothing(source: Db) -> None:
    ti = Going(states={"moment": "success", "plan": "failed", "load": None})
    with pytest.raises(MomentGoneError, match="is gone with the session of an earlier attempt"):
        run(holder(), ti)
    assert ti.pushed == ""


def test_a_run_with_one_slot_is_told(source: Db) -> None:
    states = {"moment": "scheduled", "plan": None, "load": None, "holder": "scheduled"}
    told = "has not begun for 0 seconds, and .* at least two slots"
    with pytest.raises(ArgumentError, match=f"as_of: moment {told}"):
        run(holder(start_timeout=0), Going(states=dict(states)))
    with pytest.raises(ArgumentError, match=f"as_of: holder {told}"):
        run(moment(start_timeout=0), Going(states=dict(states)))


def test_a_moment_that_is_left_of_an_attempt_before_a_clear_is_not_taken(source: Db) -> None:
    ti = Going(states={"holder": None})
    with hold(source.database("src")) as left:
        assert left is not None
    ti.returned["holder", "moment"] = left.moment
    with hold(source.database("src")) as fresh:
        assert fresh is not None
        ti.steps = iter(
            [
                lambda: None,
                lambda: ti.states.update(holder="running"),
                lambda: ti.returned.update({("holder", "moment"): fresh.moment}),
            ]
        )
        assert run(moment(), ti) == fresh.moment


@pytest.mark.parametrize("state", ["success", "failed", "upstream_failed"])
def test_a_holder_that_has_ended_is_told(source: Db, state: str) -> None:
    with pytest.raises(ArgumentError, match=rf"as_of: holder has ended \({state}\), and holds no moment"):
        run(moment(), Going(states={"holder": state}))
    with pytest.raises(ArgumentError, match="held_by_task_id: a session has to hold a moment"):
        run(moment(held_by_task_id=None), Going())


@pytest.mark.parametrize("kind", ["oracle", "sqlite"])
def test_where_nobody_has_to_hold_one(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", make_db(kind, "source").uri)
    ti = Going()
    assert run(holder(), ti) is None
    assert ti.pushed == ""
    if kind == "sqlite":
        with pytest.raises(ArgumentError, match="as_of: SQLite .* cannot be read as it was"):
            run(moment(), ti)


def test_readers_are_named() -> None:
    for readers in ([], "load", [7]):
        with pytest.raises(ArgumentError, match="readers: .* is not a list of tasks"):
            holder(readers=readers)
