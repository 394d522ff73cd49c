"""A minimal table to load: numbers from 0 to 9, which are their own key."""

from __future__ import annotations

from typing import Any

from tests.support.databases.db import Db
from tests.support.loads import Load


def numbers(source: Db, destination: Db, declared: str, **arguments: Any) -> Load:
    """
    Create both tables, and a load from one to the other.

    :param declared: the declaration of the destination's column
    """
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination.execute(f"CREATE TABLE target ({declared})")
    load = {"source_table": "t", "checkpoint_column": "n", "batch_size": 4}
    return Load(source, destination, {**load, **arguments})


def add(load: Load, *numbers: int) -> None:
    load.source.insert("t", [(n,) for n in numbers])


def run(load: Load, **changes: Any) -> tuple[int, int]:
    """Run the next run, and return its starting point and its number of rows."""
    load.next_run()
    result = load.attempt(**changes)
    return next(iter((result.started_from or {"n": -1}).values())), result.rows
