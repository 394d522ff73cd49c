"""What one API server process shares between requests."""

from __future__ import annotations

from functools import cache

from airflow_checkpoint_provider.hooks.discovery import Discovery
from airflow_checkpoint_provider.plugin.reading import Reader


@cache
def discovery() -> Discovery:
    """Return what knows where the checkpoints are."""
    return Discovery()


@cache
def reader() -> Reader:
    """Return what asks the databases."""
    return Reader()
