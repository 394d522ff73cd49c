"""One run of a DAG that copies the orders: control and assertions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.acceptance import orders
from tests.acceptance.gate import Gate
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.checkpoints import StoredCheckpoint, checkpoint, events
from tests.support.airflow.clients.api import TaskKey
from tests.support.airflow.tasks import TaskProcess
from tests.support.waiting import wait_for


@dataclass(frozen=True)
class Load:
    """
    A task instance that copies the orders into its own table.

    :param source: the database of the table ``orders``
    :param destination: the database of the table this run fills
    """

    airflow: LiveAirflow
    source: Path
    destination: Path
    gates: Path
    table: str
    key: TaskKey

    @property
    def gate(self) -> Gate:
        return Gate(self.gates, self.key.run_id, self.key.map_index)

    def start(self) -> None:
        conf = {"table": self.table}
        self.airflow.api.trigger(self.key.dag_id, conf=conf, run_id=self.key.run_id)

    def index(self, map_index: int) -> Load:
        return replace(self, key=replace(self.key, map_index=map_index))

    def neighbour(self, task_id: str) -> TaskKey:
        return replace(self.key, task_id=task_id, map_index=-1)

    # Control

    def start_and_hold(self, after_batches: int) -> TaskProcess:
        """Start the load, and wait until its first attempt has committed ``after_batches`` and waits."""
        self.gate.close(after_batches=after_batches)
        self.start()
        return self.wait_until_held()

    def wait_until_held(self, attempt: int = 1) -> TaskProcess:
        """Wait until this attempt waits at the closed gate."""
        process = self.airflow.tasks.wait_for(self.key, attempt)

        def arrived() -> bool:
            held = self.gate.holds(process.pid)
            assert held or process.is_alive(), "\n".join(self.log(attempt)[-30:])
            return held

        wait_for(arrived, f"attempt {attempt} of {self.key} to arrive at the gate")
        return process

    def kill(self, attempt: int = 1) -> int:
        """Kill this attempt at the gate, and return the number of committed rows."""
        process = self.wait_until_held(attempt)
        process.kill()
        process.wait_until_gone()
        stored = self.checkpoint()
        assert 0 < stored.rows_written < orders.ROWS
        assert stored.status == "running"
        return stored.rows_written

    def clear(self) -> None:
        """Clear this task instance only; an ended one after the end of its run."""
        instance = self.airflow.api.task_instance(self.key)
        if instance and instance["state"] in ("success", "failed"):
            # Airflow loses a clear between the last task's end and the run's.
            self.airflow.api.wait_for_run(self.key.dag_id, self.key.run_id)
        self.airflow.api.clear(self.key)

    def wait_for_success(self, attempt: int) -> None:
        instance = self.airflow.api.wait_for_task(self.key, "success", "failed", try_number=attempt)
        assert instance["state"] == "success", "\n".join(self.log(attempt)[-30:])

    # Assertions

    def log(self, attempt: int) -> list[str]:
        return self.airflow.api.log(self.key, attempt)

    def rows(self) -> int:
        """Return the number of rows in the result of the last attempt."""
        return int(self.airflow.api.xcom(self.key)["rows"])

    def checkpoint(self) -> StoredCheckpoint:
        stored = checkpoint(self.destination, self.key)
        assert stored is not None
        return stored

    def history(self) -> Sequence[str]:
        """Return the kinds of the history entries, without progress samples and load facts."""
        kinds = [str(event["kind"]) for event in events(self.destination, self.key)]
        return [kind for kind in kinds if kind not in ("progress", "opened")]

    def assert_resumed(self, attempt: int, after_rows: int) -> None:
        log = self.log(attempt)
        resumed = [line for line in log if line.startswith("Resuming order_id > ")]
        assert resumed, "\n".join(log)
        assert f"(attempt {attempt}, {after_rows:,} " in resumed[0]
        assert self.rows() == orders.ROWS - after_rows
        self.assert_complete()

    def assert_reloaded(self, attempt: int, because: str = "The task was cleared") -> None:
        log = self.log(attempt)
        assert any(line.startswith(f"{because}: starting from the beginning") for line in log), "\n".join(log)
        assert self.rows() == orders.ROWS
        self.assert_complete()

    def assert_complete(self) -> None:
        assert self.checkpoint().status == "completed"
        assert orders.rows_of(self.destination, self.table) == orders.rows_of(self.source, "orders")
