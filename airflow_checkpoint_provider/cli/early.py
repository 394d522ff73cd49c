"""Failures of transfers before they claimed a checkpoint, for the list of the shell."""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from airflow_checkpoint_provider.engine.model.errors import on_one_line
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task
from airflow_checkpoint_provider.hooks.airflow_internals.failures import (
    LATELY,
    MOST_READ,
    MOST_SHOWN,
    Among,
    early_errors,
    failed_instances,
)


def print_early_failures(tasks: Collection[Task], run_id: str | None) -> None:
    """
    Print those that have left their error in Airflow on stderr, one line each: the list itself has checkpoints only.

    :param tasks: transfers
    :param run_id: only those of this run
    """
    try:
        failed = failed_instances(sorted(tasks), datetime.now(UTC) - LATELY, MOST_READ, Among(run_id))
        errors = early_errors([one.instance for one in failed])
    except SQLAlchemyError:  # Airflow's metadata database is not there
        return
    if errors:
        print(f"Failed before the load began, within {LATELY.days} days:", file=sys.stderr)
    for one in [one for one in failed if one.instance in errors][:MOST_SHOWN]:
        dag_id, task_id, its_run, index = one.instance
        mapped = f" [{index}]" if index >= 0 else ""
        state = f"{one.state.replace('_', ' ')}, try {one.try_number} of {max(one.tries, one.try_number)}"
        told = f"{dag_id}.{task_id}{mapped}, run {its_run}: {state}: {errors[one.instance]}"
        print(on_one_line(told), file=sys.stderr)
