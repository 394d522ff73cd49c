"""One attempt of a task: the operator's ``execute``, in a separate process that may be killed."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

from airflow.providers.common.compat.sdk import get_hook_lineage_collector
from airflow.sdk import Connection

# Import all modules of a task here: attempts are forked from a process with these imports, and begin at once.
import airflow_checkpoint_provider.engine.transfer.transfer
import airflow_checkpoint_provider.hooks.databases
import airflow_checkpoint_provider.observability.lineage
import airflow_checkpoint_provider.observability.metrics
import airflow_checkpoint_provider.observability.outlets  # noqa: F401
from airflow_checkpoint_provider.engine.model.decision import Action
from airflow_checkpoint_provider.engine.model.errors import FencedError
from airflow_checkpoint_provider.engine.model.events.transfer import (
    Completed,
    Event,
    Reconnecting,
    RouteChosen,
    Started,
)
from airflow_checkpoint_provider.engine.transfer import progress_log as progress
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.support.airflow.operating import DagRun, TaskInstance

STARTING, COPYING, COPIED, DONE, FENCED, FAILED = range(6)

# Airflow discovers these once per process, which takes longer than a load here.
Connection(conn_id="warm_up", conn_type="postgres").get_hook()  # type: ignore[no-untyped-call]
get_hook_lineage_collector()


def same(rows: list[Any], **_: Any) -> list[Any]:
    """A ``rows_processor`` that changes nothing, but selects the route of Python values."""
    return rows


def run(arguments: dict[str, Any], run_id: str, try_number: int, shared: Any, path: str, log: str) -> None:
    """
    Execute the task.

    :param shared: two numbers: the attempt's progress, and its reconnections
    :param path: the expected route of the rows
    :param log: the file for the operator's log lines
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, force=True)
    progress.ProgressLog = _noting(shared, path)  # type: ignore[misc]
    if path == "rows" and "on_bad_row" not in arguments:
        arguments = {**arguments, "rows_processor": same}
    task = CheckpointedTransferOperator(**arguments)
    instance = TaskInstance(run_id=run_id, try_number=try_number, max_tries=arguments["retries"])
    try:
        task.execute({"ti": instance, "dag_run": DagRun()})  # type: ignore[arg-type]
        shared[0] = DONE
    except BaseException as error:
        traceback.print_exc()
        shared[0] = FENCED if isinstance(error, FencedError) else FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if shared[0] == DONE else 1)


def _noting(shared: Any, path: str) -> type[progress.ProgressLog]:
    class Noting(progress.ProgressLog):
        def __call__(self, event: Event) -> None:
            super().__call__(event)
            if isinstance(event, RouteChosen) and event.path != path:
                raise AssertionError(f"rows travel as {event.path}: {event.reason}")
            if isinstance(event, Started):
                shared[0] = COPIED if event.action == Action.NOTHING.value else COPYING
            if isinstance(event, Completed):
                shared[0] = COPIED
            if isinstance(event, Reconnecting):
                shared[1] += 1

    return Noting
