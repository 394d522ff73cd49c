"""Rows changed by a ``rows_processor``, and written to chosen columns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, DestinationError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, a text)")
    source.insert("t", [(n, f"a{n}") for n in range(10)])
    destination.execute("CREATE TABLE target (n integer, a text, m integer)")
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


def rows_of(load: Load) -> list[tuple]:
    return load.destination.rows("SELECT n, a, m FROM target ORDER BY n, m")


def in_pieces(load: Load, **changes: Any) -> None:
    while load.attempt_batches(1, **changes):
        pass


PROCESSORS: dict[str, tuple[Callable[[list], Any], list[str] | None, list[tuple]]] = {
    "filter": (
        lambda rows: [row for row in rows if row[0] % 3 == 0],
        None,
        [(n, f"a{n}", None) for n in (0, 3, 6, 9)],
    ),
    "nothing left": (lambda rows: [], None, []),
    "a batch of nothing": (
        lambda rows: [row for row in rows if row[0] >= 4],
        None,
        [(n, f"a{n}", None) for n in range(4, 10)],
    ),
    "expand": (
        lambda rows: [(n, a, m) for n, a in rows for m in (1, 2)],
        ["n", "a", "m"],
        [(n, f"a{n}", m) for n in range(10) for m in (1, 2)],
    ),
    "narrow": (lambda rows: [(n * 10,) for n, _ in rows], ["m"], [(None, None, n * 10) for n in range(10)]),
    "generator": (
        lambda rows: ([n, a.upper()] for n, a in rows),
        None,
        [(n, f"A{n}", None) for n in range(10)],
    ),
    "lists": (lambda rows: map(list, rows), None, [(n, f"a{n}", None) for n in range(10)]),
}


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("by", [{}, {"strategy": "python", "checkpoint_column": None}], ids=["key", "python"])
def test_rows_arrive_as_processed(load: Load, name: str, by: dict[str, Any]) -> None:
    process, columns, expected = PROCESSORS[name]
    in_pieces(load, rows_processor=process, destination_columns=columns, **by)
    assert rows_of(load) == expected


def test_it_sees_each_batch_once_and_whole(load: Load) -> None:
    seen: list[list[int]] = []

    def process(rows: list) -> list:
        seen.append([n for n, _ in rows])
        return rows

    load.source.insert("t", [(5, "again")] * 9)
    in_pieces(load, rows_processor=process)
    assert sorted(chain(*seen)) == sorted([*range(10), *[5] * 9])
    assert seen[0] == [0, 1, 2, 3]
    assert seen[1] == [4, *[5] * 10, *([6, 7] if len(seen[1]) > 11 else [])]


def test_its_error_is_the_one_that_is_raised(load: Load) -> None:
    def process(rows: list) -> list:
        return [(n * (6 // (n - 6)) * 0, a) for n, a in rows]

    with pytest.raises(ZeroDivisionError):
        load.attempt(rows_processor=process)
    assert [n for n, _, _ in rows_of(load)] == [0, 0, 0, 0]
    assert load.attempt().rows == 6


@pytest.mark.parametrize(
    "process",
    [
        lambda rows: [(*row, 0) for row in rows],
        lambda rows: [row if row[0] != 2 else row[:1] for row in rows],
        lambda rows: [() for _ in rows],
    ],
)
def test_rows_of_another_width_are_refused(load: Load, process: Any) -> None:
    with pytest.raises(
        DestinationError, match=r"Rows of \d values do not fit the 2 columns .* n, a\. Set destination"
    ):
        load.attempt(rows_processor=process)
    assert rows_of(load) == []
    assert load.attempt().rows == 10


@pytest.mark.parametrize("returned", [None, 5, [1, 2]])
def test_what_is_no_rows_is_refused(load: Load, returned: Any) -> None:
    with pytest.raises(CheckpointError, match="rows_processor"):
        load.attempt(rows_processor=lambda rows: returned)
    assert rows_of(load) == []
    assert load.attempt().rows == 10


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["m", "a"], [(None, f"a{n}", n) for n in range(10)]),
        (["M", "A"], [(None, f"a{n}", n) for n in range(10)]),
        ({"n": "m"}, [(None, None, n) for n in range(10)]),
        ({"a": "a", "n": "m"}, [(None, f"a{n}", n) for n in range(10)]),
        ({"A": "A", "N": "N"}, [(n, f"a{n}", None) for n in range(10)]),
    ],
)
def test_destination_columns(load: Load, columns: Any, expected: list[tuple]) -> None:
    in_pieces(load, destination_columns=columns)
    assert sorted(rows_of(load), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["n"], "destination_columns: 1 columns are given for the 2 that the query returns: n, a"),
        (["n", "a", "m"], "destination_columns: 3 columns are given for the 2"),
        (["n", "nope"], "destination_columns: target in 'dst' has no column 'nope'. It has: n, a, m"),
        ({"nope": "n"}, "destination_columns: the query does not return a column 'nope'. It returns: n, a"),
        ({"n": "nope"}, "target in 'dst' has no column 'nope'"),
        (["n", "N"], "destination_columns: a column of the destination is named twice"),
        ([], "destination_columns: give a list"),
        ("n, a", "destination_columns: give a list"),
    ],
)
def test_destination_columns_that_do_not_fit(load: Load, columns: Any, message: str) -> None:
    load.attempt_batches(1)
    with pytest.raises(CheckpointError, match=message):
        load.attempt(destination_columns=columns)
    assert len(rows_of(load)) == 4
    assert load.attempt().rows == 6


def test_other_destination_columns_are_another_load(load: Load) -> None:
    load.attempt_batches(1)
    with pytest.raises(CheckpointError, match="columns was 'n, a into n, a', is 'n, a into m, a'"):
        load.attempt(destination_columns=["m", "a"])
