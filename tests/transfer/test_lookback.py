"""Reading again the rows that changed behind the high-water mark."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.numbers import add, numbers, run

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer PRIMARY KEY", scope="task")


def test_lookback_reads_again_what_changed_behind_the_mark(load: Load) -> None:
    upsert = {"write_mode": "upsert", "lookback": 3}
    load.source.execute("DELETE FROM t WHERE n IN (5, 8)")
    assert load.attempt(**upsert).rows == 8
    add(load, 5, 8, 10)
    assert run(load, **upsert) == (9, 4)
    assert loaded(load) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_lookback_survives_a_crash_and_a_clear(load: Load) -> None:
    upsert = {"write_mode": "upsert", "lookback": 5, "batch_size": 2}
    load.attempt(**upsert)
    add(load, 10, 11)
    load.next_run()
    load.attempt_batches(1, **upsert)
    assert load.attempt(**upsert).rows == 5
    load.clear()
    assert load.attempt(**upsert).rows == 7
    assert loaded(load) == list(range(12))


MOMENTS = [datetime(2026, 3, day, 12, 30, 0, 5) for day in range(1, 11)]
TIMES: dict[str, tuple[str, str, list[Any]]] = {
    "timestamp": ("postgres", "timestamp", MOMENTS),
    "timestamptz": ("postgres", "timestamptz", MOMENTS),
    "date": ("postgres", "date", [date(2026, 3, day) for day in range(1, 11)]),
    "text with a space": ("sqlite", "text", [str(moment) for moment in MOMENTS]),
    "text with a T": ("sqlite", "text", [moment.isoformat() for moment in MOMENTS]),
    "text with a Z": (
        "sqlite",
        "text",
        [f"{moment.isoformat(timespec='milliseconds')}Z" for moment in MOMENTS],
    ),
    "text of a date": ("sqlite", "text", [str(moment.date()) for moment in MOMENTS]),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.server] * (kind != "sqlite"))
        for name, (kind, _, _) in TIMES.items()
    ],
)
def test_lookback_of_a_time(make_db: MakeDb, name: str) -> None:
    kind, declared, values = TIMES[name]
    source, destination = make_db(kind, "source"), make_db("sqlite", "destination")
    source.execute(f"CREATE TABLE t (n integer, at {declared})")
    source.insert("t", enumerate(values))
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, at text)")
    load = Load(
        source,
        destination,
        {
            "source_table": "t",
            "checkpoint_column": "at",
            "scope": "task",
            "write_mode": "upsert",
            "lookback": timedelta(days=3),
        },
    )
    assert load.attempt().rows == 10
    load.next_run()
    # Rows later than three days before the tenth, and possibly one more where times are compared as text.
    assert load.attempt().rows in ((3,) if kind == "postgres" else (3, 4))


@pytest.mark.parametrize(("lookback", "key"), [(timedelta(1), "n"), (1, "at"), (timedelta(days=10**6), "at")])
def test_lookback_that_does_not_fit_the_key(make_db: MakeDb, lookback: Any, key: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (n integer, at text)", "INSERT INTO t VALUES (1, '2026-01-01')")
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, at text)")
    load = Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": key, "scope": "task", "write_mode": "upsert"},
    )
    load.attempt()
    load.next_run()
    with pytest.raises(ArgumentError, match=rf"lookback: .* cannot be taken from {key} = "):
        load.attempt(lookback=lookback)
    assert load.attempt().rows == 0


@pytest.mark.parametrize(
    ("lookback", "message"),
    [
        (-1, "would leave rows out"),
        (timedelta(days=-1), "would leave rows out"),
        (float("nan"), "nan is not a number or a timedelta"),
    ],
)
def test_lookback_never_leaves_rows_out(load: Load, lookback: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"lookback: .*{message}"):
        load.attempt(lookback=lookback, write_mode="upsert")
