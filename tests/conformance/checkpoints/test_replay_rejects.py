"""Replayed rejects: written as the load would have written them, once, and only where the destination takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

pytestmark = pytest.mark.able(rejects=True)

WHICH = ("a_dag", "a_task", "run_1")


def with_types(rows: Sequence[Any]) -> list[Any]:
    return [(n, Decimal(n) / 4, datetime(2026, 1, 31, 23, 59, n)) for (n,) in rows]


def load_of(make_db: MakeDb, destination: Db, rows: Sequence[tuple[Any, ...]], **arguments: Any) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, b text)")
    source.insert("t", rows)
    return Load(source, destination, {"checkpoint_column": "n", "on_bad_row": "reject", **arguments})


def test_those_that_are_acceptable_now(hook: CheckpointHook, destination: Db, make_db: MakeDb) -> None:
    load = load_of(
        make_db,
        destination,
        [(n, "x") for n in range(10)],
        sql="SELECT n FROM t",
        rows_processor=with_types,
        destination_columns=["n", "amount", "born"],
    )
    moment = destination.able.moment
    destination.execute(f"CREATE TABLE target (n integer PRIMARY KEY, amount numeric(10, 2), born {moment})")
    destination.execute("INSERT INTO target (n) VALUES (3)", "INSERT INTO target (n) VALUES (5)")
    load.attempt()
    assert [reject.row_no for reject in hook.rejects(*WHICH)] == [4, 6]

    destination.execute("DELETE FROM target WHERE n = 3")
    done = hook.replay_rejects(*WHICH, who="ann")
    assert (done.written, done.refused, done.left, done.complete) == (1, 1, 1, True)
    assert loaded(load) == list(range(10))
    ((amount, born),) = destination.rows("SELECT amount, born FROM target WHERE n = 3")
    assert (float(amount), str(born)) == (0.75, "2026-01-31 23:59:03")
    (left,) = hook.rejects(*WHICH)
    assert (left.row_no, left.who, left.error) == (6, "ann", done.reason)
    found = hook.get(*WHICH)
    assert found
    assert (found.status, found.rows) == ("completed", 9)
    (entry,) = hook.history(*WHICH, kind="replayed")
    assert (entry.who, entry.rows, entry.detail) == (
        "ann",
        9,
        "1 rejected row was written, 1 refused again",
    )

    destination.execute("DELETE FROM target WHERE n = 5")
    corrected = {left.id: {destination.spelt("amount"): "77.25"}}
    assert hook.replay_rejects(*WHICH, corrected=corrected).as_words() == "1 row written, 0 still rejected."
    assert float(destination.one("SELECT amount FROM target WHERE n = 5")) == 77.25
    (entry,) = hook.history(*WHICH, kind="replayed", limit=1)
    assert entry.detail == "1 rejected row was written, 0 refused again; corrected: row 6"
    assert hook.replay_rejects(*WHICH).written == 0


def test_a_row_of_an_upsert_replaces_another_only_on_request(
    hook: CheckpointHook, destination: Db, make_db: MakeDb
) -> None:
    rows = [(n, f"b{n}") for n in range(5)]
    load = load_of(make_db, destination, rows, source_table="t", write_mode="upsert")
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, b varchar(9), UNIQUE (b))")
    destination.insert("target", [(100, "b3")])
    load.attempt()
    destination.execute("DELETE FROM target WHERE n = 100")
    destination.insert("target", [(3, "newer")])
    done = hook.replay_rejects(*WHICH)
    assert (done.written, done.refused) == (0, 1)
    assert destination.one("SELECT b FROM target WHERE n = 3") == "newer"
    assert hook.replay_rejects(*WHICH, overwrite=True).written == 1
    assert sorted(destination.rows("SELECT n, b FROM target")) == rows
