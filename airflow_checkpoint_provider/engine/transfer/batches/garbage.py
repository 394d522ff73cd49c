"""Fewer garbage collections during a transfer."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000  # more than a block of rows has


@contextmanager
def few_collections() -> Iterator[None]:
    """
    Collect garbage cycles less often: rows make none, but their number alone would start collections all the time.

    One collection among all objects of Airflow takes longer than everything else before the first row.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS:
        # Also where another transfer of this process has raised the threshold, and will restore it.
        yield
        return
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
