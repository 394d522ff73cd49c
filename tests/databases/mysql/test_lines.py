"""Rows that MySQL writes as lines of COPY arrive like Python values, or are refused with the same error."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.source import MysqlSource
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS
from tests.support.lines import ByValues, Pair, both, fill, routes
from tests.support.loads import Load
from tests.support.partitions import load_all, plan

pytestmark = pytest.mark.server

LOOSE = ("SET sql_mode = '', time_zone = '+00:00'",)
WHOLE = ["0", "-1", "7", "127", "NULL"]
TEXTS = [
    "''", "'NULL'", "'a'", "'ä😀'", "' both '", "X'5C'", "X'5C4E'", "X'5C2E'", "X'09'", "X'0A0D0A'", "X'22275C75'",
    "X'085C080B0C5C625C66'", "X'5C5C095C5C'", "X'01'", "X'2C010122'", "X'0A5C2E0A'", "'%s %% %(a)s'", "NULL",
]  # fmt: skip
MOMENTS = [
    "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2026-03-29 02:30:00.000001'", "'2026-10-25 00:30:00'",
    "NULL",
]  # fmt: skip
FLOATS = ["0", "-0e0", "0.1e0", "16777217", "1e-30", "3.4e38", "-2.5e15", "NULL"]
DOUBLES = [
    "0.30000000000000004e0", "2.2250738585072014e-308", "1.7976931348623157e308", "123456789012345678", *FLOATS,
]  # fmt: skip
DECIMALS = ["0", "-0.5", "99999.99", "0.01", "12", "NULL"]
BYTES = ["X''", "X'00'", "X'00FF5C090A0D27'", "'abc'", "NULL"]
GEOMETRIES = ["POINT(1, 2)", "LINESTRING(POINT(0, 0), POINT(1, 1))", "NULL"]
# Column type in MySQL, in Postgres, and values.
PAIRS = [
    *((one, other, WHOLE) for one in ("tinyint", "smallint", "mediumint", "integer", "bigint")
      for other in ("bigint", "numeric", "numeric(9, 2)")),
    *((f"{one} unsigned", "numeric", ["0", "200", "NULL"]) for one in ("tinyint", "integer", "bigint")),
    ("bigint", "bigint", ["9223372036854775807", "-9223372036854775808"]),
    ("bigint unsigned", "numeric", ["18446744073709551615"]),
    ("integer(5) zerofill", "integer", ["7", "NULL"]),
    ("integer", "double precision", WHOLE),
    ("tinyint(1)", "boolean", ["0", "1", "NULL"]),
    ("year", "integer", ["0", "1901", "2155", "NULL"]),
    ("year", "double precision", ["2155"]),
    ("bit(64)", "numeric", ["0", "18446744073709551615", "NULL"]),
    ("bit(9)", "integer", ["b'101'", "NULL"]),
    ("float", "real", FLOATS),
    ("float", "double precision", FLOATS),
    ("float(7, 2)", "real", ["1.25", "0.1", "-3.999", "NULL"]),
    ("double", "double precision", DOUBLES),
    ("double(12, 3)", "double precision", ["1.0005", "123456789.125", "-0.001", "NULL"]),
    ("decimal(20, 2)", "numeric", DECIMALS),
    ("decimal(20, 2)", "numeric(20, 2)", DECIMALS),
    ("decimal(20, 2)", "numeric(25, 4)", DECIMALS),
    ("decimal(20, 4)", "numeric(20, 2)", DECIMALS),
    ("decimal(20, 0)", "bigint", WHOLE),
    ("decimal(9, 2) zerofill", "numeric", ["1.5", "NULL"]),
    ("decimal(65, 30)", "numeric", [f"{'9' * 35}.{'1' * 30}", "1e-30", "-1e-9", "NULL"]),
    *((one, other, TEXTS) for one in ("varchar(99)", "text", "longtext", "char(99)") for other in ("text", "varchar(99)")),
    ("varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "text", ["'a'", "'A '", "'😀'"]),
    ("char(5)", "char(5)", ["''", "'ab '", "'äöü'", "NULL"]),
    ("varchar(5)", "char(5)", ["''", "'ab'", "'äöü'", "NULL"]),
    ("enum('x', 'ä', 'a\\\\b')", "text", ["'ä'", "'x'", "3", "0", "NULL"]),
    ("set('p', 'q')", "varchar(3)", ["'p,q'", "''", "NULL"]),
    ("json", "json", ["""'{"a": 1.10, "b": "\\\\n \\\\" ä"}'""", "'null'", "NULL"]),
    ("longtext", "json", ["""'{"a": 1, "a": [1,  2]}'""", "NULL"]),
    ("char(36)", "uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "NULL"]),
    *((one, "bytea", BYTES) for one in ("binary(9)", "varbinary(9)", "tinyblob", "blob", "mediumblob", "longblob")),
    ("geometry", "bytea", GEOMETRIES),
    ("date", "date", ["'0001-01-01'", "'0999-12-31'", "'9999-12-31'", "'2024-02-29'", "NULL"]),
    ("date", "timestamp", ["'0001-01-01'", "'9999-12-31'", "NULL"]),
    *((f"datetime({digits})", "timestamp", MOMENTS) for digits in (0, 3, 6)),
    *((f"timestamp({digits}) NULL", "timestamptz", MOMENTS[2:]) for digits in (0, 3, 6)),
    *((f"time({digits})", "time", ["'00:00:00'", "'23:59:59.999999'", "'01:02:03.5'", "NULL"]) for digits in (0, 6)),
]  # fmt: skip
OF_MARIADB = [
    ("uuid", "uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "NULL"]),
    ("uuid", "text", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "NULL"]),
    ("inet6", "inet", ["'::1'", "'::ffff:1.2.3.4'", "NULL"]),
]


@pytest.fixture(params=DRIVERS)
def two(request: pytest.FixtureRequest, mysql_source: str, postgres_destination: str) -> Pair:
    return Db("mysql", mysql_source, request.param), Db("postgres", postgres_destination)


@pytest.fixture
def by_values(monkeypatch: pytest.MonkeyPatch) -> ByValues:
    """Return a function that makes all later loads read their rows as values."""
    return lambda: monkeypatch.setattr(MysqlSource, "packed_forms", frozenset())


def is_mariadb(db: Db) -> bool:
    return "MariaDB" in str(db.one("SELECT VERSION()"))


def test_every_type_arrives_as_it_does_as_a_value(two: Pair, by_values: ByValues) -> None:
    fill(two, PAIRS + (OF_MARIADB if is_mariadb(two[0]) else []), LOOSE)
    lines, rows = both(two, by_values, {"source_table": "t"})
    assert routes(lines) == ["COPY lines"]
    assert rows == two[0].one("SELECT count(*) FROM t")


def test_text_of_every_character_set(two: Pair, by_values: ByValues) -> None:
    source, destination = two
    found = "SELECT character_set_name FROM information_schema.character_sets"
    sets = [
        name for (name,) in source.rows(f"{found} WHERE character_set_name NOT IN ('binary', 'filename')")
    ]
    values = ["'a'", "X'61090A0D5C'", "'äß'", "'表ソ'", "'Ж'", "'😀'", "'\\'"]
    columns = ", ".join(f"c{n} varchar(40) CHARACTER SET {name}" for n, name in enumerate(sets))
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, {columns})")
    backslash = "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"
    for row, value in enumerate(values):
        text = f"CONVERT({value} USING utf8mb4)"
        source.execute(backslash, f"INSERT INTO t VALUES ({row}, {', '.join([text] * len(sets))})")
    columns = ", ".join(f"c{n} text" for n in range(len(sets)))
    destination.execute(*(f"CREATE TABLE {name} (n integer, {columns})" for name in ("target", "expected")))
    lines, rows = both(two, by_values, {"source_table": "t"})
    assert (routes(lines), rows) == (["COPY lines"], len(values))


@pytest.mark.parametrize(
    ("declared", "kind", "value", "message"),
    [
        ("date", "date", "'0000-00-00'", "Python has no such day"),
        ("datetime", "timestamp", "'2026-00-10 00:00:00'", "Python has no such day"),
        ("timestamp NULL", "timestamptz", "'0000-00-00 00:00:00'", "Python has no such day"),
        ("varchar(9)", "text", "'a\\0b'", "NUL"),
        ("varchar(9)", "varchar(3)", "'abc  '", "would lose blanks"),
        ("varchar(9)", "varchar(3)", "'abcd'", "too long"),
        ("varchar(9)", "char(5)", "'ab '", "would lose which blanks"),
        ("varchar(9) CHARACTER SET utf16", "char(5)", "'ab '", "would lose which blanks"),
        ("varchar(5)", "char(5)", "'abcd '", None),
        ("time", "time", "'24:00:00'", "not a time of day"),
        ("time", "time", "'-00:00:01'", "not a time of day"),
        ("bigint unsigned", "bigint", "18446744073709551615", "out of range"),
        ("integer", "smallint", "40000", "out of range"),
        ("tinyint", "boolean", "2", "boolean"),
        ("decimal(9, 4)", "numeric(9, 2)", "1.005", "would round"),
        ("decimal(9, 4)", "bigint", "1.5", "would round|invalid input syntax"),
        ("double", "double precision", "1e308", None),
        ("varchar(9)", "json", "'{'", "json"),
        ("longtext", "text", "REPEAT('x', 9000000)", None),
        ("longtext", "text", "REPEAT(X'0A', 9000000)", None),
        ("longblob", "bytea", "REPEAT('x', 9000000)", None),
    ],
)  # fmt: skip
def test_what_is_no_line_is_looked_at_as_a_value(
    two: Pair, by_values: ByValues, declared: str, kind: str, value: str, message: str | None
) -> None:
    source, destination = two
    source.execute(
        *LOOSE,
        f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})",
        *(f"INSERT INTO t VALUES ({n}, {value if n == 5 else 'NULL'})" for n in range(9)),
    )
    destination.execute(*(f"CREATE TABLE {name} (n integer, v {kind})" for name in ("target", "expected")))
    lines, found = both(two, by_values, {"source_table": "t"})
    assert routes(lines)[0] == "COPY lines"
    if message is None:
        assert found == 9
    else:
        assert routes(lines) == ["COPY lines", "rows"]
        assert any(word in found for word in message.split("|"))


def test_a_line_that_is_longer_than_the_server_allows(two: Pair) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, a longtext, b longtext)",
        *(f"INSERT INTO t VALUES ({n}, REPEAT('x', {size}), NULL)" for n, size in enumerate((9, 9, 9, 9))),
        "UPDATE t SET a = REPEAT('x', @@max_allowed_packet - 9), b = REPEAT('y', 9) WHERE n = 2",
    )
    destination.execute("CREATE TABLE target (n integer, a text, b text)")
    load = Load(source, destination, {"source_table": "t", "batch_size": 1})
    assert (load.attempt().rows, routes(load)) == (4, ["COPY lines", "rows"])
    assert load.told(RouteChosen)[-1].reason == "the source cannot write the row with key 2 as a line"
    lengths = "SELECT n, length(a), length(b) FROM {} ORDER BY n"
    assert destination.rows(lengths.format("target")) == source.rows(lengths.format("t"))


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("integer", "text"),
        ("integer", "oid"),
        ("integer", "real"),
        ("bigint", "double precision"),
        ("double", "numeric"),
        ("double", "real"),
        ("decimal(9, 2)", "double precision"),
        ("decimal(9, 2)", "text"),
        ("decimal(9, 2)", "money"),
        ("varchar(9)", "integer"),
        ("varchar(9)", "jsonb"),
        ("varchar(9)", "bytea"),
        ("varbinary(9)", "text"),
        ("date", "text"),
        ("datetime", "timestamptz"),
        ("datetime(6)", "timestamp(3)"),
        ("timestamp NULL", "timestamp"),
        ("time", "interval"),
        ("time", "timetz"),
        ("date", "timestamptz"),
        ("bit(9)", "bit(9)"),
    ],
)
def test_types_that_may_not_fit_travel_as_values(two: Pair, declared: str, kind: str) -> None:
    source, destination = two
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})", "INSERT INTO t (n) VALUES (1)")
    destination.execute(f"CREATE TABLE target (n integer, v {kind})")
    load = Load(source, destination, {"source_table": "t"})
    assert (load.attempt().rows, routes(load)) == (1, ["rows"])
    reason = "it is not known that v fits the type that it has there, and each value is checked"
    assert load.told(RouteChosen)[-1].reason == reason


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"rows_processor": list}, "rows_processor is set"),
        ({"on_bad_row": "reject"}, "on_bad_row='reject' looks for the bad rows"),
        ({"sql": "SELECT * FROM t ORDER BY n", "strategy": "python"}, "only by key can rows be read on"),
        ({"destination_columns": {"a": "a"}}, "n is read but not written"),
    ],
)
def test_rows_that_somebody_looks_at_travel_as_values(
    two: Pair, arguments: dict[str, Any], reason: str
) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar(9))", "INSERT INTO t VALUES (1, 'a')")
    destination.execute("CREATE TABLE target (n integer, a text)")
    table = {} if "sql" in arguments else {"source_table": "t"}
    load = Load(source, destination, {**table, **arguments})
    assert (load.attempt().rows, routes(load)) == (1, ["rows"])
    assert reason in load.told(RouteChosen)[-1].reason


@pytest.mark.parametrize("key", ["name", "n, name", "at", "amount, name", "f"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_ties_and_nulls(two: Pair, key: str, write_mode: str) -> None:
    source, destination = two
    columns = "n integer, name varchar(9), at datetime(6), amount decimal(9, 2), f float"
    source.execute(f"CREATE TABLE t ({columns}) COLLATE utf8mb4_general_ci")
    source.insert(
        "t",
        [
            (
                n // 9,
                "aAäÄ"[n % 4] + str(n // 20),
                f"2026-01-01 00:00:{n // 7:02}.000001",
                n // 6,
                n // 5 / 10,
            )
            for n in range(60)
        ],
    )
    source.insert(
        "t", [(None, None, None, None, None), (1, None, None, None, None), (None, "x", None, 1, 1.5)]
    )
    destination.execute(
        "CREATE TABLE target (n integer, name text, at timestamp, amount numeric(9, 2), f real)"
    )
    arguments = {"source_table": "t", "checkpoint_column": key.split(", "), "on_null_key": "load"}
    load = Load(source, destination, {**arguments, "batch_size": 4, "write_mode": write_mode})
    while load.attempt_batches(2):
        pass
    assert set(routes(load)) == {"COPY lines"}
    query = "SELECT n, name, at, amount, {} FROM {} ORDER BY 1, 2, 3, 4, 5"
    rows = [
        sorted(map(str, db.rows(query.format(f, t))))
        for db, f, t in ((source, "f * 1e0", "t"), (destination, "f", "target"))
    ]
    assert len(rows[1]) == 63
    assert [row.partition("Decimal")[0] for row in rows[0]] == [
        row.partition("Decimal")[0] for row in rows[1]
    ]


def test_partitions_and_upserts(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar(20))")
    source.insert("t", [(n, f"a\t{n}\\") for n in range(300)])
    destination.execute(
        "CREATE TABLE target (n integer PRIMARY KEY, a text)", "INSERT INTO target VALUES (7, 'old')"
    )
    arguments = {"write_mode": "upsert", "conflict_columns": ["n"]}
    results = load_all(source, destination, plan(source, 3).parts, **arguments)
    assert sum(result.rows for result in results) == 300
    assert destination.rows("SELECT n, a FROM target ORDER BY n") == source.rows(
        "SELECT n, a FROM t ORDER BY n"
    )


def test_a_null_in_the_conflict_key_is_a_bad_row(two: Pair, by_values: ByValues) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, a integer)", "INSERT INTO t VALUES (1, 1), (2, NULL)"
    )
    for table in ("target", "expected"):
        destination.execute(f"CREATE TABLE {table} (n integer, a integer UNIQUE)")
    arguments = {"source_table": "t", "write_mode": "upsert", "conflict_columns": ["a"]}
    lines, found = both(two, by_values, arguments)
    assert "a of target is NULL, and it is among conflict_columns" in found
    assert routes(lines) == ["COPY lines", "rows"]


@pytest.mark.parametrize(
    "mode", ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "PIPES_AS_CONCAT", "ANSI", "TRADITIONAL", ""]
)
def test_no_sql_mode_changes_a_line(two: Pair, mode: str) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, `a%` varchar(20), b blob)")
    rows = [(1, "\\N", b"\\\x00"), (2, "a\tb\nc\rd\"'", b"'"), (3, None, None), (4, "\\", b"")]
    source.insert("t", rows)
    destination.execute('CREATE TABLE target (n integer, "a%" text, b bytea)')
    before = source.one("SELECT @@GLOBAL.sql_mode")
    source.execute(f"SET GLOBAL sql_mode = '{mode}'")
    try:
        load = Load(source, destination, {"source_table": "t"})
        load.attempt()
    finally:
        source.execute(f"SET GLOBAL sql_mode = '{before}'")
    assert routes(load) == ["COPY lines"]
    assert destination.rows("SELECT * FROM target ORDER BY n") == rows


@pytest.mark.parametrize("verify", ["count", "digest"])
def test_a_query_with_parameters(two: Pair, verify: str) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v varchar(20))")
    source.insert("t", [(n, f"x%{n}") for n in range(20)])
    destination.execute("CREATE TABLE target (id integer, w text)")
    query = "SELECT n * 2 AS id, MAX(v) AS w FROM t WHERE v LIKE %(like)s AND n < %(below)s GROUP BY n"
    arguments = {"parameters": {"like": "x%", "below": 15}, "verify": verify, "batch_size": 4}
    load = Load(source, destination, {"sql": query, "checkpoint_column": "id", **arguments})
    assert (load.attempt().rows, routes(load)) == (15, ["COPY lines"])
    assert destination.one("SELECT string_agg(w, ' ' ORDER BY id) FROM target") == " ".join(
        f"x%{n}" for n in range(15)
    )
