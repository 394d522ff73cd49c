"""Replay of rejected rows: when it is refused, and the state after a crash halfway."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import LockNotAvailable

from airflow_checkpoint_provider.engine.admin.replay import order as replay_order
from airflow_checkpoint_provider.engine.admin.replay import rows as replaying
from airflow_checkpoint_provider.engine.admin.replay.request import Replay, Replayed
from airflow_checkpoint_provider.engine.admin.replay.rows import replay
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from airflow_checkpoint_provider.engine.store.rejected.rows import UnknownValueError, row_in, row_text
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.statements import statements
from tests.support.troubles.crashing import Fuse, connect

IDENTITY = Identity("a_dag", "a_task", "run_1")
TABLES = Tables.named("airflow_checkpoint")


def rejecting(make_db: MakeDb, kind: str = "sqlite", **arguments: Any) -> Load:
    """Run a load with one row written and nine refused by an index, and drop the index."""
    load = Load(
        make_db("sqlite", "source"),
        make_db(kind, "destination"),
        {"source_table": "t", "checkpoint_column": "n", "on_bad_row": "reject", **arguments},
    )
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, b text)")
    load.source.insert("t", [(n, "same") for n in range(10)])
    load.destination.execute(
        "CREATE TABLE target (n integer, b text)", "CREATE UNIQUE INDEX once ON target (b)"
    )
    load.attempt()
    load.destination.execute("DROP INDEX once")
    return load


def again(load: Load, **asked: Any) -> Replayed:
    return replay(Replay(who="ann", **asked), load.destination.database("dst"), TABLES, IDENTITY)


def numbers(load: Load) -> list[int]:
    return [n for (n,) in load.destination.rows("SELECT n FROM target ORDER BY n")]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_statement_loses_and_doubles_no_row(
    make_db: MakeDb, kind: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_order, "ROWS_AT_ONCE", 2)
    load = rejecting(make_db, kind)
    burnt, at = True, 0
    while burnt:
        fuse = Fuse(at, after)
        database = Database("dst", lambda fuse=fuse: connect(load.destination, fuse))  # type: ignore[misc]
        try:
            replay(Replay(who="ann"), database, TABLES, IDENTITY)
        except BaseException:
            assert fuse.burnt
        burnt = fuse.burnt
        kept = load.destination.rows("SELECT row_no FROM airflow_checkpoint_reject")
        assert sorted([*numbers(load), *(number - 1 for (number,) in kept)]) == list(range(10))
        at += 1
    assert numbers(load) == list(range(10))
    assert load.destination.one("SELECT rows_written FROM airflow_checkpoint") == 10
    assert at > 20


def test_some_of_them(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    done = again(load, limit=2)
    assert done.as_words() == "2 rows written, 7 still rejected. Not all were tried: repeat it for the rest."
    assert again(load, error="no such error").written == 0
    assert again(load, error="UNIQUE").written == 7
    assert numbers(load) == list(range(10))


def rejected_ids(load: Load) -> list[int]:
    return [id_ for (id_,) in load.destination.rows("SELECT id FROM airflow_checkpoint_reject ORDER BY id")]


def test_corrected_rows_alone_are_written(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    ids = rejected_ids(load)
    given: dict[int, dict[str, Any]] = {
        ids[4]: {"b": "five"},
        ids[0]: {"n": 1, "b": "same"},
        ids[2]: {"b": "three"},
    }
    assert again(load, corrected=given, error="no such error").written == 0
    assert (
        again(load, corrected=given, limit=2)
        .as_words()
        .startswith("2 rows written, 7 still rejected. Not all")
    )
    assert load.destination.rows("SELECT n, b FROM target ORDER BY n") == [
        (0, "same"),
        (1, "same"),
        (3, "three"),
    ]
    assert again(load, corrected={ids[4]: given[ids[4]]}).written == 1
    details = "SELECT detail FROM airflow_checkpoint_event WHERE kind = 'replayed' ORDER BY id"
    assert load.destination.rows(details) == [
        ("2 rejected rows were written, 0 refused again; corrected: row 4",),
        ("1 rejected row was written, 0 refused again; corrected: row 6",),
    ]


def test_a_correction_that_cannot_be_written_changes_nothing(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    ids = rejected_ids(load)
    kept = load.destination.rows("SELECT id, error, who FROM airflow_checkpoint_reject")
    with pytest.raises(ArgumentError, match=r"^Row 5: there is no column 'c'; the row has n, b\.$"):
        again(load, corrected={ids[0]: {}, ids[3]: {"c": 1}})
    load.destination.execute(f"UPDATE airflow_checkpoint_reject SET row_data = '[4]' WHERE id = {ids[3]}")
    with pytest.raises(
        ArgumentError, match=r"^Row 5: .* is no row of columns .* row_data of airflow_checkpoint_reject"
    ):
        again(load, corrected={ids[0]: {}, ids[3]: {}})
    assert load.destination.rows("SELECT id, error, who FROM airflow_checkpoint_reject") == kept
    assert numbers(load) == [0]
    with pytest.raises(
        ArgumentError, match="^The row is not among the rejected rows of a_dag.a_task, run run_1"
    ):
        again(load, corrected={999: {}})
    with pytest.raises(
        DestinationError, match="1 rejected row is written.*2 of the 3 rows, among them .* id 998, are not"
    ):
        again(load, corrected={999: {}, 998: {}, ids[0]: {}})
    assert numbers(load) == [0, 1]


def test_a_corrected_row_is_read_without_the_others(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_order, "_LISTED_AT_ONCE", 1)
    load = rejecting(make_db)
    counts = []
    for id_ in rejected_ids(load)[::3]:
        with statements() as sent:
            again(load, corrected={id_: {"b": "corrected"}})
        counts.append(len(sent))
    assert counts == [counts[0]] * 3


def test_refused_while_the_load_is_not_at_rest(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    states = {
        "status = 'running'": "is at work, or was killed",
        "status = 'failed', restarting = 1": "begins anew, and reads all rows again",
        "status = 'seeded', restarting = 0": "begins anew",
    }
    for state, words in states.items():
        load.destination.execute(f"UPDATE airflow_checkpoint SET {state}")
        with pytest.raises(ArgumentError, match=words):
            again(load)
    load.destination.execute("UPDATE airflow_checkpoint SET status = 'failed'")
    assert again(load).written == 9


def test_refused_where_rows_would_be_the_only_ones_of_their_load(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    load.next_run()
    load.attempt(write_mode="append", on_bad_row="fail")
    assert again(load, limit=1).written == 1
    load.next_run()
    load.attempt(write_mode="replace", on_bad_row="fail")
    with pytest.raises(
        ArgumentError, match="run run_3, which has begun after .*, has emptied target, or may"
    ):
        again(load)
    assert len(numbers(load)) == 10
    is_later = "dag_id = 'a_dag' AND run_id = 'run_3' AND kind = 'opened'"
    load.destination.execute(f"DELETE FROM airflow_checkpoint_event WHERE {is_later}")
    with pytest.raises(ArgumentError, match="has emptied target, or may have"):
        again(load)


def test_refused_where_a_load_that_began_earlier_has_published_since(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    load.next_run()
    load.attempt(write_mode="replace", on_bad_row="fail")
    earlier = "UPDATE airflow_checkpoint SET started_at = '2020-01-01 00:00:00.000000' WHERE run_id = 'run_2'"
    load.destination.execute(earlier)
    with pytest.raises(ArgumentError, match="has emptied target, or may"):
        again(load)


def test_a_null_in_the_key_of_an_upsert_is_refused_as_by_its_load(make_db: MakeDb) -> None:
    load = Load(
        make_db("sqlite", "source"),
        make_db("sqlite", "destination"),
        {
            "source_table": "t",
            "checkpoint_column": "n",
            "on_bad_row": "reject",
            "write_mode": "upsert",
            "conflict_columns": ["b"],
        },
    )
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, b text)")
    load.source.insert("t", [(1, "a"), (2, None)])
    load.destination.execute("CREATE TABLE target (n integer, b text UNIQUE)")
    load.attempt()
    assert numbers(load) == [1]
    done = again(load)
    assert (done.written, done.refused, numbers(load)) == (0, 1, [1])
    assert "a NULL is equal to no other" in done.reason


@pytest.mark.server
def test_a_load_that_empties_the_table_waits_for_the_rows(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = rejecting(make_db, "postgres")
    written = replaying._Replaying._write_one
    waited: list[str] = []

    def write_one(one: Any, kept: Any) -> bool:
        done = written(one, kept)
        if not waited:
            with closing(load.destination.connect()) as other:
                other.execute("SET lock_timeout = '200ms'")
                with pytest.raises(LockNotAvailable) as refused:
                    other.execute("DELETE FROM target")
            waited.append(str(refused.value))
        return done

    monkeypatch.setattr(replaying._Replaying, "_write_one", write_one)
    assert again(load).written == 9
    assert waited


def test_refused_where_the_table_is_gone_or_takes_no_such_rows(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    with pytest.raises(ArgumentError, match="overwrite: the load has write_mode='append'"):
        again(load, overwrite=True)
    load.destination.execute("DELETE FROM airflow_checkpoint_event")
    with pytest.raises(
        ArgumentError, match="How a_dag.a_task, run run_1 writes its rows is not in its history"
    ):
        again(load)
    load = rejecting(make_db_in(make_db, "other"))
    load.destination.execute("DROP TABLE target")
    with pytest.raises(ArgumentError, match="there is no table target in 'dst' any more"):
        again(load)


def make_db_in(make_db: MakeDb, role: str) -> MakeDb:
    return lambda kind, name: make_db(kind, f"{role}_{name}")


VALUES = (
    Decimal("1.10"),
    Decimal("1E+30"),
    datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2026, 1, 2),
    date(2026, 1, 2),
    time(23, 59, 59, 1),
    timedelta(days=-1, seconds=5, microseconds=7),
    timedelta(hours=30),
    b"\x00\xff",
    UUID(int=5),
    float("inf"),
    1.25,
    2**70,
    True,
    None,
    "text",
    "\\x00",
    {"a": [1, None]},
)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_restored_with_its_type(value: Any) -> None:
    restored = row_in(row_text(["n", "v"], (1, value))).restored()
    assert (restored, type(restored["v"])) == ({"n": 1, "v": value}, type(value))


class Nanoseconds(datetime):
    def __str__(self) -> str:
        return f"{super().__str__()}.123456789"


@pytest.mark.parametrize("value", [[Decimal(1)], ((1, 2),), Nanoseconds(2026, 1, 2), range(3)], ids=repr)
def test_a_value_that_cannot_be_restored_is_refused(value: Any) -> None:
    with pytest.raises(UnknownValueError, match=r"v: only the text of its .* is stored"):
        row_in(row_text(["v"], (value,))).restored()
    assert row_in(row_text(["v"], (value,))).restored({"v": [1]}) == {"v": [1]}


def test_corrected_values_are_of_the_type_of_the_first_one() -> None:
    row = row_in(row_text(["at", "n"], (datetime(2026, 1, 2), 1)))
    assert row.restored({"at": "2026-02-03", "n": 5}) == {"at": datetime(2026, 2, 3), "n": 5}
    with pytest.raises(UnknownValueError, match="at: 'soon' is no datetime"):
        row.restored({"at": "soon"})
    with pytest.raises(UnknownValueError, match=r"is text or bytes is not known"):
        row_in(json.dumps({"a": "\\x00"})).restored()
