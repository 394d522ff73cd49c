"""A column that appears at the source between the runs and the attempts of a load."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    DestinationError,
    DestinationMismatchError,
    SourceChangedError,
    WouldDuplicateError,
)
from airflow_checkpoint_provider.engine.model.events.steps import SchemaChanged
from airflow_checkpoint_provider.engine.model.events.transfer import Warned
from tests.conformance.tables.test_rights import as_role
from tests.support.databases.fixtures import MakeDb
from tests.support.new_columns import (
    EXPECTED,
    columns,
    destinations,
    grow,
    history,
    make_load,
    rows,
)
from tests.support.refusals import refused
from tests.support.types.cells import NAMES

PAIRS = [(source, destination) for source in NAMES for destination in NAMES]
pairs = pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
MODES = pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])


@pairs
def test_it_is_added_between_two_attempts(make_db: MakeDb, source: str, destination: str) -> None:
    load = make_load(make_db(source, "source"), make_db(destination, "destination"), on_new_column="add")
    assert load.attempt_batches(1)
    grow(load.source)
    result = load.attempt()
    assert (result.rows, result.rows_total) == (6, 10)
    assert rows(load) == EXPECTED
    [changed] = load.told(SchemaChanged)
    [(_, detail)] = history(load.destination)
    assert detail == changed.line
    assert changed.line.endswith("Rows loaded before have no value in c")
    assert load.attempt().rows == 0  # nothing has changed since


@pairs
def test_it_is_added_between_two_runs(make_db: MakeDb, source: str, destination: str) -> None:
    load = make_load(
        make_db(source, "source"), make_db(destination, "destination"), on_new_column="add", scope="task"
    )
    assert load.attempt().rows == 10
    grow(load.source)
    load.source.insert("t", [(11, 11, "newer")])
    load.next_run()
    assert load.attempt().rows == 1
    assert rows(load)[-2:] == [(10, None), (11, "newer")]
    load.source.insert("t", [(12, 12, "newest")])
    load.next_run()
    assert load.attempt(on_new_column="fail").rows == 1
    assert rows(load)[-1] == (12, "newest")
    assert len(history(load.destination)) == 1


@pytest.mark.server
@destinations
@MODES
def test_every_write_mode(make_db: MakeDb, destination: str, write_mode: str) -> None:
    load = make_load(
        make_db("postgres", "source"),
        make_db(destination, "destination"),
        on_new_column="add",
        write_mode=write_mode,
    )
    assert load.attempt_batches(1)
    grow(load.source)
    assert load.attempt().rows_total == 10
    assert rows(load) == EXPECTED
    if write_mode != "append":
        grow(load.source, "integer", name="d")
        load.clear()
        assert load.attempt(verify="digest").rows == 10
        assert rows(load, "id, c, d") == [(n, "new", 7) for n in range(1, 11)]


@destinations
def test_a_first_load_by_what_the_table_has(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    grow(load.source)
    refused(load, "has no column 'c'.*on_new_column='add'", DestinationMismatchError)
    result = load.attempt(on_new_column="ignore")
    assert result.rows == 10
    [warning] = result.warnings
    assert warning.startswith("on_new_column: c is new at the source, and not loaded")
    assert warning in [event.text for event in load.told(Warned)]
    assert columns(load.destination) == ["id", "a"]
    load.next_run()
    load.destination.execute("DELETE FROM target")
    assert load.attempt(on_new_column="add", verify="digest").rows == 10
    assert rows(load) == [(n, "new") for n in range(1, 11)]


@pairs
def test_it_is_ignored(make_db: MakeDb, source: str, destination: str) -> None:
    load = make_load(
        make_db(source, "source"), make_db(destination, "destination"), on_new_column="ignore", scope="task"
    )
    assert load.attempt_batches(1)
    grow(load.source)
    result = load.attempt()
    assert result.rows == 6
    assert "c is new at the source" in "".join(result.warnings).lower()
    # It stays out, also where the destination has one by then.
    grow(load.destination, table="target")
    load.source.insert("t", [(11, 11, "newer")])
    load.next_run()
    assert load.attempt().rows == 1
    assert rows(load) == [(n, None) for n in range(1, 12)]
    assert history(load.destination) == []
    load.source.insert("t", [(12, 12, "newest")])
    load.next_run()
    assert load.attempt(on_new_column="add").rows == 1
    assert rows(load)[-2:] == [(11, None), (12, "newest")]
    [(_, detail)] = history(load.destination)
    assert "was there, and is filled from now on" in detail


@destinations
@pytest.mark.parametrize("scope", ["run", "task"])
def test_it_is_refused_by_default(make_db: MakeDb, destination: str, scope: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), scope=scope)
    load.attempt_batches(1)
    grow(load.source)
    grow(load.destination, table="target")
    for _ in range(2):
        refused(
            load,
            r"on_new_column: c is new at the source.*'add'.*'ignore'.*clear the task",
            SourceChangedError,
        )
        if scope == "task":
            load.next_run()
    assert len(rows(load)) == 4
    if scope == "task":
        refused(load, "on_new_column: c is new at the source", WouldDuplicateError, on_source_change="reload")
    assert load.attempt(on_source_change="reload", write_mode="upsert").rows == 10
    assert rows(load) == [(n, "new") for n in range(1, 11)]


def test_a_cleared_run_goes_back_to_a_mark_without_it(make_db: MakeDb) -> None:
    load = make_load(
        make_db("sqlite", "source"), make_db("sqlite", "destination"), scope="task", write_mode="upsert"
    )
    load.attempt()
    load.source.insert("t", [(11, 11)])
    load.next_run()
    load.attempt()
    grow(load.source)
    grow(load.destination, table="target")
    load.clear()
    refused(load, "on_new_column: c is new", SourceChangedError)
    assert load.attempt(on_new_column="add").rows == 1
    assert rows(load)[-2:] == [(10, None), (11, "new")]


@pytest.mark.server
@destinations
@pytest.mark.parametrize("mode", ["fail", "ignore", "add"])
def test_one_that_vanishes(make_db: MakeDb, destination: str, mode: str) -> None:
    load = make_load(
        make_db("postgres", "source"), make_db(destination, "destination"), on_new_column=mode, scope="task"
    )
    load.attempt()
    load.source.execute("ALTER TABLE t DROP COLUMN a")
    load.source.insert("t", [(11,)])
    load.next_run()
    refused(load, "a, which the load has read so far, is not among.*destination_columns", SourceChangedError)
    assert load.attempt(on_new_column="fail", destination_columns={"id": "id"}).rows == 1
    assert rows(load, "id, a")[-2:] == [(10, 10), (11, None)]
    load.next_run()
    assert load.attempt(on_new_column=mode).rows == 0


@pytest.mark.server
@destinations
def test_one_that_is_renamed_is_none_that_is_added(make_db: MakeDb, destination: str) -> None:
    load = make_load(
        make_db("postgres", "source"), make_db(destination, "destination"), on_new_column="add", scope="task"
    )
    load.attempt()
    load.source.execute("ALTER TABLE t RENAME COLUMN a TO c")
    load.next_run()
    refused(load, "a, which the load has read so far, is not among", SourceChangedError)
    assert columns(load.destination) == ["id", "a"]


@destinations
def test_a_list_that_is_not_known(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), scope="task")
    load.attempt()
    forget = "UPDATE airflow_checkpoint SET fingerprint = REPLACE(fingerprint, 'column list', 'no list')"
    load.destination.execute(forget)
    load.next_run()
    assert load.attempt().rows == 0  # the same columns
    load.destination.execute(forget)
    grow(load.source)
    load.next_run()
    assert (
        load.attempt(on_new_column="ignore").rows == 0
    )  # those of the destination are those of the checkpoint
    load.destination.execute(forget)
    grow(load.destination, table="target")
    load.source.insert("t", [(11, 11, "x")])
    for mode in ("fail", "ignore", "add"):
        load.next_run()
        refused(
            load, "has no list of the columns that its load has read", SourceChangedError, on_new_column=mode
        )
    assert load.attempt(columns=["id", "a"]).rows == 1
    load.next_run()
    assert load.attempt(on_new_column="add").rows == 0


@pytest.mark.server
@destinations
def test_a_column_of_another_type(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("postgres", "source"), make_db(destination, "destination"), on_new_column="add")
    if not load.destination.able.enforces_types:
        return
    load.attempt_batches(1)
    grow(load.source, "integer")
    grow(load.destination, "varchar(3)", table="target")
    refused(load, r"has a column \w+ already, which is .*var.*column_types", DestinationMismatchError)
    assert len(rows(load)) == 4
    given = {"postgres": "character varying(3)", "mysql": "varchar(3)", "oracle": "varchar2(3 char)"}
    assert load.attempt(column_types={"c": given[destination]}).rows == 6
    assert rows(load)[-1] == (10, "7")


@destinations
def test_a_column_that_the_destination_has_lost(make_db: MakeDb, destination: str) -> None:
    load = make_load(
        make_db("sqlite", "source"),
        make_db(destination, "destination"),
        on_new_column="add",
        scope="task",
        write_mode="upsert",
    )
    load.attempt()
    load.destination.execute("ALTER TABLE target DROP COLUMN a")
    load.next_run()
    refused(load, "destination_columns: a, which the load has written so far", SourceChangedError)
    assert load.attempt(force_reload=True, verify="digest").rows == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"columns": ["id"]},
            "on_new_column: 'add' is about columns that the task does not name, and columns",
        ),
        ({"destination_columns": {"id": "id"}}, "on_new_column: .* and destination_columns names them"),
        ({"rows_processor": list}, "on_new_column: 'add' writes a new column as it is read"),
        ({"on_new_column": "widen"}, "on_new_column: 'widen' is not one of 'fail', 'ignore', 'add'"),
    ],
)
def test_what_does_not_go_together(make_db: MakeDb, arguments: dict[str, Any], message: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("sqlite", "destination"))
    with pytest.raises(ArgumentError, match=message):
        load.attempt(**{"on_new_column": "add"} | arguments)


@pytest.mark.parametrize("destination", ["sqlite", "postgres"])
def test_counted_rows(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), strategy="python")
    load.attempt_batches(1)
    grow(load.source)
    refused(
        load, "c is new at the source, and rows are counted here", SourceChangedError, on_new_column="add"
    )
    refused(
        load,
        "'ignore' leaves out c, and rows are counted here.*by columns",
        ArgumentError,
        on_new_column="ignore",
    )
    assert load.attempt(on_new_column="add", on_source_change="reload", write_mode="replace").rows == 10
    assert rows(load) == [(n, "new") for n in range(1, 11)]


@pytest.mark.server
@destinations
def test_a_query_whose_columns_have_grown(make_db: MakeDb, destination: str) -> None:
    load = make_load(
        make_db("postgres", "source"),
        make_db(destination, "destination"),
        source_table=None,
        sql="SELECT * FROM t",
        checkpoint_column="id",
    )
    assert load.attempt_batches(1)
    grow(load.source)
    refused(load, "has no column 'c'.*on_new_column='add'", DestinationMismatchError)
    assert load.attempt_batches(1, on_new_column="ignore")
    assert load.attempt(on_new_column="add").rows == 2
    assert rows(load) == [(n, None) for n in range(1, 9)] + [(9, "new"), (10, "new")]


@destinations
def test_a_dba_gets_the_statement(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source, "integer")
    with pytest.raises(DestinationMismatchError, match="auto_create is off. Have a DBA run: ALTER") as told:
        load.attempt(auto_create=False)
    assert columns(load.destination) == ["id", "a"]
    load.destination.execute(str(told.value).partition("DBA run: ")[2])
    assert load.attempt(auto_create=False).rows == 6
    assert rows(load)[3:5] == [(4, None), (5, 7)]


def test_a_type_that_is_not_known(make_db: MakeDb) -> None:
    load = make_load(
        make_db("sqlite", "source"),
        make_db("unknown", "destination"),
        on_new_column="add",
        write_mode="upsert",
        conflict_columns=["id"],
    )
    load.attempt()
    grow(load.source)
    load.next_run()
    refused(
        load, "on_new_column: no type of .* is known to keep every value of c .*column_types", ArgumentError
    )
    assert load.attempt(column_types={"c": "varchar(9)"}).rows == 10
    assert rows(load) == [(n, "new") for n in range(1, 11)]


@pytest.mark.server
def test_a_right_that_is_missing(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("postgres", "destination"), on_new_column="add")
    assert load.attempt_batches(1)
    grow(load.source)
    tables = "target, airflow_checkpoint, airflow_checkpoint_event"
    load.destination.execute(
        "CREATE ROLE poor", f"GRANT ALL ON {tables} TO poor", "GRANT ALL ON SCHEMA public TO poor"
    )
    try:
        poor = Database("dst", lambda: as_role(load.destination, "poor"))
        with pytest.raises(
            DestinationError,
            match="on_new_column: target could not be changed in 'dst': must be owner.*ALTER TABLE",
        ):
            load.transfer(destination=poor).run()
    finally:
        load.destination.execute("DROP OWNED BY poor", "DROP ROLE poor")
    assert len(rows(load, "id")) == 4
    assert history(load.destination) == []
    assert load.attempt().rows == 6
    assert rows(load) == EXPECTED


@destinations
def test_a_plan_has_the_statement(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    assert load.attempt_batches(1)
    grow(load.source, "integer")
    plan = load.plan()
    assert [one.text for one in plan.problems] == []
    [changed] = [one.sql for one in plan.statements if one.purpose == "change the table"]
    assert changed.startswith("ALTER TABLE")
    assert columns(load.destination) == ["id", "a"]
    assert "on_new_column" in str(load.plan(on_new_column="fail").problems)
    assert load.plan(on_new_column="ignore").problems == ()


def test_a_plan_without_a_checkpoint_does_not_go_by_an_earlier_one(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("sqlite", "destination"), on_new_column="ignore")
    assert load.attempt_batches(1)
    for db, table in ((load.source, "t"), (load.destination, "target")):
        grow(db, table=table)
    load.arguments |= {"strategy": "none", "write_mode": "upsert", "conflict_columns": ["id"]}
    assert [one.read for one in load.plan().columns] == ["id", "a", "c"]
    load.attempt()
    assert rows(load, "count(*), count(c)") == [(10, 10)]
