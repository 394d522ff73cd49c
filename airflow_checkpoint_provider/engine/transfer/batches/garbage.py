"""Fewer searches for garbage during a transfer."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000  # more than a block of rows has


@contextmanager
def few_collections() -> Iterator[None]:
    """
    Look for garbage cycles less often: rows make none, but their number alone would start a search all the time.

    One among all that Airflow has imported takes longer than everything else before the first row.
    """
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS:
        # Also where another transfer of this process has raised it, which will put it back.
        yield
        return
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
