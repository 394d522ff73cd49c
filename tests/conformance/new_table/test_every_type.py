"""A table of every type of each database, created in every other one: each value arrives unchanged."""

from __future__ import annotations

import random
import re

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.types.cells import NAMES, Value
from tests.support.types.created import PAGE, page
from tests.support.types.page import SOURCES

PAIRS = [(source, destination) for source in NAMES for destination in NAMES]


def values_for(source: str, destination: str) -> list[Value]:
    """Return the values that a type of the destination takes, without those of ten megabytes."""
    return [
        value
        for value in SOURCES[source]
        if destination in value.to
        and (value.to[destination].arrives is not None or value.name == "largest bigint unsigned")
        and not value.bound
        and "10 MB" not in value.name
    ]


def test_the_page_has_the_same_types() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.support.types.created"


def make_source(db: Db, values: list[Value], seed: str) -> list[str]:
    """Make a table with a column for each type in a random order, and a row for each value."""
    types = list(dict.fromkeys(value.column for value in values))
    random.Random(seed).shuffle(types)
    columns = {declared: f"c{number}" for number, declared in enumerate(types)}
    loose = ("SET sql_mode = '', time_zone = '+00:00'",) if db.kind == "mysql" else ()
    listed = ", ".join(f"{name} {declared}" for declared, name in columns.items())
    db.execute(
        *loose,
        f"CREATE TABLE t (n integer NOT NULL, {listed}, PRIMARY KEY (n))",
        "INSERT INTO t (n) VALUES (0)",
        *(
            f"INSERT INTO t (n, {columns[value.column]}) VALUES ({number}, {value.sql})"
            for number, value in enumerate(values, 1)
        ),
    )
    return list(columns.values())


@pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
def test_every_type_arrives_in_the_table_that_is_created(
    make_db: MakeDb, source: str, destination: str
) -> None:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    values = values_for(source, destination)
    names = make_source(one, values, f"{source}->{destination}")
    load = Load(
        one, other, {"source_table": "t", "create_table": "missing", "verify": "digest", "batch_size": 7}
    )
    try:
        load.attempt()
    except ArgumentError as error:
        refused = re.findall(r"\bc\d+\b(?= \()", str(error).lower())
        assert refused, error
        assert other.tables() == [] or "target" not in map(str.lower, other.tables())
        names = [name for name in names if name not in refused]
        load.attempt(columns=["n", *names])
    assert other.one("SELECT count(*) FROM target") == len(values) + 1
    assert names


@pytest.mark.parametrize("kind", NAMES)
def test_a_staged_load_goes_on_with_every_type(make_db: MakeDb, kind: str) -> None:
    one, other = make_db(kind, "source"), make_db(kind, "destination")
    values = values_for(kind, kind)
    names = make_source(one, values, kind)
    load = Load(
        one,
        other,
        {
            "source_table": "t",
            "create_table": "missing",
            "write_mode": "replace_atomic",
            "batch_size": 4,
        },
    )
    try:
        assert load.attempt_batches(1)
    except ArgumentError as error:
        refused = re.findall(r"\bc\d+\b(?= \()", str(error).lower())
        load.arguments["columns"] = ["n", *(name for name in names if name not in refused)]
        assert load.attempt_batches(1)
    assert load.attempt().rows == len(values) + 1 - 4
