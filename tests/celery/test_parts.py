"""One table in eight parts, loaded by two workers, one of which dies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.acceptance import orders
from tests.acceptance.gate import Gate
from tests.celery.conftest import AT_A_TIME, WORKERS
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey
from tests.support.databases.db import Db
from tests.support.waiting import wait_for

PARTS = 8
OWN = orders.ROWS // PARTS
BATCH = 100
KEY = TaskKey("partitioned_orders", "two_workers", "copy")


class Parts:
    """The task instances of the run, each with a gate closed after its first batch."""

    def __init__(self, airflow: LiveAirflow, gates: Path) -> None:
        self.airflow = airflow
        self.keys = [replace(KEY, map_index=index) for index in range(PARTS)]
        self.gates = [Gate(gates, KEY.run_id, index) for index in range(PARTS)]
        for gate in self.gates:
            gate.close(after_batches=1)

    def open(self, *indexes: int) -> None:
        for index in indexes:
            self.gates[index].open()

    def held(self) -> dict[int, str]:
        """Return the parts waiting at their gates, each with its worker."""
        processes = {index: self.airflow.tasks.find(key) for index, key in enumerate(self.keys)}
        return {
            index: self.workers(index)[-1]
            for index, process in processes.items()
            if process and self.gates[index].holds(process.pid)
        }

    def wait_until_all_workers_are_busy(self) -> dict[int, str]:
        def busy() -> dict[int, str] | None:
            held = self.held()
            return held if len(held) == AT_A_TIME * len(WORKERS) else None

        return wait_for(busy, "both workers to hold parts", timeout=90, explain=self.airflow.diagnosis)

    def workers(self, index: int) -> list[str]:
        """Return the worker of each attempt."""
        return [str(attempt["hostname"]) for attempt in self.airflow.api.tries(self.keys[index])]


def test_the_parts_of_a_worker_that_dies_resume_on_the_other_one(
    airflow: LiveAirflow, home: Path, shop: Db, warehouse: Db
) -> None:
    warehouse.execute(f"CREATE TABLE orders ({orders.COLUMNS})")  # without a key
    warehouse.insert("orders", [(left, None, None, None, None) for left in (-1, 10003, 99999999, None)])
    parts = Parts(airflow, home / "gates")
    airflow.api.trigger(KEY.dag_id, conf={"table": "orders"}, run_id=KEY.run_id)
    first = parts.wait_until_all_workers_are_busy()
    parts.open(*first)
    wait_for(lambda: not first.keys() & parts.held().keys(), "the end of the first parts")
    second = parts.wait_until_all_workers_are_busy()
    assert Counter(first.values()) == Counter(second.values()) == dict.fromkeys(WORKERS, AT_A_TIME)

    dead, alive = WORKERS
    airflow.kill(dead)  # with its tasks, as a machine failure does
    parts.open(*second)
    assert airflow.api.wait_for_run(KEY.dag_id, KEY.run_id) == "success"

    resumed = {index: [dead, alive] for index, worker in second.items() if worker == dead}
    undisturbed = {index: [worker] for index, worker in (first | second).items() if index not in resumed}
    assert {index: parts.workers(index) for index in range(PARTS)} == undisturbed | resumed
    for index in resumed:
        log = airflow.api.log(parts.keys[index], try_number=2)
        assert any(line.startswith("Resuming order_id > ") for line in log), "\n".join(log)
        assert airflow.api.xcom(parts.keys[index])["rows"] == OWN - BATCH
    everything = "SELECT * FROM orders ORDER BY order_id"
    assert warehouse.rows(everything) == shop.rows(everything)
    states = warehouse.rows("SELECT map_index, status, rows_written FROM airflow_checkpoint ORDER BY 1")
    assert states == [(index, "completed", OWN) for index in range(PARTS)]
