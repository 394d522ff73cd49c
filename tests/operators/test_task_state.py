"""An attempt's use of Airflow's task state store, with a double of it: each row of the table in the docs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import airflow
import pytest
from airflow.providers.common.compat.sdk import conf
from structlog.testing import capture_logs

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.task_state import KEY
from tests.support.airflow.operating import DagRun, TaskInstance, operator
from tests.support.databases.db import Db

sdk = pytest.importorskip("airflow.sdk")
pytestmark = [
    pytest.mark.parametrize("pair", ["sqlite->sqlite"], indirect=True),
    pytest.mark.skipif(not hasattr(sdk, "NEVER_EXPIRE"), reason="Airflow 3.2 has no task state store"),
]


class UnavailableError(Exception):
    """The error of the double."""


class StopError(Exception):
    """Ends an attempt."""


@dataclass
class Store:
    """
    The task state of one task instance.

    :param broken: names of the calls that fail
    """

    values: dict[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    kept_for: timedelta | None = None

    def get(self, key: str, default: Any = None) -> Any:
        if "get" in self.broken:
            raise UnavailableError("no answer")
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        if "set" in self.broken:
            raise UnavailableError("no answer")
        self.values[key], self.kept_for = value, retention


@dataclass
class Task:
    """A task whose attempts are run one by one; its ``preoperator`` empties the destination table."""

    destination: Db
    store: Store | None = field(default_factory=Store)
    instance: TaskInstance = field(default_factory=lambda: TaskInstance(try_number=0))
    run: DagRun = field(default_factory=DagRun)
    arguments: dict[str, Any] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)

    def attempt(self, *, batches: int | None = None) -> int:
        """Run the next attempt, and end it after this number of batches; return the number of rows read."""
        self.instance.try_number += 1
        self.seen = []

        def count(rows: list[Any], **context: Any) -> list[Any]:
            if batches is not None and len(self.seen) == 300 * batches:
                raise StopError
            self.seen += [row[0] for row in rows]
            return rows

        task = operator(preoperator="DELETE FROM target", rows_processor=count, **self.arguments)
        context = {"ti": self.instance, "dag_run": self.run}
        if self.store:
            context["task_state_store"] = self.store
        if batches is None:
            task.execute(context)  # type: ignore[arg-type]
            assert self.destination.one("SELECT count(*) FROM target") == 1000
        else:
            with pytest.raises(StopError):
                task.execute(context)  # type: ignore[arg-type]
        return len(self.seen)

    def clear(self, *, keep: bool = False, tells: bool = True) -> None:
        """
        Clear the task as Airflow does.

        :param keep: keep the task state
        :param tells: whether ``max_tries`` changes
        """
        self.run.clear_number += 1
        if tells:
            self.instance.max_tries = self.instance.try_number + 3
        if self.store and not keep:
            self.store.values.clear()

    def reason(self) -> str:
        """The reason that the history gives for the start of the last attempt."""
        (checkpoint,) = CheckpointHook("dst").list()
        identity = checkpoint.identity
        entries = CheckpointHook("dst").history(
            identity.dag_id, identity.task_id, identity.run_id, identity.map_index, identity.name
        )
        return next(entry.detail or "" for entry in entries if entry.kind in ("started", "resumed"))


@pytest.fixture
def task(databases: tuple[Db, Db]) -> Task:
    return Task(databases[1])


def of_version(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(airflow, "__version__", version)


BEFORE, SINCE = ["3.3.2", "3.4.0b2", "3.4.1"], ["3.5.0.dev0", "3.5.1", "3.10.0", "4.0.0"]


def test_each_claim_leaves_a_marker_that_no_cleanup_takes(task: Task) -> None:
    task.attempt(batches=1)
    assert task.store
    assert task.store.values == {KEY: {"load": "a_dag.copy, run run_1", "fence": 1}}
    assert task.store.kept_for is sdk.NEVER_EXPIRE
    task.attempt()
    assert task.store.values[KEY]["fence"] == 2


@pytest.mark.parametrize("version", BEFORE + SINCE)
def test_a_retry_resumes(task: Task, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    of_version(monkeypatch, version)
    task.attempt(batches=2)
    assert task.attempt() == 400
    assert task.attempt() == 0  # complete


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("version", BEFORE + SINCE)
def test_a_clear_that_discards_starts_over(
    task: Task, monkeypatch: pytest.MonkeyPatch, version: str, tells: bool
) -> None:
    of_version(monkeypatch, version)
    task.attempt(batches=2)
    task.clear(tells=tells)
    assert task.attempt(batches=1) == 300
    assert task.reason() == "The task was cleared: starting from the beginning"
    assert task.attempt() == 700  # a retry of the load that started over
    task.clear(tells=tells)
    assert task.attempt() == 1000


@pytest.mark.parametrize("version", BEFORE)
def test_a_clear_that_keeps_cannot_be_told_from_that_of_the_whole_run_before_3_5(
    task: Task, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    of_version(monkeypatch, version)
    task.attempt(batches=2)
    task.clear(keep=True)
    assert task.attempt() == 1000
    task.clear(keep=True)
    assert task.attempt() == 1000


@pytest.mark.parametrize("version", SINCE)
def test_a_clear_that_keeps_resumes_from_3_5_on(
    task: Task, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    of_version(monkeypatch, version)
    task.attempt(batches=2)
    task.clear(keep=True)
    assert task.attempt() == 400
    assert task.reason() == "The task was cleared, and its task state kept: resuming"
    task.clear(keep=True)
    assert task.attempt() == 0
    task.clear()
    assert task.attempt() == 1000


def test_a_clear_passes_over_a_store_of_ones_own(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    of_version(monkeypatch, "3.5.0")
    monkeypatch.setenv("AIRFLOW__STATE_STORE__BACKEND", "ours.Backend")
    assert conf.get("state_store", "backend") == "ours.Backend"
    task.attempt(batches=2)
    task.clear(keep=True)
    assert task.attempt() == 1000


@pytest.mark.parametrize("on_clear", ["reload", "resume"])
def test_on_clear_decides_what_a_clear_does(task: Task, on_clear: str) -> None:
    task.arguments = {"on_clear": on_clear}
    task.attempt(batches=2)
    task.clear(tells=False)
    assert task.attempt() == {"reload": 1000, "resume": 400}[on_clear]


def test_the_mapped_tasks_of_a_clear_in_another_region_start_over(task: Task) -> None:
    task.instance.map_index = 1
    task.attempt(batches=2)
    task.instance = TaskInstance(try_number=0, map_index=1)  # tries are counted from one again
    task.run.clear_number += 1
    task.store = Store()
    assert task.attempt() == 1000


def test_the_marker_of_another_load_tells_nothing(task: Task) -> None:
    task.arguments = {"checkpoint_name": "sales"}
    task.attempt(batches=2)
    assert task.store
    assert task.store.values[KEY]["load"] == "a_dag.copy [sales], run run_1"
    for other in ({"load": "a_dag.copy [orders], run run_1", "fence": 3}, ["of", "somebody"], "else"):
        task.store.values[KEY] = other
        assert task.attempt(batches=0) == 0
    assert task.attempt() == 400


@pytest.mark.parametrize("broken", [("get",), ("set",), ("get", "set")])
def test_errors_of_the_store_leave_it_to_max_tries(task: Task, broken: tuple[str, ...]) -> None:
    task.store = Store(broken=broken)
    with capture_logs() as log:
        task.attempt(batches=1)
    said = [entry["event"] for entry in log if entry["event"].startswith("The task state could not be")]
    assert len(said) == len(broken)
    assert "(no answer): a clear is told from a retry by max_tries alone" in said[0]
    assert task.attempt(batches=1) == 300  # a retry resumes
    task.clear(tells=False)
    assert task.attempt(batches=1) == 300  # neither the store nor max_tries shows the clear
    task.clear()
    assert task.attempt() == 1000


def test_a_store_that_comes_back_tells_of_later_clears(task: Task) -> None:
    task.store = Store(broken=("set",))
    task.attempt(batches=1)
    task.store.broken = ()
    assert task.attempt(batches=1) == 300  # without an earlier marker, the attempt is a retry
    task.clear(tells=False)
    assert task.attempt() == 1000


def test_a_marker_that_could_not_be_written_again_is_not_missed(task: Task) -> None:
    task.attempt(batches=1)
    assert task.store
    task.clear()
    task.store.broken = ("set",)
    assert task.attempt(batches=2) == 600  # starts over, and leaves no marker
    assert task.attempt() == 400


def test_an_airflow_without_a_store_goes_by_max_tries(task: Task) -> None:
    task.store = None
    task.attempt(batches=1)
    assert task.attempt(batches=1) == 300
    task.clear()
    assert task.attempt() == 1000


def test_a_load_without_a_checkpoint_has_no_marker(task: Task) -> None:
    task.arguments = {"strategy": "none"}
    task.attempt()
    assert task.store
    assert task.store.values == {}


def test_what_spans_runs_goes_by_the_marker_of_its_newest_run(task: Task) -> None:
    task.arguments = {"scope": "task"}
    task.attempt()
    task.instance, task.store = TaskInstance(run_id="run_2", try_number=0), Store()
    task.run = DagRun(run_after=task.run.run_after + timedelta(days=1))
    assert task.attempt() == 0
    assert task.reason() == "Going on from where the last run ended"
    assert task.attempt() == 0
    task.clear(tells=False)
    assert task.attempt() == 0
    assert task.reason() == "The task was cleared: loading what this run loaded again"
