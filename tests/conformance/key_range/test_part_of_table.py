"""A part of a table: some of its columns, and the rows that meet a condition."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError, SourceError
from airflow_checkpoint_provider.engine.model.events.steps import LoadDescribed, StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import StrategyChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.partitions import load_all, plan

TABLE = "CREATE TABLE {} (id integer NOT NULL, name varchar(20), amount integer, PRIMARY KEY (id))"
ROWS = [(n, f"{n % 5}% of '{n}'", 10 * n) for n in range(1, 41)]


def make_load(source: Db, destination: Db, **arguments: Any) -> Load:
    source.execute(TABLE.format("orders"))
    source.insert("orders", ROWS)
    destination.execute(TABLE.format("target"))
    key = {} if source.able.knows_primary_keys else {"checkpoint_column": "id"}
    return Load(source, destination, {"source_table": "orders", "batch_size": 3, **key, **arguments})


@pytest.mark.covering
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_a_part_is_loaded_by_the_primary_key(pair: tuple[Db, Db], write_mode: str) -> None:
    source, destination = pair
    load = make_load(
        source,
        destination,
        columns=["NAME", "id"],
        where="name LIKE '1%' OR amount = 20 -- the second",
        write_mode=write_mode,
        verify="digest",
        **destination.by_key("id") if write_mode == "upsert" else {},
    )
    assert load.attempt_batches(2)
    result = load.attempt()
    wanted = [row[:2] for row in ROWS if row[1].startswith("1%") or row[2] == 20]
    assert (result.strategy, result.rows_total) == ("key", len(wanted))
    assert result.verified
    assert destination.rows("SELECT id, name FROM target ORDER BY id") == wanted
    assert destination.one("SELECT count(amount) FROM target") == 0
    part = "columns NAME, id of table orders where name LIKE '1%' OR amount = 20 -- the second"
    assert part in load.told(LoadDescribed)[0].line
    told = [event.line for event in load.told(StepBegun) if "by a part of the source" in event.line]
    assert [line.endswith(part) for line in told] == [True] * write_mode.startswith("replace")


def test_another_condition_does_not_resume(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    load = make_load(source, destination, where="amount > 100")
    assert load.attempt_batches(1)
    with pytest.raises(CheckpointError, match="query"):
        load.attempt(where="amount > 50")
    load.attempt()
    assert destination.rows("SELECT id FROM target ORDER BY id") == [(n,) for n in range(11, 41)]


def test_partitions_of_a_part(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    given = make_load(source, destination, where="amount > 100 AND amount <= 300 OR id = 1").arguments
    asked = {name: given[name] for name in ("source_table", "where", "checkpoint_column") if name in given}
    parts = plan(source, 3, **asked).parts
    assert sum(part.rows for part in parts) == 21
    load_all(source, destination, parts, **given)
    assert destination.rows("SELECT id FROM target ORDER BY id") == [(1,), *((n,) for n in range(11, 31))]


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"columns": ["id", "nme"]}, "columns: orders at the source has no column 'nme'. It has: id, name"),
        ({"where": "WHERE id > 1"}, "where: give the condition alone"),
        ({"where": "id > 1; DROP TABLE orders"}, "where: give one condition, without a semicolon"),
        ({"where": "id > 1) OR (id < 3"}, "where: its parentheses do not match"),
        ({"where": "(id > 1"}, "where: its parentheses do not match"),
        ({"where": "name = 'x"}, "where: a quotation mark is not closed"),
        ({"where": "-- id > 1"}, "where: the condition is empty"),
    ],
)
def test_what_is_no_part_is_refused(
    source: Db, make_db: MakeDb, mistake: dict[str, Any], message: str
) -> None:
    destination = make_db("sqlite", "destination")
    load = make_load(source, destination, write_mode="replace", **mistake)
    destination.execute("INSERT INTO target VALUES (1, 'old', 1)")
    with pytest.raises((ArgumentError, SourceError), match=f"(?i){message}"):
        load.attempt()
    assert destination.one("SELECT name FROM target") == "old"


@pytest.mark.able(knows_primary_keys=True)
def test_the_primary_key_has_to_be_read(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    load = make_load(source, destination, columns=["name", "amount"])
    destination.execute(
        "DROP TABLE target", "CREATE TABLE target (id integer, name varchar(20), amount integer)"
    )
    with pytest.raises(ArgumentError, match=r"(?i)columns: the rows are read by the primary key, and id of"):
        load.attempt()
    load.attempt(columns=["id", "name"], destination_columns={"name": "name"}, write_mode="replace")
    load.next_run()
    load.attempt(checkpoint_column="amount", write_mode="replace")
    assert destination.one("SELECT count(amount) FROM target") == len(ROWS)
    assert [event.strategy for event in load.told(StrategyChosen)] == ["key", "key"]
