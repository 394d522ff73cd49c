"""Rows of a megabyte: a batch has many of them, and the process holds few at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

LARGE = 1024 * 1024
ROWS = 120
MOST = 64 * 1024 * 1024 + 3 * LARGE

pytestmark = pytest.mark.covering
WITHOUT = ("oracle",)  # its stand-in keeps the rows in this process


def test_a_batch_of_large_rows(pair: tuple[Db, Db]) -> None:
    assert peak_of(documents(*pair)) < MOST


@pytest.mark.able(rejects=True)
def test_with_bad_rows_put_aside(pair: tuple[Db, Db]) -> None:
    assert peak_of(documents(*pair, on_bad_row="reject")) < MOST


def test_large_rows_behind_small_ones(pair: tuple[Db, Db]) -> None:
    load = documents(*pair, small=3_000, batch_size=2_000)
    load.attempt_batches(1)
    assert peak_of(load) < MOST + 2 * pair[0].able.rows_in_an_answer * LARGE


@pytest.mark.server
def test_rows_that_postgres_sends_ahead(make_db: MakeDb) -> None:
    assert peak_of(documents(make_db("postgres", "source"), make_db("sqlite", "destination"))) < MOST


def documents(source: Db, destination: Db, small: int = 0, **arguments: Any) -> Load:
    for database, table in ((source, "t"), (destination, "target")):
        database.execute(f"CREATE TABLE {table} (n integer PRIMARY KEY, d {database.able.long_text})")
    source.insert("t", [(n, "small") for n in range(small)])
    for n in range(small, small + ROWS, 10):
        source.insert("t", [(n + more, chr(65 + n % 26) * LARGE) for more in range(10)])
    given = {"sql": "SELECT n, d FROM t", "checkpoint_column": "n", "batch_size": 1_000}
    return Load(source, destination, given | arguments)


def peak_of(load: Load) -> int:
    """Run an attempt to its end, and return the peak growth of the process meanwhile."""
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    load.attempt()
    assert load.destination.one("SELECT count(*) FROM target WHERE n >= 0") >= ROWS
    return memory("VmHWM") - before


def memory(name: str) -> int:
    """Return a figure of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024
