"""Objects that the requests of one API server process share."""

from __future__ import annotations

from functools import cache

from airflow_checkpoint_provider.hooks.discovery import Discovery
from airflow_checkpoint_provider.plugin.errands import Errands
from airflow_checkpoint_provider.plugin.reading import Reader


@cache
def discovery() -> Discovery:
    """Return the discovery of places with checkpoints."""
    return Discovery()


@cache
def reader() -> Reader:
    """Return the reader of the databases."""
    return Reader()


@cache
def errands() -> Errands:
    """Return the work that takes longer than reading a page."""
    return Errands()
