"""write_mode="replace_atomic": readers see the old rows until all new ones replace them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    DestinationError,
    SourceChangedError,
    StageError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    Published,
    RouteChosen,
    Started,
)
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.staging import NEW, OLD, in_target, staged_load, stages


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return staged_load(make_db("sqlite", "source"), destination, batch_size=4)


def status(load: Load) -> tuple:
    return load.destination.rows("SELECT status, rows_written FROM airflow_checkpoint")[0]


def test_swaps_all_rows_at_the_end(load: Load) -> None:
    seen = []

    def look(rows: list) -> list:
        seen.append(in_target(load.destination))
        return rows

    result = load.attempt(rows_processor=look)
    assert seen == [OLD] * 3
    assert in_target(load.destination) == NEW
    assert (result.rows, result.rows_total, result.batches, result.guarantee) == (10, 10, 3, "exactly-once")
    (published,) = load.told(Published)
    assert published.line == f"Published 10 rows into {published.table} (2 rows before)"
    detail = load.destination.one("SELECT detail FROM airflow_checkpoint_event WHERE kind = 'completed'")
    assert detail == " ".join([published.line, *result.warnings])
    assert stages(load.destination) == []


@pytest.mark.parametrize("strategy", ["key", "python"])
def test_resumes_on_the_stage(load: Load, strategy: str) -> None:
    by = (
        {}
        if strategy == "key"
        else {"checkpoint_column": None, "sql": "SELECT * FROM t ORDER BY n", "source_table": None}
    )
    by["strategy"] = strategy
    assert load.attempt_batches(2, **by)
    assert (in_target(load.destination), status(load)) == (OLD, ("failed", 8))
    assert len(stages(load.destination)) == 1
    result = load.attempt(**by)
    assert (result.rows, result.rows_total, in_target(load.destination)) == (2, 10, NEW)
    assert stages(load.destination) == []


def test_publishes_when_only_that_was_left(load: Load) -> None:
    assert load.attempt_batches(3)
    assert in_target(load.destination) == OLD
    result = load.attempt()
    assert (result.rows, result.rows_total, in_target(load.destination)) == (0, 10, NEW)


def test_a_retry_of_a_complete_load_does_nothing(load: Load) -> None:
    load.attempt()
    load.destination.execute("DELETE FROM target WHERE n = 1")
    assert load.attempt().rows == 0
    assert len(in_target(load.destination)) == 9
    assert load.told(Started)[-1].action == "nothing"


def test_a_clear_starts_over_on_a_new_stage(load: Load) -> None:
    assert load.attempt_batches(1)
    load.source.execute("DELETE FROM t WHERE n = 0")
    load.clear()
    assert load.attempt().rows == 9
    assert in_target(load.destination) == NEW[1:]
    load.clear()
    load.source.execute("DELETE FROM t")
    assert load.attempt().rows == 0
    assert in_target(load.destination) == []


@pytest.mark.able(transactional=True)
@pytest.mark.parametrize("arguments", [{"strategy": "none"}, {"checkpoint_enabled": False}])
def test_without_a_checkpoint_every_attempt_fills_the_stage_anew(
    load: Load, arguments: dict[str, Any]
) -> None:
    arguments["checkpoint_column"] = None
    assert load.attempt_batches(2, **arguments)
    assert in_target(load.destination) == OLD
    assert load.attempt(**arguments).rows == 10
    assert in_target(load.destination) == NEW
    assert stages(load.destination) == []


@pytest.mark.able(transactional=True)
def test_with_a_checkpoint_elsewhere(load: Load, make_db: MakeDb) -> None:
    load.keeper = make_db("sqlite", "keeper")
    with pytest.raises(ArgumentError, match="checkpoint_conn_id: .*'replace_atomic' may write a batch twice"):
        load.attempt(separate_checkpoint=True)
    arguments = {"separate_checkpoint": True, "allow_duplicates": True}
    assert load.attempt_batches(3, **arguments)
    assert in_target(load.destination) == OLD
    assert load.attempt(**arguments).guarantee == "at-least-once"
    assert in_target(load.destination) == NEW
    assert stages(load.destination) == []


@pytest.mark.able(transactional=False)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_is_refused_where_nothing_shows_that_a_rollback_works(
    load: Load, make_db: MakeDb, elsewhere: bool
) -> None:
    arguments: dict[str, Any] = {"strategy": "none", "checkpoint_column": None}
    if elsewhere:
        load.keeper = make_db("sqlite", "keeper")
        arguments = {"separate_checkpoint": True, "allow_duplicates": True}
    with pytest.raises(
        ArgumentError, match="'replace_atomic' swaps all rows in one transaction .* not known whether .*'dst'"
    ):
        load.attempt(**arguments)
    assert (in_target(load.destination), stages(load.destination)) == (OLD, [])


def test_what_the_destination_refuses_comes_up_at_the_end_and_changes_nothing(load: Load) -> None:
    load.source.execute("INSERT INTO t VALUES (3, 'twice')")
    message = "Destination 'dst': target refused the rows that are staged for it, and its old rows are all still there: "
    with pytest.raises(DestinationError, match=message):
        load.attempt()
    assert (in_target(load.destination), status(load)) == (OLD, ("failed", 11))
    load.destination.execute(f"DELETE FROM {quoted(load)} WHERE v = 'twice'")
    with pytest.raises(
        StageError, match="holds 10 rows, and 11 were written to it: somebody else has changed it"
    ):
        load.attempt()
    assert in_target(load.destination) == OLD
    load.source.execute("DELETE FROM t WHERE v = 'twice'")
    assert load.attempt().rows == 10
    assert "was about to start" in load.told(Started)[-1].reason
    assert in_target(load.destination) == NEW


def quoted(load: Load) -> str:
    (stage,) = stages(load.destination)
    return f'"{stage}"'


def test_a_stage_that_is_gone_is_filled_again(load: Load) -> None:
    assert load.attempt_batches(2)
    load.destination.execute(f"DROP TABLE {quoted(load)}")
    result = load.attempt()
    assert (result.rows, in_target(load.destination)) == (10, NEW)
    assert "is not there any more: starting from the beginning" in load.told(Started)[-1].reason


@pytest.mark.parametrize("other", ["append", "upsert", "replace"])
def test_what_is_staged_is_not_left_behind_by_another_write_mode(load: Load, other: str) -> None:
    assert load.attempt_batches(2)
    with pytest.raises(SourceChangedError, match="stage was 'a table next to the destination', is 'nothing'"):
        load.attempt(write_mode=other, **load.destination.by_key("n") if other == "upsert" else {})
    assert load.attempt().rows == 2
    assert in_target(load.destination) == NEW


def test_a_preoperator_that_makes_the_table(load: Load) -> None:
    load.destination.execute("DROP TABLE target")
    create = load.destination.able.ddl("CREATE TABLE target (n integer, v varchar(20))")
    assert load.attempt_batches(2, preoperator=create)
    assert in_target(load.destination) == []
    load.attempt(preoperator=create)
    assert in_target(load.destination) == NEW
    assert load.attempt(preoperator=create).rows == 0
    assert stages(load.destination) == []


def test_a_stage_left_by_a_crash_before_the_drop_is_dropped_by_the_retry(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("airflow_checkpoint_provider.engine.transfer.transfer.complete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load.attempt()
    with monkeypatch.context() as patch:
        patch.setattr("airflow_checkpoint_provider.engine.transfer.staging.publish.discard", lambda *_: None)
        load.attempt()
    assert (in_target(load.destination), len(stages(load.destination))) == (NEW, 1)
    load.attempt()
    assert stages(load.destination) == []


def test_names_of_any_length_and_case(load: Load) -> None:
    name = "A Table" + " of a long name" * 3
    load.destination.execute(f'CREATE TABLE "{name}" ("N" integer, "the 100% v" varchar(20))')
    load.attempt(destination_table=f'"{name}"', destination_columns=["N", "the 100% v"])
    assert load.destination.rows(f'SELECT "N", "the 100% v" FROM "{name}" ORDER BY 1') == NEW
    assert stages(load.destination) == []


def test_source_and_destination_in_one_file(make_db: MakeDb) -> None:
    db = make_db("sqlite", "both")
    db.execute(
        "CREATE TABLE t (n integer)", "CREATE TABLE target (n integer)", "INSERT INTO target VALUES (9)"
    )
    db.insert("t", [(n,) for n in range(10)])
    load = Load(db, db, {"source_table": "t", "write_mode": "replace_atomic", "batch_size": 3})
    assert load.attempt_batches(2)
    assert db.rows("SELECT n FROM target") == [(9,)]
    load.attempt()
    assert db.rows("SELECT n FROM target ORDER BY n") == [(n,) for n in range(10)]
    assert stages(db) == []


@pytest.mark.server
@pytest.mark.parametrize("changes", [{}, {"strategy": "none"}, {"allow_duplicates": True}])
def test_a_table_without_transactions_is_refused(make_db: MakeDb, changes: dict[str, Any]) -> None:
    source, destination = make_db("sqlite", "source"), make_db("mysql", "destination")
    source.execute("CREATE TABLE t (n integer)")
    destination.execute("CREATE TABLE target (n integer) ENGINE = MyISAM")
    load = Load(source, destination, {"source_table": "t", "write_mode": "replace_atomic", **changes})
    message = (
        "write_mode: 'replace_atomic' swaps all rows in one transaction .*, but target is a table of MyISAM"
    )
    with pytest.raises(ArgumentError, match=message):
        load.attempt()
    assert stages(destination) == []


@pytest.mark.server
def test_rows_are_copied_packed_into_the_stage(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (id integer, n integer)")
    source.insert("t", [(n, n) for n in range(10)])
    destination.execute(
        "CREATE TABLE target (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer,"
        " twice integer GENERATED ALWAYS AS (n * 2) STORED, at timestamptz DEFAULT now())",
    )
    load = Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": "id", "write_mode": "replace_atomic", "batch_size": 4},
    )
    assert load.attempt_batches(1)
    load.attempt()
    assert {event.path for event in load.told(RouteChosen)} == {"binary COPY"}
    assert len(load.told(BatchCommitted)) == 3
    rows = destination.rows("SELECT id, n, twice, at IS NULL FROM target ORDER BY id")
    assert rows == [(n, n, n * 2, False) for n in range(10)]
