"""Runs the engine without Airflow, one attempt after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Attempt, Identity
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event
from airflow_checkpoint_provider.engine.model.task_state import TaskState
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan
from airflow_checkpoint_provider.engine.transfer.planning.planner import plan_load
from airflow_checkpoint_provider.engine.transfer.result import Result
from airflow_checkpoint_provider.engine.transfer.transfer import Transfer
from tests.support.databases.db import Db

FIRST_RUN = datetime(2026, 1, 1, tzinfo=UTC)


class CrashError(Exception):
    """Raised by :meth:`Load.attempt_batches` to end an attempt."""


@dataclass
class Load:
    """
    A task whose attempts are run one by one, and counted as by Airflow.

    :param arguments: of the ``TransferSpec``
    :param others: statements of another session at the destination, by the number of the batch that they follow
    """

    source: Db
    destination: Db
    arguments: dict[str, Any]
    retries: int = 3
    run: int = 1
    try_number: int = 0
    max_tries: int = 3
    clear_number: int = 0
    keeper: Db | None = None
    map_index: int = -1
    state: TaskState = TaskState.UNKNOWN
    leave: Callable[[int], bool] | None = None
    events: list[Event] = field(default_factory=list)
    others: dict[int, Sequence[str]] = field(default_factory=dict)
    _ends_at: int | None = None

    def attempt(self, **changes: Any) -> Result:
        """Run the next attempt, as an automatic retry would."""
        return self.transfer(**changes).run()

    def attempt_batches(self, most: int, **changes: Any) -> bool:
        """Run the next attempt, and end it after ``most`` committed batches; return whether it was ended."""
        self._ends_at = len(self.told(BatchCommitted)) + most
        try:
            self.attempt(**changes)
        except CrashError:
            return True
        finally:
            self._ends_at = None
        return False

    def transfer(
        self, source: Database | None = None, destination: Database | None = None, **changes: Any
    ) -> Transfer:
        """Prepare the next attempt."""
        self.try_number += 1
        spec = self._spec(changes)
        return Transfer(
            spec,
            source=source or self.source.database("src"),
            destination=destination or self.destination.database("dst"),
            keeper=self.keeper.database("keeper") if self.keeper else None,
            identity=self._identity(spec),
            attempt=self._attempt(self.try_number),
            observe=self._observe,
        )

    def plan(
        self, source: Database | None = None, destination: Database | None = None, **changes: Any
    ) -> LoadPlan:
        """Plan the next attempt."""
        spec = self._spec(changes)
        keeper = self.keeper.database("keeper") if self.keeper else None
        databases = (
            source or self.source.database("src"),
            destination or self.destination.database("dst"),
            keeper,
        )
        return plan_load(spec, databases, self._identity(spec), self._attempt(self.try_number + 1))

    def _spec(self, changes: dict[str, Any]) -> TransferSpec:
        return TransferSpec(**{"destination_table": "target", "batch_size": 100, **self.arguments, **changes})

    def _identity(self, spec: TransferSpec) -> Identity:
        return Identity(
            "a_dag",
            "a_task",
            ALL_RUNS if spec.scope == "task" else f"run_{self.run}",
            -1 if spec.checkpoint_name else self.map_index,
            spec.checkpoint_name or "",
        )

    def _attempt(self, try_number: int) -> Attempt:
        return Attempt(
            run_id=f"run_{self.run}",
            run_after=FIRST_RUN + timedelta(days=self.run),
            try_number=try_number,
            max_tries=self.max_tries,
            retries=self.retries,
            clear_number=self.clear_number,
            owner=f"test, try {try_number}",
            map_index=self.map_index,
            state=self.state,
            leave=self.leave,
        )

    def clear(self) -> None:
        """Clear the task as Airflow does."""
        self.max_tries = self.try_number + self.retries
        self.clear_number += 1

    def next_run(self) -> None:
        """Begin the next DAG run."""
        self.run += 1
        self.try_number, self.max_tries, self.clear_number = 0, self.retries, 0

    def _observe(self, event: Event) -> None:
        self.events.append(event)
        if not isinstance(event, BatchCommitted):
            return
        batches = len(self.told(BatchCommitted))
        self.destination.execute(*self.others.get(batches, ()))
        if batches == self._ends_at:
            raise CrashError

    def told(self, kind: type) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


def loaded(load: Load, column: str = "n", *, table: str = "target") -> list[Any]:
    """Return the values of a column of the destination's table, in order."""
    return [value for (value,) in load.destination.rows(f"SELECT {column} FROM {table} ORDER BY {column}")]
