"""A plan changes nothing: neither rows nor tables, on any database as source or as destination."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.databases.db import Db
from tests.support.loads import Load

WRITE_MODES = ["append", "upsert", "replace", "replace_atomic"]


def contents(db: Db) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, by the table."""
    return {name: sorted(db.rows(f'SELECT * FROM "{name}"'), key=repr) for name in sorted(db.tables())}


def make_load(source: Db, destination: Db, **arguments: Any) -> Load:
    source.execute("CREATE TABLE sales (n integer NOT NULL, v varchar(20), PRIMARY KEY (n))")
    source.insert("sales", [(n, f"v{n}") for n in range(10)])
    destination.execute("CREATE TABLE target (n integer NOT NULL, v varchar(20), PRIMARY KEY (n))")
    given = {"source_table": "sales", "checkpoint_column": "n", "batch_size": 4}
    return Load(source, destination, given | arguments)


@pytest.mark.parametrize("write_mode", WRITE_MODES)
def test_before_the_first_run_and_in_the_middle(pair: tuple[Db, Db], write_mode: str) -> None:
    source, destination = pair
    key = destination.by_key("n") if write_mode == "upsert" else {}
    load = make_load(source, destination, write_mode=write_mode, allow_duplicates=True, **key)
    before = contents(source), contents(destination)
    plan = load.plan()
    assert (contents(source), contents(destination)) == before
    assert plan.next
    assert plan.next.action == "start"
    assert load.attempt_batches(1)
    before = contents(source), contents(destination)
    plan = load.plan()
    assert (contents(source), contents(destination)) == before
    assert plan.problems == ()
    assert json.loads(json.dumps(plan.as_dict(), allow_nan=False)) == plan.as_dict()
    assert plan.next
    assert (plan.next.action, plan.next.rows) == ("resume", 4)
    assert load.attempt().rows_total == 10
