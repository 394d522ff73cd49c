"""Postgres to Postgres, packed: rows that Python does not parse."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import DestinationError, SourceError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

ODD = [
    ("boolean", "true"),
    ("bytea", r"'\x00ff5c0a09'"),
    ("text", r"E'tab\t, newline\n, return\r, backslash \\ and \\N, \b\f\v, ä 😀'"),
    ("text", "''"),
    ("char(5)", "'ab'"),
    ("numeric", "'NaN'"),
    ("numeric", "'-Infinity'"),
    ("numeric", "0.00000000000000000000000000000000000001234567890"),
    ("double precision", "0.30000000000000004"),
    ("double precision", "'-Infinity'"),
    ("real", "0.1"),
    ("timestamp", "'infinity'"),
    ("timestamptz", "'2026-10-25 02:30:00.000001+02'"),
    ("date", "'0044-03-15 BC'"),
    ("time", "'24:00'"),
    ("timetz", "'12:00:00.5+05:30'"),
    ("interval", "'1 year 2 mons -3 days 04:05:06.789'"),
    ("integer[]", "'[0:1]={1,NULL}'"),
    ("text[]", "ARRAY['a,b', 'c\"d', NULL, '']"),
    ("json", '\'{"b": 1.000000000000000000001, "b": 2}\''),
    ("jsonb", "'{\"a\": [1e400, null]}'"),
    ("uuid", "gen_random_uuid()"),
    ("numrange", "'[1.5,)'"),
    ("inet", "'::1/64'"),
    ("bit varying", "B'1011'"),
    ("point", "'(0.1,0.2)'"),
    ("tsvector", "'a:1 b:2'"),
    ("money", "'1234.56'"),
]


@pytest.fixture
def two(make_db: MakeDb) -> tuple[Db, Db]:
    return make_db("postgres", "source"), make_db("postgres", "destination")


def text_of(db: Db, table: str, columns: str = "*") -> list[Any]:
    return sorted(db.rows(f"SELECT (row(t.*))::text FROM (SELECT {columns} FROM {table}) t"))


def path_of(load: Load) -> str:
    return str(load.told(RouteChosen)[-1].path)


def resumed_with_null_keys(two: tuple[Db, Db], key: str) -> Load:
    arguments = {"source_table": "t", "checkpoint_column": key.split(", "), "on_null_key": "load"}
    load = Load(*two, {**arguments, "batch_size": 4})
    load.attempt_batches(1)
    load.attempt()
    return load


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("strategy", ["key", "python"])
def test_every_type_arrives_unchanged(two: tuple[Db, Db], binary: bool, strategy: str) -> None:
    source, destination = two
    columns = ", ".join(f"c{n} {declared}" for n, (declared, _) in enumerate(ODD))
    values = ", ".join(value for _, value in ODD)
    source.execute(
        f"CREATE TABLE t (id integer PRIMARY KEY, {columns})",
        f"INSERT INTO t SELECT n, {values} FROM generate_series(1, 7) n",
        "INSERT INTO t SELECT n FROM generate_series(8, 10) n",
    )
    destination.execute(
        f"CREATE TABLE target (id {'integer' if binary else 'numeric'} PRIMARY KEY, {columns})"
    )
    query = {"sql": "SELECT * FROM t ORDER BY id", "strategy": strategy, "batch_size": 3}
    load = Load(source, destination, {**query, **({"checkpoint_column": "id"} if strategy == "key" else {})})
    load.attempt_batches(2)
    load.attempt()
    assert text_of(source, "t") == text_of(destination, "target")


@pytest.mark.parametrize(
    ("declared", "arguments", "path"),
    [
        ("id integer, v text", {}, "binary COPY"),
        ("id integer, v varchar(9)", {}, "rows"),
        ("id bigint, v text", {}, "binary COPY"),
        ("id bigint, v char(2)", {"strategy": "python"}, "rows"),
        ("v text, id bigint", {"destination_columns": {"v": "v", "id": "id"}}, "binary COPY"),
        ("id bigint, v text", {"write_mode": "upsert", "conflict_columns": ["id"]}, "binary COPY"),
        ("id smallint, v text", {}, "text COPY"),
        ("id numeric, v text", {}, "text COPY"),
        ("id integer, v text", {"rows_processor": list}, "rows"),
        ("id integer, v text", {"strategy": "python"}, "binary COPY"),
        ("id integer, v text", {"strategy": "python", "resume_proof": "prefix"}, "rows"),
        ("id integer, v text", {"checkpoint_column": "v"}, "binary COPY"),
        ("v text", {"destination_columns": {"v": "v"}, "checkpoint_column": "id"}, "rows"),
        ("v text, id integer", {"destination_columns": {"v": "v", "id": "id"}}, "binary COPY"),
        ("a integer", {"destination_columns": {"id": "a"}, "checkpoint_column": "id"}, "binary COPY"),
        ("id integer, v text", {"write_mode": "upsert", "conflict_columns": ["id"]}, "binary COPY"),
        ("id integer GENERATED ALWAYS AS IDENTITY, v text", {}, "binary COPY"),
    ],
)
def test_the_path(two: tuple[Db, Db], declared: str, arguments: dict[str, Any], path: str) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, v text)",
        "INSERT INTO t SELECT n, 'v' || n % 4 FROM generate_series(1, 30) n",
    )
    destination.execute(f"CREATE TABLE target ({declared})")
    if "conflict_columns" in arguments:
        destination.execute("CREATE UNIQUE INDEX ON target (id)")
    strategy = {"sql": "SELECT * FROM t"} if arguments.get("strategy") else {"source_table": "t"}
    load = Load(source, destination, {**strategy, "batch_size": 4, **arguments})
    load.attempt_batches(2)
    load.attempt()
    assert path_of(load) == path
    mapping = arguments.get("destination_columns") or {"id": "id", "v": "v"}
    assert text_of(source, "t", ", ".join(mapping)) == text_of(
        destination, "target", ", ".join(mapping.values())
    )


@pytest.mark.parametrize("key", ["a", "b, a", "c, a"])
def test_types_that_only_get_wider(two: tuple[Db, Db], key: str) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (a smallint, b smallint, c integer, d varchar(5), e char(5), f text, g bigint, h smallint)",
        "INSERT INTO t SELECT n, n / 9, n / 5, n, n, n, n * -10000, n FROM generate_series(1, 60) n",
        "INSERT INTO t VALUES (-32768, 32767, -2147483648, '', 'ab', E'\\t\\n ', -9223372036854775808, 0),"
        " (32767, -32768, 2147483647, ' ', '', NULL, 9223372036854775807, -32768)",
        "INSERT INTO t (a, b, c) VALUES (0, 0, NULL), (NULL, NULL, 1), (61, NULL, NULL)",
    )
    destination.execute(
        "CREATE TABLE target (a integer, b bigint, c bigint, d text, e varchar(5), f text, g numeric,"
        " h numeric(7, 2))"
    )
    load = resumed_with_null_keys(two, key)
    assert path_of(load) == "binary COPY"
    # Binary COPY sends char(5) with its trailing blanks, and varchar keeps them.
    assert text_of(source, "t", "a, b, c, d, rpad(e, 5) e, f, g, h::numeric(7, 2)") == text_of(
        destination, "target"
    )


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"checkpoint_column": "id"}, "binary COPY"),
        # The position keeps a digest of the rows, in which 5 differs from Decimal(5).
        ({"strategy": "python"}, "text COPY"),
        ({"checkpoint_column": ["n", "id"]}, "text COPY"),
        ({"checkpoint_enabled": False, "preoperator": "TRUNCATE target"}, "binary COPY"),
    ],
)
def test_an_integer_becomes_numeric_where_nobody_looks(
    two: tuple[Db, Db], arguments: dict[str, Any], path: str
) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (id integer, n integer)",
        "INSERT INTO t SELECT n, n / 3 FROM generate_series(1, 30) n",
    )
    destination.execute("CREATE TABLE target (id integer, n numeric)")
    query = "SELECT * FROM t ORDER BY n, id"
    load = Load(source, destination, {"sql": query, "batch_size": 4, **arguments})
    if load.attempt_batches(2):
        load.attempt()
    assert path_of(load) == path
    assert text_of(source, "t") == text_of(destination, "target")


@pytest.mark.parametrize(
    ("read", "kind", "path", "message"),
    [
        # Blanks behind the third letter would be cut off without an error.
        ("v", "varchar(3)", "rows", r"value too long for type character varying\(3\)"),
        ("id * 60", "numeric(4, 2)", "binary COPY", "numeric field overflow"),
    ],
)
def test_a_wider_type_refuses_nothing_but_what_does_not_fit(
    two: tuple[Db, Db], read: str, kind: str, path: str, message: str
) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (id integer, v text)", "INSERT INTO t VALUES (1, 'ok'), (2, 'too long')")
    destination.execute(f"CREATE TABLE target (id bigint, v {kind})")
    load = Load(source, destination, {"sql": f"SELECT id, {read} AS v FROM t", "checkpoint_column": "id"})
    with pytest.raises(DestinationError, match=message):
        load.attempt()
    assert path_of(load) == path
    assert destination.one("SELECT count(*) FROM target") == 0


@pytest.mark.parametrize("key", ["name", "n, name", "tag"])
def test_ties_and_nulls(two: tuple[Db, Db], key: str) -> None:
    source, destination = two
    source.execute(
        "CREATE TYPE colour AS ENUM ('red', 'green')",
        "CREATE TABLE t (n integer, name text, tag colour)",
        "INSERT INTO t SELECT n / 9, chr(65 + n % 3), 'green' FROM generate_series(1, 60) n",
        "INSERT INTO t VALUES (NULL, NULL, NULL), (1, NULL, NULL), (NULL, 'x', 'red')",
    )
    destination.execute(
        "CREATE TYPE colour AS ENUM ('green', 'red')",
        "CREATE TABLE target (n integer, name text, tag colour)",
    )
    resumed_with_null_keys(two, key)
    assert text_of(source, "t") == text_of(destination, "target")


def test_ties_of_what_is_not_a_number(two: tuple[Db, Db]) -> None:
    source, destination = two
    for db, table in zip(two, ("t", "target"), strict=True):
        db.execute(f"CREATE TABLE {table} (n integer, f double precision, name text)")
    source.execute("INSERT INTO t SELECT n, 'NaN', 'same' FROM generate_series(1, 9) n")
    load = Load(
        source, destination, {"source_table": "t", "checkpoint_column": ["f", "name"], "batch_size": 4}
    )
    load.attempt_batches(1)
    load.attempt()
    assert path_of(load) == "binary COPY"
    assert text_of(source, "t") == text_of(destination, "target")


def test_parameters_and_literals(two: tuple[Db, Db]) -> None:
    source, destination = two
    source.execute("CREATE TABLE t AS SELECT n AS id, 'x%' || n AS v FROM generate_series(1, 20) n")
    destination.execute("CREATE TABLE target (id integer, v text)")
    load = Load(
        source,
        destination,
        {
            "sql": "SELECT * FROM t WHERE v LIKE 'x%%' AND v <> %(not)s AND id < %(below)s",
            "parameters": {"not": "it's 'x%5'", "below": 15},
            "checkpoint_column": "id",
        },
    )
    assert load.attempt().rows == 14


@pytest.mark.parametrize("side", ["source", "destination"])
def test_an_error_is_reported_as_what_it_was(two: tuple[Db, Db], side: str) -> None:
    source, destination = two
    source.execute("CREATE TABLE t AS SELECT n AS id, n - 25000 AS v FROM generate_series(1, 30000) n")
    check = " CHECK (v < 0)" if side == "destination" else ""
    destination.execute(f"CREATE TABLE target (id integer, v integer{check})")
    query = "SELECT id, v FROM t" if side == "destination" else "SELECT id, v + 0 * (1 / v) AS v FROM t"
    load = Load(source, destination, {"sql": query, "checkpoint_column": "id", "batch_size": 10_000})
    error = SourceError if side == "source" else DestinationError
    with pytest.raises(error, match="division by zero" if side == "source" else "violates check constraint"):
        load.attempt()
    committed = destination.one("SELECT rows_written FROM airflow_checkpoint")
    assert committed == destination.one("SELECT count(*) FROM target")
    assert side == "source" or committed == 20_000


@pytest.mark.parametrize("hostile", ["source", "destination"])
def test_settings_of_a_session_change_nothing(two: tuple[Db, Db], hostile: str) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t AS SELECT 1 AS id, 0.1::real AS r, 0.30000000000000004::double precision AS d,"
        " '2026-03-04'::date AS day, '1 mon -2 days'::interval AS span,"
        " '2026-03-04 05:06+02'::timestamptz AS at, 'ä€'::text AS txt"
    )
    described = source.rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"
    )
    columns = ", ".join(f'"{name}" {"numeric" if name == "id" else declared}' for name, declared in described)
    destination.execute(f"CREATE TABLE target ({columns})")
    db = two[hostile == "destination"]
    name = db.one("SELECT current_database()")
    for setting in (
        "datestyle = 'SQL, DMY'",
        "extra_float_digits = -3",
        "timezone = 'Asia/Kolkata'",
        "intervalstyle = 'sql_standard'",
        "client_encoding = 'LATIN1'",
    ):
        db.execute(f"ALTER DATABASE {name} SET {setting}")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "id"})
    load.attempt()
    assert path_of(load) == "text COPY"
    setup = "SET client_encoding = 'UTF8'; SET datestyle = 'ISO'; SET timezone = 'UTC'; SET extra_float_digits = 3; SET intervalstyle = 'postgres'"

    def seen(db: Db, table: str) -> Any:
        with db.connect() as connection:
            connection.execute(setup)
            return connection.execute(f"SELECT (row(t.*))::text FROM {table} t").fetchall()

    assert seen(source, "t") == seen(destination, "target")


@pytest.mark.parametrize("declared", ["regclass", "regclass[]", "money", "money[]", "oidvector", "aclitem[]"])
def test_what_means_something_else_on_another_server_travels_as_text(
    two: tuple[Db, Db], declared: str
) -> None:
    values = {"money": "'1.50'", "money[]": "'{1.50}'", "oidvector": "'1 2'"}
    value = values.get(
        declared, "NULL" if declared == "aclitem[]" else "'{named}'" if "[]" in declared else "'named'"
    )
    two[1].execute("CREATE TABLE other (n integer)")
    for db in two:
        db.execute("CREATE TABLE named (n integer)")
    two[0].execute(
        f"CREATE TABLE t (id integer PRIMARY KEY, c {declared})", f"INSERT INTO t VALUES (1, {value})"
    )
    two[1].execute(f"CREATE TABLE target (id integer, c {declared})")
    load = Load(*two, {"source_table": "t"})
    load.attempt()
    assert path_of(load) == "text COPY"
    assert text_of(two[1], "target") == text_of(two[0], "t")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("timestamp", "-infinity"),
        ("date", "-infinity"),
        ("timestamptz", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("timestamp", "20000-01-01"),
        ("date", "infinity"),
    ],
)
@pytest.mark.parametrize("passes", [True, False], ids=["packed", "values"])
def test_a_key_that_python_has_not_is_refused_before_anything_is_deleted(
    two: tuple[Db, Db], declared: str, value: str, passes: bool
) -> None:
    source, destination = two
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (at {declared}, n integer)")
    source.execute(f"INSERT INTO t VALUES ('{value}', 1), ('2026-01-01', 2), ('2026-01-02', 3)")
    destination.execute("INSERT INTO target VALUES ('2025-01-01', 0)")
    arguments = {"source_table": "t", "checkpoint_column": "at", "batch_size": 1, "write_mode": "replace"}
    load = Load(source, destination, arguments if passes else {**arguments, "rows_processor": list})
    with pytest.raises(SourceError, match=r"Python has no such value: .* CAST\(at AS text\)"):
        load.attempt()
    assert destination.one("SELECT count(*) FROM target") == 1


def test_the_second_column_of_a_key_is_refused_where_python_has_it_not(two: tuple[Db, Db]) -> None:
    source, destination = two
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (n integer, at date)")
    source.execute("INSERT INTO t VALUES (1, '2026-01-01'), (2, '-infinity'), (3, '2026-01-02')")
    load = Load(*two, {"source_table": "t", "checkpoint_column": ["n", "at"], "batch_size": 1})
    with pytest.raises(SourceError, match=r"Python has no such value: .* CAST\(at AS text\)"):
        load.attempt()
    source.execute("UPDATE t SET at = '2025-01-01' WHERE n = 2")
    load.attempt()
    assert destination.rows("SELECT n FROM target ORDER BY n") == [(1,), (2,), (3,)]
