"""The demo's three chapters: killed in mid-load, retried by Airflow, cleared by a user."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.acceptance.demo import flights
from tests.acceptance.demo.report import Report
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.checkpoints import StoredCheckpoint, checkpoint
from tests.support.airflow.clients.api import TaskKey
from tests.support.waiting import wait_for

DAG_ID = "example_sqlite_quickstart"
TASK_ID = "load_flights"
BATCH_SIZE = 1_000


class Story:
    """
    Runs the chapters once.

    :param airflow: running, with the example DAGs
    :param source: the database with all flights
    :param destination: the database with the empty table
    :param total: number of flights
    """

    def __init__(
        self, airflow: LiveAirflow, source: Path, destination: Path, total: int, report: Report
    ) -> None:
        self.airflow = airflow
        self.source = source
        self.destination = destination
        self.total = total
        self.report = report
        self.key: TaskKey

    def tell(self) -> None:
        """Run the chapters, and stop after the first failed claim."""
        committed = self.kill_in_mid_load()
        if not self.report.untrue:
            self.retry(committed)
            self.compare()
        if not self.report.untrue:
            self.clear()

    def kill_in_mid_load(self) -> int:
        report, total = self.report, self.total
        report.chapter("1. Airflow runs the load, and its process is killed with SIGKILL")
        run_id = self.airflow.api.trigger(DAG_ID, conf={"batch_size": BATCH_SIZE})
        self.key = TaskKey(DAG_ID, run_id, TASK_ID)
        process = self.airflow.tasks.wait_for(self.key, try_number=1)
        wait_for(self._two_fifths_committed, "two fifths of the rows", interval=0.003, explain=self._log)
        with contextlib.suppress(ProcessLookupError):  # it has ended; the check of the rows fails
            process.kill()
        process.wait_until_gone()
        stored = self._checkpoint()
        rows = flights.count(self.destination)
        report.item("committed", f"{rows:,} of {total:,} rows in {stored.batches:,} batches")
        report.claim(0 < rows < total, "the process was not killed in mid-load")
        report.claim(
            stored.rows_written == rows,
            f"the checkpoint says {stored.rows_written:,} rows, the destination has {rows:,}",
        )
        return rows

    def retry(self, committed: int) -> None:
        report = self.report
        report.chapter("2. Airflow retries")
        self.airflow.api.wait_for_task(self.key, "success", "failed", try_number=2)
        resumed = self._logged(2, "Resuming ")
        report.item("attempt 2", resumed or "did not resume")
        report.claim(f"{committed:,} of" in resumed, "attempt 2 did not resume after the committed rows")
        loaded = self._loaded()
        report.table(
            ["attempt", "rows loaded", "ended by"], [["1", committed, "SIGKILL"], ["2", loaded, "success"]]
        )
        report.claim(
            committed + loaded == self.total,
            f"the attempts loaded {committed:,} + {loaded:,} rows instead of {self.total:,}",
        )

    def compare(self) -> None:
        """Show both tables' row counts and digests."""
        tables = {"source": self.source, "destination": self.destination}
        rows = {name: flights.count(path) for name, path in tables.items()}
        digests = {name: flights.digest(path) for name, path in tables.items()}
        self.report.table(
            ["flights in", "rows", "SHA-256 of all rows"],
            [[name, rows[name], digests[name]] for name in tables],
        )
        self.report.claim(rows["source"] == rows["destination"], "the row counts differ")
        self.report.claim(digests["source"] == digests["destination"], "the contents differ")

    def clear(self) -> None:
        report = self.report
        report.chapter("3. A person clears the task in Airflow: load it again")
        # Airflow loses a clear between the last task's end and the run's.
        self.airflow.api.wait_for_run(self.key.dag_id, self.key.run_id)
        self.airflow.api.clear(self.key)
        self.airflow.api.wait_for_task(self.key, "success", "failed", try_number=3)
        started = self._logged(3, "from the beginning")
        report.item("attempt 3", started or "did not start from the beginning")
        report.claim(bool(started), "the cleared task did not start from the beginning")
        loaded = self._loaded()
        report.claim(loaded == self.total, f"the cleared task loaded {loaded:,} rows, not {self.total:,}")
        report.item("loaded", f"{loaded:,} rows")
        self.compare()

    def _two_fifths_committed(self) -> bool:
        stored = checkpoint(self.destination, self.key)
        return stored is not None and stored.rows_written >= self.total * 2 // 5

    def _checkpoint(self) -> StoredCheckpoint:
        stored = checkpoint(self.destination, self.key)
        if stored is None:
            raise RuntimeError(f"{self.destination} holds no checkpoint")
        return stored

    def _loaded(self) -> int:
        """Return the number of rows in the result of the last attempt."""
        instance = self.airflow.api.task_instance(self.key)
        if not instance or instance["state"] != "success":
            raise RuntimeError(f"{self.key} did not succeed; the end of its log:\n{self._log()}")
        return int(self.airflow.api.xcom(self.key)["rows"])

    def _logged(self, attempt: int, text: str) -> str:
        return next((line for line in self.airflow.api.log(self.key, attempt) if text in line), "")

    def _log(self) -> str:
        instance = self.airflow.api.task_instance(self.key)
        if not instance or not instance["try_number"]:
            return "the task has not started"
        return "\n".join(self.airflow.api.log(self.key, instance["try_number"])[-30:])
