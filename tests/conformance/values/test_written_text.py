"""Values of types other than text, sent as text: read there as the same value, or refused at the start."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind, WrittenType
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import PassedValues
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

Pair = tuple[str, str, str]
"""The type of the source, a value, and the type of the destination."""

OURS = "CREATE TYPE ours AS (x {})"
REFUSED: dict[str, Sequence[Pair]] = {
    "postgres": (
        *(("bit(5)", "10101", there) for there in ("integer", "numeric", "money")),
        ("bit(5)[]", "{10101}", "integer[]"),
        ("integer[]", "{101}", "bit(3)[]"),
        ("tid", "(0,1)", "int4range"),
        ("point", "(1.5,2.25)", "numrange"),
        ("macaddr", "08:00:2b:01:02:03", "macaddr8"),
        ("macaddr8", "08:00:2b:01:02:03:04:05", "inet"),
        ("xid", "5", "money"),
        ("jsonb", "{}", "text[]"),
        ('"char"', "5", "integer"),
        ("interval", "01:02:03", "time"),
        ("ours", "(101)", "theirs"),
    ),
    "mysql": (
        ("bit(5)", "10101", "int"),
        ("varbit", "10101", "decimal(10, 2)"),
        ("bit(5)", "10101", "bit(64)"),
        ("macaddr8", "08:00:2b:01:02:03:04:05", "inet6"),
        ("xid", "2026", "year"),
        ("integer[]", "{1}", "enum('{1}')"),
    ),
    "sqlite": (("bit(5)", "10101", "integer"), ("varbit", "10101", "numeric"), ("xid", "5", "real")),
}
TAKEN: dict[str, Sequence[Pair]] = {
    "postgres": (
        ("bit(5)", "10101", "varbit"),
        ("cidr", "10.0.0.0/8", "inet"),
        ("json", '{"a": 1.10}', "jsonb"),
        ("int4range", "[1,5)", "numrange"),
        ("int4multirange", "{[1,5)}", "int8multirange"),
        ("integer[]", "{1,NULL}", "numeric[]"),
        ("date[]", "{2026-01-01}", "text[]"),
        ("tid", "(0,1)", "text"),
    ),
    "mysql": (
        ("inet", "2001:db8::1", "inet6"),
        ("interval", "01:02:03", "time"),
        ("bit(5)", "10101", "varchar(9)"),
        ("integer[]", "{1}", "longtext"),
    ),
    "sqlite": (
        ("inet", "10.0.0.1/8", "inet"),
        ("integer[]", "{1}", "integer[]"),
        ("interval", "1 mon 2 days", "interval"),
        ("bit(5)", "10101", "text"),
        ("jsonb", '{"a": 1.10}', "json"),
    ),
}


def make_load(source: Db, destination: Db, pair: Pair, number: int) -> Load:
    of, value, into = pair
    source.execute(
        f"CREATE TABLE t{number} (n integer, v {of})", f"INSERT INTO t{number} VALUES (1, '{value}')"
    )
    destination.execute(
        f"CREATE TABLE target{number} (n integer, v {into})", f"INSERT INTO target{number} VALUES (7, NULL)"
    )
    names = {"source_table": f"t{number}", "destination_table": f"target{number}", "checkpoint_column": "n"}
    return Load(source, destination, {**names, "write_mode": "replace"}, run=number + 1)


@pytest.mark.parametrize("kind", REFUSED)
def test_another_value_is_not_read_in_it(make_db: MakeDb, kind: str) -> None:
    source, destination = make_db("postgres", "source"), make_db(kind, "destination")
    source.execute(OURS.format("bit(3)"))
    if kind == "postgres":
        destination.execute(OURS.format("integer").replace("ours", "theirs"))
    for number, pair in enumerate(REFUSED[kind]):
        with pytest.raises(ArgumentError, match=r"^sql: v is .*, and v of .*it is not known.*CAST\(v AS "):
            make_load(source, destination, pair, number).attempt()
        assert destination.rows(f"SELECT n, v FROM target{number}") == [(7, None)], pair


@pytest.mark.parametrize("kind", TAKEN)
def test_the_same_value_is_read_in_it(make_db: MakeDb, kind: str) -> None:
    source, destination = make_db("postgres", "source"), make_db(kind, "destination")
    read = {"postgres": "CAST(v AS text)", "mysql": "CAST(v AS CHAR)", "sqlite": "v"}[kind]
    arrived = []
    for number, pair in enumerate(TAKEN[kind]):
        make_load(source, destination, pair, number).attempt()
        arrived.append(destination.one(f"SELECT {read} FROM target{number}"))
    assert arrived == [value for _, value, _ in TAKEN[kind]]


def test_every_destination_tells_text_from_numbers(make_db: MakeDb, destination: Db) -> None:
    source = make_db("postgres", "source")
    with pytest.raises(ArgumentError, match='v is "bit", and'):
        make_load(source, destination, ("bit(5)", "10101", "integer"), 0).attempt()
    assert make_load(source, destination, ("integer[]", "{1}", "varchar(9)"), 1).attempt().rows == 1
    assert destination.one("SELECT v FROM target1") == "{1}"


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        ("cidr", "10.1", "not a complete address"),
        ("point", "(0.12345678901234567891,1)", "would round"),
        ("macaddr8", "08:00:2b:01:02:03", "eight bytes"),
        ("macaddr", "2024-01-01", "six bytes"),
        ("money", "007", "it is not known"),
    ],
)
@pytest.mark.parametrize("kind", ["mysql", "sqlite", "postgres"])
def test_text_is_not_completed(make_db: MakeDb, kind: str, declared: str, value: str, said: str) -> None:
    source, destination = make_db(kind, "source"), make_db("postgres", "destination")
    with pytest.raises(CheckpointError, match=said):
        make_load(source, destination, ("varchar(50)", value, declared), 0).attempt()
    assert destination.rows("SELECT n FROM target0 WHERE n = 1") == []


@pytest.mark.parametrize("kind", ["mysql", "sqlite", "postgres"])
def test_what_a_rows_processor_passes_on(make_db: MakeDb, kind: str) -> None:
    source, destination = make_db("postgres", "source"), make_db(kind, "destination")
    load = make_load(source, destination, ("bit(5)", "10101", "integer"), 0)
    for passing in (lambda rows: rows, lambda rows: [[n, v] for n, v in rows]):
        with pytest.raises(ArgumentError, match=r'^sql: v is "bit", and v of .* is .*CAST\(v AS '):
            load.attempt(rows_processor=passing)
    assert destination.rows("SELECT n FROM target0 WHERE n = 1") == []
    load.attempt(rows_processor=lambda rows: [(n, int(v, 2)) for n, v in rows])
    assert destination.rows("SELECT n, v FROM target0 WHERE n = 1") == [(1, 0b10101)]


def test_a_rows_processor_passes_on_what_is_read_alike(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute(OURS.format("bit(3)"))
    destination.execute(OURS.format("bit(3)"))
    pairs = (
        *TAKEN["postgres"],
        ("ours", "(101)", "ours"),
        ("macaddr", "08:00:2b:01:02:03", "macaddr"),
    )
    for number, pair in enumerate(pairs):
        load = make_load(source, destination, pair, number)
        assert load.attempt(rows_processor=lambda rows: list(rows)).rows == 1, pair
        assert destination.one(f"SELECT CAST(v AS text) FROM target{number} WHERE n = 1") == pair[1]


def test_values_are_not_kept_once_they_are_checked() -> None:
    watch = PassedValues(None, None, {0: WrittenType("bit", WrittenKind.OTHER)}, {1: frozenset((0,))})
    watch.give([("10101", "other")])
    assert watch._given
    watch.check([("x", "other")])
    assert not watch._given
