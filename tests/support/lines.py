"""Loads by lines and by values, of which the same has to come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from tests.support.databases.db import Db
from tests.support.loads import Load

Pair = tuple[Db, Db]
ByValues = Callable[[], None]
Types = tuple[str, str, list[str]]
"""The type of a column in the source, that in the destination, and literals of the source."""


def routes(load: Load) -> list[str]:
    return [chosen.path for chosen in load.told(RouteChosen)]


def fill(two: Pair, pairs: Sequence[Types], before: Sequence[str] = ()) -> int:
    """
    Make a table with a column for each pair of types and a row for each value, the last one of NULLs.

    :param before: statements before each row
    :return: the number of rows
    """
    source, destination = two
    columns = [(f"c{n}", *pair) for n, pair in enumerate(pairs)]
    key = "n integer PRIMARY KEY"
    source.execute(f"CREATE TABLE t ({key}, {', '.join(f'{c} {one}' for c, one, *_ in columns)})")
    destination.execute(*(
        f"CREATE TABLE {table} ({key}, {', '.join(f'{c} {other}' for c, _, other, _ in columns)})"
        for table in ("target", "expected")
    ))  # fmt: skip
    longest = max(len(values) for *_, values in pairs)
    for row in range(longest + 1):
        known = {c: values[row] for c, _, _, values in columns if row < len(values)}
        names, values = ", ".join(["n", *known]), ", ".join([str(row), *known.values()])
        source.execute(*before, f"INSERT INTO t ({names}) VALUES ({values})")
    return longest + 1


def both(two: Pair, by_values: ByValues, arguments: dict[str, Any]) -> tuple[Load, Any]:
    """
    Load as lines and as values, and compare tables and errors.

    :param by_values: makes all later loads read their rows as values
    :return: the load as lines, and the number of its rows or its error
    """
    source, destination = two
    lines = Load(source, destination, {"checkpoint_column": "n", "batch_size": 3, **arguments})
    found = _outcome(lines)
    by_values()
    values = Load(source, destination, {**lines.arguments, "destination_table": "expected"}, run=2)
    assert _outcome(values) == found
    assert set(routes(values)) == {"rows"}
    rows, expected = (
        destination.rows(f"SELECT row_to_json(t)::text FROM {table} t ORDER BY 1")
        for table in ("target", "expected")
    )
    # Values are read further ahead of the commits, so that a refused value ends the attempt earlier.
    assert rows == expected if isinstance(found, int) else rows[: len(expected)] == expected
    return lines, found


def _outcome(load: Load) -> Any:
    """Return the rows of an attempt, or its error with the same table name for both loads."""
    try:
        return load.attempt().rows
    except CheckpointError as error:
        return f"{type(error).__name__}: {error}".replace("expected", "target")
