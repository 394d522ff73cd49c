"""Databases known only by a DB-API driver, of each paramstyle."""

from __future__ import annotations

import random
import sqlite3
import sys
from datetime import UTC, timedelta
from functools import partial
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    BadRowsError,
    CheckpointError,
    FencedError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, GuaranteeStated
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.paramstyles import STYLES, driver
from tests.support.loads import CrashError, Load

COLUMNS = 'id integer, region varchar(10), "100%" text, PRIMARY KEY (id)'


class Known:
    """A load with both databases behind a driver of one paramstyle."""

    def __init__(self, load: Load, style: str) -> None:
        self.load = load
        self.style = style
        module = driver(style)
        self.databases = {
            side: Database(side, partial(module.connect, db.place))
            for side, db in (("source", load.source), ("destination", load.destination))
        }

    def attempt(self, **changes: Any) -> Any:
        return self.load.transfer(**self.databases, **changes).run()

    def attempt_batches(self, most: int, **changes: Any) -> bool:
        self.load._ends_at = len(self.load.told(BatchCommitted)) + most
        try:
            self.attempt(**changes)
        except CrashError:
            return True
        finally:
            self.load._ends_at = None
        return False

    def loaded(self) -> list[tuple[Any, ...]]:
        return self.load.destination.rows("SELECT * FROM target ORDER BY id")


ROWS = [(n, "north" if n % 2 else "south", "%s :x ? %") for n in range(250)]


@pytest.fixture(params=STYLES)
def known(request: pytest.FixtureRequest, make_db: MakeDb) -> Known:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute(f"CREATE TABLE t ({COLUMNS})")
    source.insert("t", ROWS)
    destination.execute(f"CREATE TABLE target ({COLUMNS})")
    return Known(Load(source, destination, {"sql": "SELECT * FROM t ORDER BY id"}), request.param)


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize(
    "by",
    [{"checkpoint_column": "id"}, {"checkpoint_column": ["region", "id"]}, {"strategy": "python"}],
    ids=["key", "composite key", "python"],
)
def test_goes_on_after_the_last_batch(known: Known, write_mode: str, by: dict[str, Any]) -> None:
    arguments = {
        "write_mode": write_mode,
        "conflict_columns": ["id"] if write_mode == "upsert" else None,
        **by,
    }
    assert known.attempt_batches(1, **arguments)
    assert len(known.loaded()) == 100
    result = known.attempt(**arguments)
    assert (result.rows, result.rows_total, result.guarantee) == (150, 250, "exactly-once")
    assert known.loaded() == ROWS
    known.load.clear()
    if write_mode != "append":
        result = known.attempt(**arguments)
        assert (result.rows, len(result.warnings)) == (250, write_mode == "replace")
        assert all("this kind of database is not asked for foreign keys" in text for text in result.warnings)
        assert known.loaded() == ROWS


TWO_STYLES = pytest.mark.parametrize("known", ["qmark", "pyformat"], indirect=True)
WHERE = {
    "qmark": ("id >= ? AND region <> ?", [10, "x"]),
    "format": ("id >= %s AND region <> %s", [10, "x"]),
    "numeric": ("id >= :1 AND region <> :2", [10, "x"]),
    "named": ("id >= :low AND region <> :no", {"low": 10, "no": "x"}),
    "pyformat": ("id >= %(low)s AND region <> %(no)s", {"low": 10, "no": "x"}),
}


@pytest.mark.parametrize("key", [["id"], ["region", "id"], None])
def test_parameters_of_the_user_stand_before_our_own(known: Known, key: list[str] | None) -> None:
    where, parameters = WHERE[known.style]
    query = {"sql": f"SELECT * FROM t WHERE {where} ORDER BY id", "parameters": parameters}
    assert known.attempt_batches(1, checkpoint_column=key, **query)
    assert known.attempt(checkpoint_column=key, **query).rows_total == 240
    assert known.loaded() == ROWS[10:]


@TWO_STYLES
def test_upsert_updates_and_refuses_rows_without_a_key(known: Known) -> None:
    known.load.destination.execute(
        "DROP TABLE target",
        "CREATE TABLE target (id integer, region text, n integer)",
        "INSERT INTO target VALUES (1, 'old', 7)",
    )
    known.load.source.execute("DELETE FROM t WHERE id > 2", "INSERT INTO t (region) VALUES ('a'), ('b')")
    sql = "SELECT CASE WHEN id < 3 THEN id END AS id, region FROM t UNION ALL SELECT 2, 'last' ORDER BY 1"
    upsert = {"write_mode": "upsert", "conflict_columns": ["id"]}
    with pytest.raises(BadRowsError, match="id of target is NULL, and it is among conflict_columns"):
        known.attempt(sql=sql, **upsert)
    known.attempt(
        sql=f"SELECT * FROM ({sql}) WHERE id IS NOT NULL ORDER BY 1", on_source_change="reload", **upsert
    )
    rows = known.load.destination.rows("SELECT id, region, n FROM target ORDER BY id, region")
    assert rows == [(0, "south", None), (1, "north", 7), (2, "last", None)]


@TWO_STYLES
def test_two_attempts_that_read_the_same_checkpoint(known: Known) -> None:
    assert known.attempt_batches(1, checkpoint_column="id")
    overtaken = False

    def overtake(rows: list) -> list:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            known.attempt_batches(1, checkpoint_column="id")
        return rows

    with pytest.raises(FencedError, match="Another attempt has taken over"):
        known.attempt(checkpoint_column="id", rows_processor=overtake)
    known.attempt(checkpoint_column="id")
    assert known.loaded() == ROWS


@TWO_STYLES
def test_the_catalog_counts_rows_itself(known: Known) -> None:
    known.attempt()
    known.load.next_run()
    known.attempt(write_mode="upsert", conflict_columns=["id"])
    repository = CheckpointRepository(known.databases["destination"], "airflow_checkpoint")
    pages = [
        [
            checkpoint.run_id
            for checkpoint in repository.list({}, limit=1, offset=offset, order_by="created_at")[0]
        ]
        for offset in range(3)
    ]
    assert pages == [["run_1"], ["run_2"], []]
    history = repository.history(Identity("a_dag", "a_task", "run_1"), limit=3, offset=0)
    assert [event.kind for event in history] == ["completed", "opened", "started"]
    assert repository.get(Identity("a_dag", "a_task", "run_1")).completed_at.tzinfo is UTC
    assert repository.purge(timedelta(days=-1), ["completed"], dry_run=False) == 2


@TWO_STYLES
def test_what_is_not_rolled_back_is_said_and_refused(known: Known) -> None:
    connect = known.databases["destination"].connect

    def in_autocommit() -> Any:
        connection = connect()
        connection._connection.isolation_level = None
        return connection

    known.databases["destination"] = Database("dst", in_autocommit)
    message = r"Connection 'dst' keeps what a transaction has rolled back.*at-least-once.*'append' may.*allow_duplicates"
    with pytest.raises(ArgumentError, match=message):
        known.attempt()
    assert known.loaded() == []
    assert known.load.destination.one("SELECT count(*) FROM airflow_checkpoint_event") == 0
    message = "write_mode: 'replace_atomic' swaps all rows in one transaction .* keeps what a transaction has rolled back"
    with pytest.raises(ArgumentError, match=message):
        known.attempt(write_mode="replace_atomic", allow_duplicates=True)
    result = known.attempt(write_mode="upsert", conflict_columns=["id"])
    assert (result.guarantee, result.rows) == ("at-least-once", 250)
    assert known.load.told(GuaranteeStated)[-1].guarantee == "at-least-once"


def test_a_staged_replace(known: Known) -> None:
    known.load.destination.insert("target", [(-1, "old", None)])
    arguments = {"checkpoint_column": "id", "write_mode": "replace_atomic"}
    assert known.attempt_batches(2, **arguments)
    assert known.loaded() == [(-1, "old", None)]
    result = known.attempt(**arguments)
    assert result.rows == 50
    assert "is not asked for foreign keys" in result.warnings[0]  # also by the attempt that publishes
    assert known.loaded() == ROWS
    known.load.next_run()
    with pytest.raises(
        ArgumentError, match="write_mode: 'replace_atomic' .* it is not known whether connection 'dest"
    ):
        known.attempt(write_mode="replace_atomic", strategy="none")
    assert known.loaded() == ROWS


@TWO_STYLES
def test_a_table_that_is_not_there(known: Known) -> None:
    with pytest.raises(
        CheckpointError, match="destination_table: there is no table nowhere in 'destination'"
    ):
        known.attempt(destination_table="nowhere")


@TWO_STYLES
def test_a_lost_connection_is_known_by_what_is_said(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)
    connect, opened = known.databases["destination"].connect, []

    def remembered() -> Any:
        opened.append(connect())
        return opened[-1]

    known.databases["destination"] = Database("dst", remembered)
    batches = 0

    def lose(rows: list) -> list:
        nonlocal batches
        batches += 1
        if batches == 2:
            opened[-1]._connection.close()
        return rows

    # sqlite3 raises ProgrammingError for a lost connection; drivers of servers, an error that the engine knows.
    module = sys.modules[type(connect()).__module__]
    monkeypatch.setattr(module, "OperationalError", sqlite3.ProgrammingError)
    result = known.attempt(rows_processor=lose, checkpoint_column="id")
    assert (result.reconnects, result.rows_total) == (1, 250)
    assert known.loaded() == ROWS
