"""What one API server process shares between requests."""

from __future__ import annotations

from functools import cache

from airflow_checkpoint_provider.plugin.reading import Reader
from airflow_checkpoint_provider.plugin.tasks.discovery import Discovery


@cache
def discovery() -> Discovery:
    """Return what knows where the checkpoints are."""
    return Discovery()


@cache
def reader() -> Reader:
    """Return what asks the databases."""
    return Reader()
