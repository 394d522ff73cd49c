"""Checks of the arguments of ``CheckpointHook``."""

from __future__ import annotations

import getpass
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Identity
from airflow_checkpoint_provider.engine.model.checks import checkpoint_name, identifier, text, whole_number


def identity_of(dag_id: str, task_id: str, run_id: str | None, map_index: int, name: str = "") -> Identity:
    """
    Return the identity of a checkpoint.

    :param run_id: without it, the checkpoint that spans runs
    :param map_index: of a mapped task; with a name, the iteration of a task loop
    :param name: instead of a mapped task's index, a ``checkpoint_name``
    :raises ArgumentError: when one of them is no id, index or name
    """
    return Identity(
        identifier("dag_id", dag_id),
        identifier("task_id", task_id),
        identifier("run_id", run_id or None, optional=True) or ALL_RUNS,
        whole_number("map_index", map_index, least=-1),
        checkpoint_name("name", name) if name else "",
    )


def page_of(limit: int | None, offset: int) -> dict[str, Any]:
    """
    Return the bounds of a page.

    :raises ArgumentError: when one of them is not a number in range
    """
    return {
        "limit": whole_number("limit", limit, optional=True),
        "offset": whole_number("offset", offset),
    }


def name_of(who: str | None) -> str:
    """
    Return a name for the history, by default that of the user of this process.

    :raises ArgumentError: when it is not text, or too long
    """
    return text("who", who, optional=True, most=400) or user()


def user() -> str:
    """Return the user of this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
