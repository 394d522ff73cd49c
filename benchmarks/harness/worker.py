"""
One task in a process of its own: ``python -m benchmarks.harness.worker``, with the job as JSON on its standard input.

Everything is imported before the clock starts, unless the job measures the start. The
last line on the standard output is the outcome as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Enough(Exception):  # noqa: N818
    """Ends an attempt once it has committed as many rows as the job wants."""


def main() -> None:
    """Do the job and print the outcome."""
    print(json.dumps(run(json.load(sys.stdin))))


def run_quietly(job: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Do the job in a process that has the caller's standard output."""
    os.environ.update(environment)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
        os.dup2(nothing.fileno(), sys.stderr.fileno())
    return run(job)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job and return the outcome."""
    operator = build(job)
    if job["warm"]:
        import_everything(operator, job["task"])
    marks: dict[str, float] = {}
    if job["watch"]:
        watch_batches(marks, job["rows_wanted"])
    context = stand_in(job)
    if job.get("gate"):
        wait_for_go(Path(job["gate"]))
    began_at = time.time()
    marks["start"] = time.perf_counter()
    with contextlib.suppress(Enough):
        operator.execute(context)
    seconds = time.perf_counter() - marks["start"]
    first = marks["first"] - marks["start"] if "first" in marks else None
    outcome = {"seconds": seconds, "first_batch_s": first, "peak_mb": peak_mb()}
    return outcome | ({"began_at": began_at, "ended_at": began_at + seconds} if job.get("gate") else {})


def build(job: dict[str, Any]) -> Any:
    """Return the operator, importing no other."""
    if job["task"] == "generic":
        from airflow.providers.common.sql.operators.generic_transfer import GenericTransfer

        return GenericTransfer(task_id="copy", **job["arguments"])
    from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

    return CheckpointedTransferOperator(task_id="copy", retries=3, **job["arguments"])


def import_everything(operator: Any, task: str) -> None:
    """Import what the task would import while it runs; opens no connection."""
    from airflow.providers.common.compat.sdk import BaseHook, get_hook_lineage_collector

    # Imports every provider that names assets, as any hook does that reports what it has read.
    get_hook_lineage_collector()
    for conn_id in (operator.source_conn_id, operator.destination_conn_id):
        BaseHook.get_connection(conn_id).get_hook()  # type: ignore[no-untyped-call]
    if task == "checkpointed":
        import airflow_checkpoint_provider.engine.transfer.progress_log
        import airflow_checkpoint_provider.engine.transfer.transfer
        import airflow_checkpoint_provider.hooks.databases
        import airflow_checkpoint_provider.observability.lineage
        import airflow_checkpoint_provider.observability.metrics
        import airflow_checkpoint_provider.observability.outlets  # noqa: F401


def wait_for_go(gate: Path) -> None:
    """Mark this worker as ready, and wait for the others: all begin together."""
    gate.with_name(f"{gate.name}.{os.getpid()}").touch()
    while not gate.exists():
        time.sleep(0.005)


def watch_batches(marks: dict[str, float], rows_wanted: int | None) -> None:
    """Note when the first batch is committed, and end the attempt when enough rows are."""
    from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event
    from airflow_checkpoint_provider.engine.transfer import progress_log as progress

    class Watch(progress.ProgressLog):
        def __call__(self, event: Event) -> None:
            super().__call__(event)
            if isinstance(event, BatchCommitted):
                marks.setdefault("first", time.perf_counter())
                if rows_wanted is not None and event.attempt_rows >= rows_wanted:
                    raise Enough

    progress.ProgressLog = Watch  # type: ignore[misc]


def stand_in(job: dict[str, Any]) -> Any:
    """Return the part of a task's context that the operators read."""
    ti = SimpleNamespace(
        dag_id="benchmarks",
        task_id="copy",
        run_id=job["run_id"],
        map_index=job.get("map_index", -1),
        try_number=job["try_number"],
        max_tries=3,
    )
    run = SimpleNamespace(run_id=job["run_id"], run_after=datetime(2026, 1, 1, tzinfo=UTC), clear_number=0)
    return {"ti": ti, "task_instance": ti, "dag_run": run, "run_id": job["run_id"]}


def peak_mb() -> float:
    """Return the largest resident size of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would begin with the size of the process that started this one
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
