"""Rows that a source writes as tuples of SQL arrive in MySQL like Python values, or are refused with the same error."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import md5
from typing import Any, cast

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.destination import MysqlDestination
from airflow_checkpoint_provider.engine.databases.mysql.rows.loading import Loading
from airflow_checkpoint_provider.engine.databases.rows.tuples import LOADED, LOADED_TEXT, TUPLES
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS
from tests.support.loads import Load
from tests.support.partitions import load_all, plan

pytestmark = pytest.mark.server

LOOSE = ("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'",)
WHOLE = ["0", "-1", "7", "127", "NULL"]
DECIMALS = ["0", "-0.5", "99999.99", "0.01", "12", "NULL"]
DOUBLES = [
    *("0.30000000000000004e0", "2.2250738585072014e-308", "1.7976931348623157e308", "123456789012345678"),
    *("0", "-0e0", "0.1e0", "16777217", "1e-30", "3.4e38", "-2.5e15", "NULL"),
]
DAYS = ["'0001-01-01'", "'0999-12-31'", "'9999-12-31'", "'2024-02-29'", "NULL"]
MOMENTS = [
    *("'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2026-03-29 02:30:00.000001'"),
    *("'2026-10-25 00:30:00'", "'2026-10-25 00:30:00.5'", "NULL"),
]
TIMES = ["'00:00:00'", "'23:59:59.999999'", "'01:02:03.5'", "NULL"]
UUID = "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"

MYSQL_TEXTS = [
    "''", "'NULL'", "'a'", "'ä😀'", "' both '", "X'5C'", "X'5C4E'", "X'5C27'", "X'09'", "X'0A0D0A'", "X'22275C75'",
    "X'085C080B0C5C625C66'", "X'27'", "X'2727'", "X'5C5C'", "X'00'", "X'61001A62'", "'%s %% %(a)s'", "'), (9'", "NULL",
]  # fmt: skip
MYSQL_BYTES = ["X''", "X'00'", "X'00FF5C090A0D27'", "'abc'", "NULL"]
# Column type in MySQL at both ends, and values.
MYSQL_PAIRS = [
    *((one, other, WHOLE) for one in ("tinyint", "smallint", "mediumint", "integer", "bigint")
      for other in ("bigint", "decimal(20)", "decimal(9, 2)")),
    *((f"{one} unsigned", "bigint unsigned", ["0", "200", "NULL"]) for one in ("tinyint", "integer", "bigint")),
    ("bigint", "bigint", ["9223372036854775807", "-9223372036854775808"]),
    ("bigint unsigned", "bigint unsigned", ["18446744073709551615"]),
    ("integer(5) zerofill", "integer", ["7", "NULL"]),
    ("integer", "double", WHOLE),
    ("tinyint(1)", "tinyint(1)", ["0", "1", "NULL"]),
    ("tinyint(1)", "bit(1)", ["0", "1", "NULL"]),
    ("year", "year", ["0", "1901", "2155", "NULL"]),
    ("year", "integer", ["0", "1901", "2155", "NULL"]),
    ("bit(64)", "bit(64)", ["0", "18446744073709551615", "NULL"]),
    ("bit(9)", "integer", ["b'101'", "NULL"]),
    ("float", "float", DOUBLES[4:]),
    ("float", "double", DOUBLES[4:]),
    ("float(7, 2)", "float", ["1.25", "0.1", "-3.999", "NULL"]),
    ("double", "double", DOUBLES),
    *(("decimal(20, 2)", other, DECIMALS) for other in ("decimal(20, 2)", "decimal(25, 4)")),
    ("decimal(20, 4)", "decimal(20, 2)", DECIMALS),
    ("decimal(20, 0)", "bigint", WHOLE),
    ("decimal(9, 2) zerofill", "decimal(9, 2)", ["1.5", "NULL"]),
    ("decimal(65, 30)", "decimal(65, 30)", [f"{'9' * 35}.{'1' * 30}", "1e-30", "-1e-9", "NULL"]),
    *((one, other, MYSQL_TEXTS) for one in ("varchar(99)", "text", "longtext", "char(99)")
      for other in ("varchar(99)", "longtext", "tinytext")),
    ("char(99)", "char(99)", MYSQL_TEXTS),
    ("varchar(9) COLLATE utf8mb4_bin", "varchar(9) COLLATE utf8mb4_unicode_ci", ["'a'", "'A '", "'😀'"]),
    ("varchar(9) CHARACTER SET utf16", "varchar(9) CHARACTER SET utf32", ["'a'''", "'\\\\ '", "'😀'", "NULL"]),
    ("varchar(5)", "char(5)", ["''", "'ab'", "'äöü'", "NULL"]),
    ("varchar(9)", "varchar(9) CHARACTER SET latin1", ["''", "'ab '", "'äöü'", "NULL"]),
    ("enum('x', 'ä', 'a\\\\b')", "varchar(9)", ["'ä'", "'x'", "3", "0", "NULL"]),
    ("enum('x', 'ä', 'b''%')", "enum('ä', 'x', 'b''%')", ["'ä'", "'x'", "3", "NULL"]),
    ("set('p', 'q')", "varchar(3)", ["'p,q'", "''", "NULL"]),
    ("longtext", "longtext", ["""'{"a": 1, "a": [1,  2]}'""", "NULL"]),
    *((one, other, MYSQL_BYTES) for one in ("binary(9)", "varbinary(9)", "blob") for other in ("varbinary(9)", "longblob")),
    ("binary(3)", "binary(3)", ["X'000102'", "'a'", "NULL"]),
    ("date", "date", DAYS),
    ("date", "datetime", DAYS),
    *((f"datetime({digits})", "datetime(6)", MOMENTS) for digits in (0, 3, 6)),
    ("datetime(3)", "datetime(1)", ["'2026-10-25 00:30:00.5'", "NULL"]),
    *((f"timestamp({digits}) NULL", "timestamp(6) NULL", MOMENTS[2:]) for digits in (0, 3, 6)),
    ("timestamp NULL", "datetime", MOMENTS[3:4]),
    *((f"time({digits})", "time(6)", [*TIMES, "'-838:59:59'", "'838:59:58.5'"]) for digits in (0, 6)),
]  # fmt: skip

POSTGRES_TEXTS = [
    "''", "'NULL'", "'a'", "'ä😀'", "' both '", r"'\'", r"'\N'", r"'\'''", r"E'\t'", r"E'\n\r\n'", r"E'\"\'\\\\u'",
    r"E'\b\\\\\x0b\x1a'", "''''", "''''''", r"'\\'", "'%s %% %(a)s'", "'), (9'", "NULL",
]  # fmt: skip
POSTGRES_PAIRS = [
    *((one, other, WHOLE) for one in ("smallint", "integer", "bigint")
      for other in ("bigint", "decimal(20)", "decimal(9, 2)")),
    ("bigint", "bigint", ["9223372036854775807", "-9223372036854775808"]),
    ("oid", "bigint", ["4294967295", "NULL"]),
    ("integer", "double", WHOLE),
    ("smallint", "float", WHOLE),
    *(("boolean", other, ["true", "false", "NULL"]) for other in ("tinyint(1)", "integer", "bit(1)", "decimal(3)")),
    ("integer", "bit(9)", ["0", "511", "NULL"]),
    ("double precision", "double", [*(f"'{one}'" for one in DOUBLES[:-1]), "NULL"]),
    ("real", "float", ["'0.1'", "'-0'", "'1e-45'", "'3.4e38'", "'16777216'", "NULL"]),
    ("real", "double", ["'0.1'", "'-0'", "'1e-45'", "'3.4e38'", "NULL"]),
    *((one, other, DECIMALS) for one in ("numeric", "numeric(20, 2)", "numeric(20, 4)")
      for other in ("decimal(20, 2)", "decimal(25, 4)")),
    *((one, "bigint", WHOLE) for one in ("numeric", "numeric(20, 2)")),
    ("numeric", "decimal(65, 30)", [f"{'9' * 35}.{'1' * 30}", "1e-30", "-1e-9", "0.500000000000000000000000000000000000"]),
    *((one, other, POSTGRES_TEXTS) for one in ("text", "varchar", "varchar(99)", "name")
      for other in ("varchar(99)", "text", "tinytext", "longtext")),
    ("varchar(5)", "char(5)", ["''", "'ab'", "'äöü'", "NULL"]),
    ("char(5)", "char(5)", ["''", "'ab '", "'äöü'", "NULL"]),
    ("char(9)", "char(5)", ["''", "'ab '", "'äöü'", "NULL"]),
    ("text", "varchar(9) CHARACTER SET latin1", ["''", "'ab '", "'äöü'", "NULL"]),
    ("text", "enum('x', 'ab', 'b''')", ["'x'", "'ab'", "'b'''", "NULL"]),
    ("mood", "varchar(9)", ["'sad'", r"'a\b'''", "NULL"]),
    ("mood", "enum('x', 'sad')", ["'sad'", "NULL"]),
    ("json", "longtext", [r"""'{"a": 1.10, "b": "\n \" ä"}'""", "'null'", "NULL"]),
    ("jsonb", "json", [r"""'{"a": 1.10, "b": "\n \" ä"}'""", "'null'", "NULL"]),
    *(("uuid", other, [UUID, "NULL"]) for other in ("char(36)", "varchar(36)", "longtext")),
    *(("bytea", other, [r"''", r"'\x00'", r"'\x00FF5C090A0D27'", "'abc'", "NULL"]) for other in ("varbinary(9)", "blob")),
    ("bytea", "binary(3)", [r"'\x000102'", "'abc'", "NULL"]),
    ("date", "date", DAYS),
    ("date", "datetime", DAYS),
    ("timestamp", "datetime(6)", MOMENTS),
    ("timestamp(3)", "datetime(3)", ["'2026-10-25 00:30:00.5'", "NULL"]),
    ("timestamp", "datetime", ["'2026-10-25 00:30:00'", "NULL"]),
    ("timestamptz", "datetime(6)", [*(f"{one[:-1]}+02'" for one in MOMENTS[2:-1]), "NULL"]),
    ("timestamptz", "timestamp(6) NULL", [*(f"{one[:-1]}-05:30'" for one in MOMENTS[2:-1]), "NULL"]),
    ("time", "time(6)", TIMES),
    ("time", "time", ["'23:59:59'", "NULL"]),
]  # fmt: skip
OF_MARIADB = [("uuid", "uuid", [UUID, "NULL"])]

WAYS = [(driver, (LOADED, TUPLES)[n % 2]) for n, driver in enumerate(DRIVERS)]

Pair = tuple[Db, Db]
ByValues = Callable[[], None]


@pytest.fixture(params=["postgres", "mysql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    return cast("tuple[str, str]", request.param)


@pytest.fixture
def two(request: pytest.FixtureRequest, kind: str, way: tuple[str, str], mysql_destination: str) -> Pair:
    driver, route = way
    source = request.getfixturevalue(f"{kind}_source")
    one = Db("mysql", source, driver) if kind == "mysql" else Db("postgres", source)
    return one, Db("mysql", f"{mysql_destination}&local_infile={int(route == LOADED)}", driver)


@pytest.fixture
def by_values(monkeypatch: pytest.MonkeyPatch) -> ByValues:
    """Return a function that makes all later loads write their rows as values."""
    return lambda: monkeypatch.setattr(MysqlDestination, "packed_forms", lambda _: ())


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that gets, for each file of LOAD DATA, whether all of its rows were stored unchanged."""
    found: list[bool] = []
    take = Loading.take

    def watched(loading: Loading, *given: Any) -> bool:
        found.append(take(loading, *given))
        return found[-1]

    monkeypatch.setattr(Loading, "take", watched)
    return found


def routes(load: Load) -> list[str]:
    """Return the routes of a load, with one name for all routes into INSERT and LOAD DATA."""
    packed = (LOADED, LOADED_TEXT)
    return [TUPLES if chosen.path in packed else chosen.path for chosen in load.told(RouteChosen)]


def loosely(db: Db) -> tuple[str, ...]:
    return LOOSE if db.kind == "mysql" else ()


def make(two: Pair, pairs: list[tuple[str, str, list[str]]]) -> None:
    """Make a table with a column for each pair of types, and a row for each value."""
    source, destination = two
    columns = [(f"c{n}", *pair) for n, pair in enumerate(pairs)]
    key = "n integer PRIMARY KEY"
    source.execute(f"CREATE TABLE t ({key}, {', '.join(f'{c} {one}' for c, one, *_ in columns)})")
    destination.execute(*(
        f"CREATE TABLE {table} ({key}, {', '.join(f'{c} {other}' for c, _, other, _ in columns)})"
        for table in ("target", "expected")
    ))  # fmt: skip
    for row in range(max(len(values) for *_, values in pairs)):
        known = [(c, values[row]) for c, _, _, values in columns if row < len(values)]
        names, values = (", ".join(part) for part in zip(*known, strict=True))
        source.execute(*loosely(source), f"INSERT INTO t (n, {names}) VALUES ({row}, {values})")


def outcome(load: Load) -> Any:
    """Return the rows of an attempt, or its error with the same table name for both loads."""
    try:
        return load.attempt().rows
    except CheckpointError as error:
        return f"{type(error).__name__}: {error}".replace("expected", "target")


def both(two: Pair, by_values: ByValues, arguments: dict[str, Any]) -> tuple[Load, Any]:
    """Load as tuples and as values, compare tables and errors, and return the load as tuples with its outcome."""
    source, destination = two
    tuples = Load(source, destination, {"checkpoint_column": "n", "batch_size": 3, **arguments})
    found = outcome(tuples)
    by_values()
    values = Load(source, destination, {**tuples.arguments, "destination_table": "expected"}, run=2)
    assert outcome(values) == found
    assert set(routes(values)) == {"rows"}
    rows, expected = (bytes_of(destination, table) for table in ("target", "expected"))
    # Values are read further ahead of the commits, so that a refused value ends the attempt earlier.
    assert rows == expected if isinstance(found, int) else rows[: len(expected)] == expected
    return tuples, found


def bytes_of(db: Db, table: str) -> list[tuple[Any, ...]]:
    """Return each value as the hexadecimal digits of its text or bytes."""
    found = db.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE()"
        f" AND table_name = '{table}' ORDER BY ordinal_position"
    )
    columns = (f"HEX(CONCAT({name}{' * 1e0' if type_ == 'float' else ''}))" for name, type_ in found)
    return db.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY n")


def is_mariadb(db: Db) -> bool:
    return "MariaDB" in str(db.one("SELECT VERSION()"))


@pytest.mark.parametrize("part", range(4))
def test_every_type_arrives_as_it_does_as_a_value(
    two: Pair, kind: str, way: tuple[str, str], by_values: ByValues, taken: list[bool], part: int
) -> None:
    source, destination = two
    pairs = MYSQL_PAIRS if kind == "mysql" else POSTGRES_PAIRS
    if kind == "postgres":
        source.execute(
            r"CREATE TYPE mood AS ENUM ('sad', 'a\b''')",
        )
        pairs = pairs + (OF_MARIADB if is_mariadb(destination) else [])
    make(two, pairs[part::4])
    tuples, rows = both(two, by_values, {"source_table": "t"})
    path = LOADED_TEXT if way[1] == LOADED and kind == "postgres" else way[1]
    assert [chosen.path for chosen in tuples.told(RouteChosen)] == [path], tuples.told(RouteChosen)
    assert set(taken) == (set() if path == TUPLES else {True})
    assert rows == source.one("SELECT count(*) FROM t")


def test_text_of_every_character_set(two: Pair, kind: str, by_values: ByValues) -> None:
    source, destination = two
    sets = [
        name
        for (name,) in destination.rows(
            "SELECT character_set_name FROM information_schema.character_sets"
            " WHERE character_set_name NOT IN ('binary', 'filename')"
        )
        if kind == "mysql" or name != "swe7"  # swe7 has no backslash
    ]
    texts = ["a", "a\t\n\r\\'\"", "äß", "表ソ", "Ж", "😀", "\\", "NULL"]
    columns = [f"c{n}" for n in range(len(sets))]
    mixed = ", ".join(f"{c} varchar(40) CHARACTER SET {name}" for c, name in zip(columns, sets, strict=True))
    wide = ", ".join(f"{c} varchar(40)" for c in columns)
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, {mixed if kind == 'mysql' else wide})")
    for row, text in enumerate(texts):
        if kind == "mysql":
            given = ", ".join([f"_utf8mb4 X'{text.encode().hex()}'"] * len(sets))
            source.execute(*LOOSE, f"INSERT INTO t VALUES ({row}, {given})")
        elif text.isascii():  # a character that a set lacks would be refused
            source.insert("t", [(row, *[text] * len(sets))])
    into = wide if kind == "mysql" else mixed
    destination.execute(*(f"CREATE TABLE {name} (n integer, {into})" for name in ("target", "expected")))
    tuples, rows = both(two, by_values, {"source_table": "t"})
    assert (routes(tuples), rows) == (["SQL tuples"], source.one("SELECT count(*) FROM t"))


DOUBTFUL = {
    "mysql": [
        ("date", "date", "'0000-00-00'", "Python has no such day"),
        ("date", "date", "'2026-02-00'", "Python has no such day"),
        ("datetime", "datetime", "'2026-00-10 00:00:00'", "Python has no such day"),
        ("datetime", "datetime", "'0000-01-10 00:00:00'", "Python has no such day"),
        ("timestamp NULL", "timestamp NULL", "'0000-00-00 00:00:00'", "Python has no such day"),
        ("varchar(9)", "char(5)", "'ab '", "would lose the blanks"),
        ("varchar(9) CHARACTER SET utf16", "char(5)", "'ab '", "would lose the blanks"),
        ("bigint unsigned", "bigint", "18446744073709551615", "Out of range"),
        ("bit(64)", "bigint", "18446744073709551615", "Out of range"),
        ("time(6)", "time(3)", "'-10:00:00.0001'", "would lose fractions of a second"),
        ("enum('x', 'y')", "enum('x', 'Y')", "'y'", "has no value 'y', to the letter"),
        ("varchar(9)", "enum('x', 'a')", "'a '", "has no value 'a ', to the letter"),
        ("longtext", "longtext", "REPEAT('x', 9000000)", 9),
        ("longtext", "longtext", "REPEAT('''', 9000000)", "Raise max_allowed_packet"),
        ("longblob", "longblob", "REPEAT('x', 9000000)", 9),
    ],
    "postgres": [
        ("date", "date", "'infinity'", "Python has no such value"),
        ("date", "date", "'10000-01-01'", "Python has no such value"),
        ("timestamp", "datetime(6)", "'-infinity'", "Python has no such value"),
        ("timestamp", "datetime(6)", "'0001-01-01 BC'", "Python has no such value"),
        ("timestamptz", "datetime(6)", "'10000-01-01 00:00+00'", "Python has no such value"),
        ("timestamptz", "datetime(6)", "'infinity'", "Python has no such value"),
        ("timestamptz", "datetime(6)", "'0001-01-01 12:00+00'", 9),
        ("timestamptz", "datetime", "'2026-01-01 12:00:00.5+00'", "would lose fractions of a second"),
        ("timestamptz", "timestamp NULL", "'1969-01-01 12:00:00+00'", "Incorrect datetime"),
        ("time", "time", "'24:00'", "Python has no such value"),
        ("time", "time(3)", "'10:00:00.0001'", "would lose fractions of a second"),
        ("numeric", "decimal(9, 2)", "'NaN'", "MySQL has no such number"),
        ("numeric", "decimal(9, 2)", "'Infinity'", "MySQL has no such number"),
        ("numeric", "integer", "1.5", "would round"),
        ("numeric", "integer", "'NaN'", "MySQL has no such number"),
        ("double precision", "double", "'NaN'", "MySQL has no such number"),
        ("double precision", "double", "'-Infinity'", "MySQL has no such number"),
        ("real", "float", "'NaN'", "MySQL has no such number"),
        ("text", "char(5)", "'ab '", "would lose the blanks"),
        ("char(9)", "char(5)", r"E'abcde\n'", "would lose blanks"),
        ("text", "enum('x', 'a')", "'A'", "has no value 'A', to the letter"),
        ("text", "enum('x', 'a')", "'a '", "has no value 'a ', to the letter"),
        ("bigint", "bit(9)", "-1", "bits have no sign"),
        ("text", "longtext", r"repeat('\', 9000000)", "Raise max_allowed_packet"),
        ("bytea", "longblob", "repeat('x', 9000000)::bytea", 9),
    ],
}
OF_BOTH = [
    ("varchar(9)", "varchar(3)", "'abc  '", "would lose blanks"),
    ("varchar(9)", "varchar(3)", "'abcd'", "Data too long"),
    ("varchar(9)", "varchar(3)", "'😀äö'", 9),
    ("varchar(9)", "char(3)", "'abcd'", "Data too long"),
    ("varchar(999)", "tinytext", "CONCAT(REPEAT('x', 255), ' ')", "would lose blanks"),
    ("varchar(999)", "tinytext", "CONCAT(REPEAT('x', 254), ' ')", 9),
    ("varchar(999)", "tinytext", "REPEAT('x', 256)", "Data too long"),
    ("varchar(9)", "varchar(9) CHARACTER SET utf8mb3", "'😀'", "Incorrect string value"),
    ("varchar(9)", "varchar(9) CHARACTER SET latin1", "'Ж'", "Incorrect string value"),
    ("integer", "smallint", "40000", "Out of range"),
    ("integer", "integer unsigned", "-1", "Out of range"),
    ("integer", "bit(64)", "-1", "bits have no sign"),
    ("decimal(9, 4)", "decimal(9, 2)", "1.005", "would round"),
    ("decimal(9, 4)", "decimal(3, 2)", "12345", "Out of range"),
    ("decimal(9, 4)", "integer", "1.5", "would round"),
    ("timestamp(6)", "datetime(3)", "'2026-01-01 00:00:00.0001'", "would lose fractions of a second"),
    ("integer", "bigint NOT NULL", "NULL", "cannot be null"),
    ("integer", "integer AUTO_INCREMENT UNIQUE", "NULL", "takes no NULL"),
    ("timestamp", "timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP", "NULL", "takes no NULL"),
    ("varchar(9)", "varchar(9) CHECK (v <> 'x')", "'x'", "(?i)constraint"),
]


@pytest.mark.parametrize(("kind", "declared", "into", "value", "message"), [
    (kind, *case) for kind, cases in DOUBTFUL.items() for case in (*cases, *OF_BOTH)
])  # fmt: skip
def test_what_is_no_tuple_is_looked_at_as_a_value(
    two: Pair, kind: str, by_values: ByValues, declared: str, into: str, value: str, message: str | int
) -> None:
    source, destination = two
    others = {"integer": "100 + n", "timestamp": "'2026-01-01'"}
    other = others[declared] if value == "NULL" else "NULL"
    if kind == "mysql" and declared == "timestamp":
        declared = "timestamp NULL"
    source.execute(
        *loosely(source),
        f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})",
        *(f"INSERT INTO t VALUES ({n}, {value if n == 5 else other.replace('n', str(n))})" for n in range(9)),
    )
    destination.execute(*(f"CREATE TABLE {name} (n integer, v {into})" for name in ("target", "expected")))
    tuples, found = both(two, by_values, {"source_table": "t"})
    assert routes(tuples)[0] == "SQL tuples", tuples.told(RouteChosen)
    if isinstance(message, int):
        assert found == message
    else:
        assert routes(tuples) == ["SQL tuples", "rows"]
        assert re.search(message, str(found))


@pytest.mark.parametrize(("kind", "declared", "into"), [
    *(("postgres", declared, into) for declared, into in [
        ("integer", "text"), ("integer", "float"), ("bigint", "double"), ("integer", "year"),
        ("double precision", "decimal(9, 2)"), ("double precision", "float"), ("double precision", "double(9, 2)"),
        ("numeric", "double"), ("numeric", "text"), ("numeric", "bit(9)"), ("text", "integer"), ("text", "blob"),
        ("text", "uuid"), ("text", "set('a')"), ("text", "enum('ä')"), ("bytea", "text"), ("char(9)", "varchar(9)"),
        ("date", "text"), ("timestamp", "date"), ("timestamptz", "time"), ("interval", "time"), ("integer[]", "text"),
        ("inet", "inet6"), ("timetz", "time"), ("bit(3)", "varchar(9)"),
    ]),
    *(("mysql", declared, into) for declared, into in [
        ("integer", "text"), ("integer", "float"), ("bigint", "double"), ("integer", "year"), ("year", "text"),
        ("double", "decimal(9, 2)"), ("double", "float"), ("double", "double(9, 2)"), ("decimal(9, 2)", "double"),
        ("decimal(9)", "bit(9)"), ("varchar(9)", "integer"), ("varchar(9)", "blob"), ("varbinary(9)", "text"),
        ("varchar(9)", "set('a')"), ("date", "text"), ("datetime", "date"), ("datetime", "time"), ("time", "datetime"),
        ("bit(3)", "year"),
    ]),
])  # fmt: skip
def test_types_that_may_not_fit_travel_as_values(two: Pair, declared: str, into: str) -> None:
    source, destination = two
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})", "INSERT INTO t (n) VALUES (1)")
    destination.execute(f"CREATE TABLE target (n integer, v {into})")
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


@pytest.mark.parametrize("key", ["name", "n, name", "at", "amount, name"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_ties_nulls_and_attempts_that_end(two: Pair, key: str, write_mode: str) -> None:
    source, destination = two
    columns = "n integer, name varchar(9), at {}, amount decimal(9, 2)"
    collated = " COLLATE utf8mb4_general_ci" if source.kind == "mysql" else ""
    moment = "datetime(6)" if source.kind == "mysql" else "timestamp"
    source.execute(f"CREATE TABLE t ({columns.format(moment)}){collated}")
    source.insert(
        "t",
        [
            (n // 9, "aAäÄ"[n % 4] + str(n // 20), f"2026-01-01 00:00:{n // 7:02}.000001", n // 6)
            for n in range(60)
        ],
    )
    source.insert("t", [(None, None, None, None), (1, None, None, None), (None, "x", None, 1)])
    destination.execute(f"CREATE TABLE target ({columns.format('datetime(6)')})")
    arguments = {"source_table": "t", "checkpoint_column": key.split(", "), "on_null_key": "load"}
    load = Load(source, destination, {**arguments, "batch_size": 4, "write_mode": write_mode})
    while load.attempt_batches(2):
        pass
    assert set(routes(load)) == {"SQL tuples"}
    assert load.try_number > 2
    query = "SELECT n, name, at, amount FROM {}"
    found, expected = (
        sorted(map(str, db.rows(query.format(table))))
        for db, table in ((destination, "target"), (source, "t"))
    )
    assert len(found) == 63
    assert found == expected


def test_partitions_and_upserts(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar(20))")
    source.insert("t", [(n, f"a'{n}\\") for n in range(300)])
    destination.execute(
        "CREATE TABLE target (n integer PRIMARY KEY, a text)", "INSERT INTO target VALUES (7, 'old')"
    )
    arguments = {"write_mode": "upsert", "conflict_columns": ["n"]}
    results = load_all(source, destination, plan(source, 3).parts, **arguments)
    assert sum(result.rows for result in results) == 300
    query = "SELECT n, a FROM {} ORDER BY n"
    assert destination.rows(query.format("target")) == source.rows(query.format("t"))
    # MySQL counts an updated row twice, and an unchanged row not at all.
    source.execute("UPDATE t SET a = 'new' WHERE n > 200")
    again = Load(source, destination, {"source_table": "t", "checkpoint_column": "n", **arguments})
    assert (again.attempt().rows, routes(again)) == (300, ["SQL tuples"])
    assert destination.rows(query.format("target")) == source.rows(query.format("t"))


def test_a_null_in_the_conflict_key_is_a_bad_row(two: Pair, by_values: ByValues) -> None:
    source, destination = two
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, a integer)", "INSERT INTO t VALUES (1, 1), (2, NULL)"
    )
    for table in ("target", "expected"):
        destination.execute(f"CREATE TABLE {table} (n integer, a integer UNIQUE)")
    arguments = {"source_table": "t", "write_mode": "upsert", "conflict_columns": ["a"]}
    tuples, found = both(two, by_values, arguments)
    assert "a of target is NULL, and it is among conflict_columns" in found
    assert routes(tuples) == ["SQL tuples", "rows"]


def test_an_upsert_by_a_coarser_collation(two: Pair, by_values: ByValues) -> None:
    source, destination = two
    bytewise = " COLLATE utf8mb4_bin" if source.kind == "mysql" else ""
    source.execute(
        f"CREATE TABLE t (n integer PRIMARY KEY, a varchar(9){bytewise})",
        "INSERT INTO t VALUES (1, 'a'), (2, 'A')",
    )
    for table in ("target", "expected"):
        destination.execute(
            f"CREATE TABLE {table} (n integer, a varchar(9) COLLATE utf8mb4_general_ci UNIQUE)"
        )
    arguments = {"source_table": "t", "write_mode": "upsert", "conflict_columns": ["a"]}
    tuples, found = both(two, by_values, arguments)
    assert "differs from it only in what the collation of a ignores" in found
    assert routes(tuples) == ["SQL tuples", "rows"]


@pytest.mark.parametrize(
    "mode", ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "PIPES_AS_CONCAT", "ANSI", "TRADITIONAL", ""]
)
def test_no_sql_mode_changes_a_tuple(two: Pair, mode: str) -> None:
    source, destination = two
    quote, blob = ('"', "bytea") if source.kind == "postgres" else ("`", "blob")
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, {quote}a%{quote} varchar(20), b {blob})")
    rows = [(1, "\\N", b"\\\x00"), (2, "a\tb\nc\rd\"'", b"'"), (3, None, None), (4, "\\", b"")]
    source.insert("t", rows)
    destination.execute("CREATE TABLE target (n integer, `a%` text, b blob)")
    before = destination.one("SELECT @@GLOBAL.sql_mode")
    destination.execute(f"SET GLOBAL sql_mode = '{mode}'")
    try:
        load = Load(source, destination, {"source_table": "t"})
        load.attempt()
    finally:
        destination.execute(f"SET GLOBAL sql_mode = '{before}'")
    assert routes(load) == ["SQL tuples"]
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
    assert (load.attempt().rows, routes(load)) == (15, ["SQL tuples"])
    assert destination.rows("SELECT w FROM target ORDER BY id") == [(f"x%{n}",) for n in range(15)]


def test_rows_are_cut_into_statements_that_fit(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v text)")
    sizes = [0, 1, 400_000, 400_000, 400_000, 3, 1_500_000, 0, 999_900, 50, 2_000_000]
    if source.kind == "mysql":
        source.execute("ALTER TABLE t MODIFY v longtext")
    source.execute(
        *(f"INSERT INTO t VALUES ({n}, REPEAT('''', {size}))" for n, size in enumerate(sizes)),
    )
    destination.execute("CREATE TABLE target (n integer, v longtext)")
    load = Load(source, destination, {"source_table": "t"})
    assert (load.attempt().rows, routes(load)) == (len(sizes), ["SQL tuples"])
    found = destination.rows("SELECT n, LENGTH(v), MD5(v) FROM target ORDER BY n")
    assert found == [(n, size, md5(b"'" * size).hexdigest()) for n, size in enumerate(sizes)]


def test_more_columns_than_a_function_takes(two: Pair) -> None:
    source, destination = two
    columns = ", ".join(f"c{n} integer" for n in range(230))
    source.execute(f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({', '.join(map(str, range(230)))})")
    destination.execute(f"CREATE TABLE target ({columns})")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "c0"})
    assert (load.attempt().rows, routes(load)) == (1, ["SQL tuples"])
    assert destination.rows("SELECT * FROM target") == [tuple(range(230))]


@pytest.mark.parametrize("kind", ["postgres"])
@pytest.mark.parametrize("state", ["54000", "XX000", "53200"])
def test_a_tuple_that_is_longer_than_postgres_allows(two: Pair, state: str) -> None:
    source, destination = two
    source.execute(
        f"""
        CREATE FUNCTION long(n integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
            IF n = 5 AND (current_query() LIKE 'COPY%'
                OR EXISTS (SELECT FROM pg_cursors WHERE statement LIKE '%concat(%')) THEN
                RAISE 'too long' USING ERRCODE = '{state}';
            END IF;
            RETURN n;
        END $$
        """,
        "CREATE TABLE t (n integer PRIMARY KEY)",
        "INSERT INTO t SELECT generate_series(1, 9)",
        "CREATE VIEW v AS SELECT n, long(n) AS v FROM t",
    )
    destination.execute("CREATE TABLE target (n integer, v text)")
    arguments = {"source_table": "v", "checkpoint_column": "n", "batch_size": 2}
    load = Load(source, destination, arguments)
    assert (load.attempt().rows, routes(load)) == (9, ["SQL tuples", "rows"])
    reason = "the source cannot write a row (too long"
    assert load.told(RouteChosen)[-1].reason.startswith(reason)
    assert destination.rows("SELECT n, v FROM target ORDER BY n") == [(n, str(n)) for n in range(1, 10)]
