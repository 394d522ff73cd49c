"""What one API server process shares between requests."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from airflow.providers.common.compat.sdk import conf

from airflow_checkpoint_provider.engine.outlook import STALLED_AFTER
from airflow_checkpoint_provider.plugin.discovery import Discovery
from airflow_checkpoint_provider.plugin.reading import Reader


@cache
def discovery() -> Discovery:
    """Return what knows where the checkpoints are."""
    return Discovery()


@cache
def reader() -> Reader:
    """Return what asks the databases."""
    return Reader()


def stalled_after() -> timedelta:
    """Return how long a running load may commit nothing before it counts as stalled."""
    default = int(STALLED_AFTER.total_seconds())
    return timedelta(seconds=conf.getint("checkpoint", "stalled_after", fallback=default))
