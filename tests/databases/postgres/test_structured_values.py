"""Arrays, ranges and composite values: each value in them arrives unchanged, or is refused."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.postgres.values.structured_text import parts_of
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.model.errors import BadRowsError, SourceMismatchError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

TEXT = PostgresType(25, "text", "b", -1, "text")
OURS = "CREATE TYPE ours AS (x numeric, y text)"
NARROW = "CREATE TYPE ours AS (x numeric(5, 2), y char(5))"
DOMAIN = "CREATE DOMAIN ours AS numeric(8, 2)"


def made(make_db: MakeDb, kind: str, of: tuple[str, ...], value: str, into: tuple[str, ...]) -> Load:
    """Make a load of one value; the last of ``of`` and of ``into`` is the type of its column."""
    source, destination = make_db(kind, "source"), make_db("postgres", "destination")
    source.execute(*of[:-1], f"CREATE TABLE t (n integer, a {of[-1]})", f"INSERT INTO t VALUES (1, {value})")
    destination.execute(*into[:-1], f"CREATE TABLE target (n integer, a {into[-1]})")
    return Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n"})


@pytest.mark.parametrize("processor", [None, lambda rows: rows], ids=["", "rows_processor"])
@pytest.mark.parametrize(
    ("of", "value", "into", "said"),
    [
        (("timestamp[]",), "ARRAY['2026-01-01 10:00'::timestamp]", ("date[]",), "lose the time"),
        (("timestamptz[]",), "ARRAY['2026-01-01 10:00+05'::timestamptz]", ("timestamp[]",), "lose the time zone"),
        (("timestamp[]",), "ARRAY['2026-01-01 10:00'::timestamp]", ("timestamptz[]",), "time zone of the session"),
        (("numeric[]",), "ARRAY[1.00000000000000000001]", ("double precision[]",), "would round"),
        (("numeric[]",), "'{{1,2},{3,4.005}}'", ("numeric(5, 2)[]",), "would round 4.005"),
        (("text[]",), "ARRAY[' 007']", ("integer[]",), "another number"),
        (("text[]",), "ARRAY['a  ']", ("char(5)[]",), "blanks"),
        (("numeric[]",), "ARRAY[1.005]", (DOMAIN, "ours[]"), "would round 1.005"),
        (("numeric[]",), "ARRAY[1.005]", (f"{DOMAIN}[]", "ours"), "would round 1.005"),
        (("text[]",), "ARRAY['{}']", ("uuid[]",), None),
        ((OURS, "ours"), "ROW(1.005, 'q')", (NARROW, "ours"), "would round 1.005"),
        ((OURS, "ours"), "ROW(1, 'q  ')", (NARROW, "ours"), "blanks"),
        ((OURS, "ours[]"), "ARRAY[ROW(1, 'q'), NULL, ROW(1.005, NULL)]::ours[]", (NARROW, "ours[]"), "would round 1.005"),
        (("tsrange",), "'[2026-01-01 10:00,2026-02-01)'", ("daterange",), "lose the time"),
        (("tsmultirange",), "'{[2026-01-01,2026-02-01),[2026-03-01 10:00,)}'", ("datemultirange",), "lose the time"),
        (
            ("CREATE TYPE ours AS RANGE (subtype = numeric)", "ours"),
            "'[1.00000000000000000001,2)'",
            ("CREATE TYPE ours AS RANGE (subtype = float8)", "ours"),
            "would round",
        ),
    ],
)  # fmt: skip
def test_what_the_server_would_change_is_refused(
    make_db: MakeDb, of: tuple[str, ...], value: str, into: tuple[str, ...], said: str | None, processor: Any
) -> None:
    load = made(make_db, "postgres", of, value, into)
    with pytest.raises(BadRowsError, match=said):
        load.attempt(rows_processor=processor)
    assert load.destination.one("SELECT count(*) FROM target") == 0


@pytest.mark.parametrize("processor", [None, lambda rows: rows], ids=["", "rows_processor"])
@pytest.mark.parametrize(
    ("of", "value", "into"),
    [
        (("integer[]",), "'{5,NULL}'", ("integer[]",)),
        (("integer[]",), "ARRAY[1, 2]", ("bigint[]",)),
        (("integer[]",), "ARRAY[1, 2]", ("text[]",)),
        (("numeric(5, 2)[]",), "ARRAY[1.25]", ("numeric(5, 2)[]",)),
        (("numeric[]",), "ARRAY[1.25]", (DOMAIN, "ours[]")),
        (("text[]",), r"""ARRAY['a,b', '\', '"', 'NULL', '', ' x ', '{}']""", ("text[]",)),
        ((OURS, "ours"), r"""ROW(1.005, 'q, "\  ')""", (OURS, "ours")),
        ((OURS, "ours"), "ROW(1.25, 'quick')", (NARROW, "ours")),
        ((OURS, "ours"), "ROW(NULL, '')", (OURS, "ours")),
        (("daterange",), "'[2026-01-01,)'", ("daterange",)),
        (("int4range",), "'empty'", ("int8range",)),
        (("int4multirange",), "'{[1,3),[5,)}'", ("int8multirange",)),
    ],
)
def test_the_rest_arrives(
    make_db: MakeDb, of: tuple[str, ...], value: str, into: tuple[str, ...], processor: Any
) -> None:
    load = made(make_db, "postgres", of, value, into)
    assert load.attempt(rows_processor=processor).rows == 1
    text = "SELECT a::text FROM"
    assert load.destination.one(f"{text} target") == load.source.one(f"{text} t")


def test_bounds_of_an_array_arrive(make_db: MakeDb) -> None:
    load = made(make_db, "postgres", ("integer[]",), "'[0:1]={5,NULL}'", ("integer[]",))
    assert load.attempt().rows == 1
    assert load.destination.one("SELECT a::text FROM target") == "[0:1]={5,NULL}"


def test_bounds_that_a_list_has_not_are_refused(make_db: MakeDb) -> None:
    load = made(make_db, "postgres", ("integer[]",), "'[0:1]={5,NULL}'", ("integer[]",))
    with pytest.raises(SourceMismatchError, match=r"bounds of its own.*CAST\(a AS text\)"):
        load.attempt(rows_processor=lambda rows: rows)
    by_text = {"sql": "SELECT n, CAST(a AS text) AS a FROM t", "on_source_change": "reload"}
    assert load.attempt(rows_processor=lambda rows: rows, **by_text).rows == 1
    assert load.destination.one("SELECT a::text FROM target") == "[0:1]={5,NULL}"


@pytest.mark.parametrize(
    ("value", "said"),
    [("'{1,2}'", None), ("'1,2'", "is not known"), ("'{1.5}'", "is not known|invalid|another number")],
)
def test_text_of_another_database(make_db: MakeDb, value: str, said: str | None) -> None:
    load = made(make_db, "sqlite", ("text",), value, ("integer[]",))
    if said is None:
        assert load.attempt().rows == 1
        assert load.destination.one("SELECT a FROM target") == [1, 2]
        return
    with pytest.raises(BadRowsError, match=said):
        load.attempt()


TEXTS = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=5), min_size=1
)


def test_is_taken_apart_as_the_server_puts_it_together(make_db: MakeDb) -> None:
    array = PostgresType(1009, "_text", "b", -1, "text[]", (TEXT,))
    with closing(make_db("postgres", "source").connect()) as connection:
        cursor = connection.cursor()

        @settings(max_examples=200, deadline=None)
        @given(values=TEXTS)
        def check(values: list[str]) -> None:
            cursor.execute("SELECT %s::text[]::text", [values])
            assert parts_of(array, cursor.fetchone()[0]) == [(TEXT, value) for value in values]
            fields = ", ".join(["%s::text"] * len(values))
            cursor.execute(f"SELECT ROW({fields})::text", values)
            record = PostgresType(0, "ours", "c", -1, "ours", (TEXT,) * len(values))
            assert parts_of(record, cursor.fetchone()[0]) == [(TEXT, value) for value in values]

        check()
