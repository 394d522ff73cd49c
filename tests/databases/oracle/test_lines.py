"""Rows that Oracle writes as lines of COPY arrive like values, or are refused with the same error."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.oracle.line_source import LineSource
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.lines import ByValues, Pair, both, fill, routes
from tests.support.loads import Load
from tests.support.oracle_standin import Fault, Faults
from tests.support.partitions import PartLoad, load_all, plan

pytestmark = pytest.mark.server

DIGITS = "1234567890123456789012345678901234567890"
WHOLE = ["0", "-1", "7", "99"]
NUMBERS = [
    "0",
    ".5",
    "-.5",
    "-100",
    "1.5",
    DIGITS,
    f"-{DIGITS[:20]}.{DIGITS[20:]}",
    f".{DIGITS}",
    "1E-20",
    "-1E60",
]
TEXTS = [
    "'NULL'", "'a'", "'ä😀'", "' both '", "' '", "'\t'", "'\n\r\n'", "'a,b'", "'\\N'", "'\n\\.\n'", "'\\.'", "'it''s \"'",
    "'%s :a %(a)s'", "'\x02\x1f'",
]  # fmt: skip
DAYS = ["DATE '0001-01-01'", "DATE '0999-12-31'", "DATE '9999-12-31'", "DATE '2024-02-29'"]
SECONDS = [*DAYS, "TIMESTAMP '2026-03-29 02:30:59'", "TIMESTAMP '9999-12-31 23:59:59'"]
FRACTIONS = [
    *("TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '2026-10-25 00:30:00.000001'"),
    *("TIMESTAMP '9999-12-31 23:59:59.999999'", "TIMESTAMP '2026-01-01 00:00:00.5'"),
]
ZONED = [
    f"TO_TIMESTAMP_TZ('{text}', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"
    for text in ("2026-10-25 02:30:00.000001 +02:00", "1800-01-01 00:00:00.0 +00:00", "9999-01-01 00:00:00.0 -05:30")
]  # fmt: skip
# Declared in Oracle, in Postgres, and literals.
PAIRS = [
    *(("NUMBER", kind, NUMBERS) for kind in ("numeric", "numeric(300, 100)")),
    ("NUMBER", "bigint", WHOLE),
    ("NUMBER", "boolean", ["0", "1"]),
    ("FLOAT(126)", "numeric", ["0", "0.1", "-3.14159265358979323846264338327950288"]),
    ("NUMBER(38)", "numeric", [*WHOLE, DIGITS[:38], f"-{DIGITS[:38]}"]),
    ("NUMBER(20, 4)", "numeric", ["1234567890123456.0001", "-.0001"]),
    ("NUMBER(20, 4)", "numeric(25, 6)", ["1234567890123456.0001", "-.0001"]),
    ("NUMBER(9, 4)", "numeric(9, 2)", ["1.25", "-.5", "7"]),
    ("NUMBER(9, 4)", "integer", ["-12", "7"]),
    ("NUMBER(5, -2)", "numeric", ["1234500", "-100"]),
    ("NUMBER(3, 5)", "numeric", [".00123", "-.00001"]),
    ("NUMBER(38, 70)", "numeric", ["0"]),
    *(("INTEGER", kind, WHOLE) for kind in ("smallint", "integer", "bigint", "numeric", "numeric(9, 2)")),
    ("NUMBER(19)", "bigint", ["9223372036854775807", "-9223372036854775808"]),
    ("NUMBER(1)", "boolean", ["0", "1"]),
    *((one, other, TEXTS) for one in ("VARCHAR2(40)", "VARCHAR2(40 CHAR)") for other in ("text", "varchar(40)", "varchar(12)")),
    *((one, other, ["'a'", "'b c'", "' d'"]) for one in ("CHAR(5)", "CHAR(5 CHAR)") for other in ("text", "varchar(5)", "char(5)", "char(3)")),
    ("VARCHAR2(40)", "json", ["'{\"a\": 1.10, \"a\": \"\\n\"}'"]),
    ("VARCHAR2(36)", "uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("RAW(9)", "bytea", ["HEXTORAW('00FF5C0A01')", "HEXTORAW('27')"]),
    ("DATE", "timestamp", SECONDS),
    ("DATE", "date", DAYS),
    ("TIMESTAMP(0)", "timestamp", SECONDS[4:]),
    ("TIMESTAMP(3)", "timestamp", FRACTIONS[3:]),
    ("TIMESTAMP", "timestamp", FRACTIONS),
    ("TIMESTAMP WITH TIME ZONE", "timestamptz", ZONED),
    ("TIMESTAMP WITH LOCAL TIME ZONE", "timestamptz", ZONED),
]  # fmt: skip


@dataclass(frozen=True)
class Asking(Db):
    """A database whose connection asks for lines."""

    def database(self, conn_id: str) -> Database:
        return replace(super().database(conn_id), extra=lambda: {"copy_lines": True})


@pytest.fixture
def two(make_db: MakeDb) -> Pair:
    return Asking("oracle", make_db("oracle", "source").place), make_db("postgres", "destination")


@pytest.fixture
def stand_in(stood_in: tuple[Db, Db]) -> Pair:
    """The same in the stand-in, for errors that a server cannot be made to raise."""
    return Asking("oracle", stood_in[0].place), Db("postgres", stood_in[1].place)


@pytest.fixture
def by_values(monkeypatch: pytest.MonkeyPatch) -> ByValues:
    """Return a function that makes all later loads read their rows as values."""
    return lambda: monkeypatch.setattr(LineSource, "allow_lines", lambda self, extra: None)


def reason(load: Load) -> str:
    return str(load.told(RouteChosen)[-1].reason)


def test_every_type_arrives_as_it_does_as_a_value(two: Pair, by_values: ByValues) -> None:
    rows = fill(two, PAIRS)
    lines, found = both(two, by_values, {"source_table": "t", "verify": "digest"})
    assert (routes(lines), found) == (["COPY lines"], rows)
    assert reason(lines).endswith("as its connection asks (copy_lines)")


@pytest.mark.parametrize(
    ("declared", "kind", "value", "message"),
    [
        ("NUMBER", "numeric", "1E125", None),
        ("NUMBER", "numeric", "-1E-30", None),
        ("NUMBER(38, 100)", "numeric", "1E-70", None),
        ("NUMBER", "numeric(300, 4)", "1.00005", "would round"),
        ("NUMBER(9, 4)", "numeric(9, 2)", "1.005", "would round"),
        ("NUMBER(9, 4)", "bigint", "1.5", "invalid input syntax"),
        ("NUMBER(9)", "smallint", "40000", "out of range"),
        ("NUMBER(1)", "boolean", "2", "boolean"),
        ("VARCHAR2(9)", "varchar(3)", "'abc  '", "would lose blanks"),
        ("VARCHAR2(9)", "varchar(3)", "'abcd'", "too long"),
        ("CHAR(5)", "varchar(3)", "'abc'", "would lose blanks"),
        ("CHAR(5)", "char(3)", "'abcd'", "too long"),
        ("VARCHAR2(9)", "text", "'\x01'", None),
        ("VARCHAR2(9)", "text", "'a\x01\x01b'", None),
        ("VARCHAR2(9)", "text", "'a\x01,\x01b'", None),
        ("VARCHAR2(9)", "json", "'{'", "json"),
        ("DATE", "timestamp", "DATE '0001-01-01' - 1", "Python has no such value"),
        ("DATE", "date", "DATE '0001-01-01' - 1", "Python has no such value"),
        ("TIMESTAMP", "timestamp", "CAST(DATE '0001-01-01' - 1 AS TIMESTAMP)", "Python has no such value"),
        ("DATE", "date", "TIMESTAMP '2026-01-01 00:00:01'", "would lose the time"),
    ],
)
def test_what_is_no_line_is_looked_at_as_a_value(
    two: Pair, by_values: ByValues, declared: str, kind: str, value: str, message: str | None
) -> None:
    source, destination = two
    source.execute(
        f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})",
        *(f"INSERT INTO t VALUES ({n}, {value if n == 5 else 'NULL'})" for n in range(9)),
    )
    destination.execute(*(f"CREATE TABLE {name} (n integer, v {kind})" for name in ("target", "expected")))
    lines, found = both(two, by_values, {"source_table": "t"})
    assert routes(lines) == ["COPY lines", "rows"]
    assert found == 9 if message is None else message in found


def test_a_row_without_a_line_is_named(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v varchar2(9), d number)")
    source.insert("t", [(1, "a", 1), (2, None, 2), (3, "\x01", 3), (4, None, 4)])
    destination.execute("CREATE TABLE target (n integer, v text, d numeric)")
    load = Load(source, destination, {"source_table": "t", "batch_size": 1})
    assert (load.attempt().rows, reason(load)) == (4, "the source cannot write the row with key 3 as a line")
    source.execute("UPDATE t SET v = NULL, d = 1E125 WHERE n = 3", "DELETE FROM t WHERE n < 3")
    load.next_run()
    load.attempt(write_mode="replace")
    assert reason(load) == "the source cannot write the row with key 3 as a line"


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("NUMBER", "text"),
        ("NUMBER(9)", "double precision"),
        ("NUMBER", "numeric(5, -2)"),
        ("BINARY_DOUBLE", "double precision"),
        ("BINARY_FLOAT", "real"),
        ("VARCHAR2(9)", "char(9)"),
        ("VARCHAR2(9)", "integer"),
        ("NVARCHAR2(9)", "text"),
        ("NCHAR(9)", "text"),
        ("CLOB", "text"),
        ("BLOB", "bytea"),
        ("RAW(9)", "text"),
        ("DATE", "timestamptz"),
        ("DATE", "text"),
        ("TIMESTAMP", "timestamp(3)"),
        ("TIMESTAMP", "date"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("INTERVAL DAY TO SECOND", "interval"),
        ("INTERVAL YEAR TO MONTH", "interval"),
        ("JSON", "json"),
    ],
)
def test_types_that_may_not_fit_travel_as_values(two: Pair, declared: str, kind: str) -> None:
    source, destination = two
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, v {declared})", "INSERT INTO t (n) VALUES (1)")
    destination.execute(f"CREATE TABLE target (n integer, v {kind})")
    load = Load(source, destination, {"source_table": "t"})
    assert (load.attempt().rows, routes(load)) == (1, ["rows"])
    assert reason(load) == "it is not known that V fits the type that it has there, and each value is checked"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"rows_processor": list}, "rows_processor is set"),
        ({"sql": "SELECT * FROM t ORDER BY n", "strategy": "python"}, "only by key can rows be read on"),
        (
            {"sql": "SELECT n, a AS airflow_line FROM t", "destination_columns": ["n", "a"]},
            "the query returns a column called AIRFLOW_LINE, as the line would be",
        ),
    ],
)
def test_rows_that_somebody_looks_at_travel_as_values(two: Pair, arguments: dict[str, Any], why: str) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar2(9))", "INSERT INTO t VALUES (1, 'a')")
    destination.execute("CREATE TABLE target (n integer, a text)")
    table = {} if "sql" in arguments else {"source_table": "t"}
    key = {} if "strategy" in arguments else {"checkpoint_column": "n"}
    load = Load(source, destination, {**table, **key, **arguments})
    assert (load.attempt().rows, routes(load)) == (1, ["rows"])
    assert why in reason(load)
    assert destination.rows("SELECT n, a FROM target") == [(1, "a")]


@pytest.mark.parametrize(("size", "path"), [(1991, "COPY lines"), (1992, "rows")])
def test_a_line_has_no_more_bytes_than_the_server_writes(two: Pair, size: int, path: str) -> None:
    """Two texts with their quotes, a number of up to 11 characters, two commas and the end of the line."""
    source, destination = two
    source.execute(f"CREATE TABLE t (n number(9) PRIMARY KEY, a varchar2(1991), b varchar2({size}))")
    source.insert("t", [(-123456789, "a" * 1991, "b" * size), (1, None, None), (2, "a", "ä" * (size // 2))])
    destination.execute("CREATE TABLE target (n integer, a text, b text)")
    load = Load(source, destination, {"source_table": "t"})
    assert (load.attempt().rows, routes(load)) == (3, [path])
    if path == "rows":
        assert reason(load) == "a line may have 4,001 bytes, and the server writes 4,000 at most"
    read = "SELECT n, a, b FROM {} ORDER BY n"
    assert destination.rows(read.format("target")) == source.rows(read.format("t"))


def test_characters_of_several_bytes_count_as_such(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY, a varchar2(999 CHAR), b varchar2(9))")
    source.insert("t", [(1, "😀" * 999, "b")])
    destination.execute("CREATE TABLE target (n integer, a text, b text)")
    load = Load(source, destination, {"source_table": "t"})
    assert (load.attempt().rows, routes(load)) == (1, ["rows"])
    assert reason(load) == "a line may have 4,023 bytes, and the server writes 4,000 at most"


@pytest.mark.parametrize("code", [1489, 1861])
@pytest.mark.parametrize("at", ["SELECT.*AIRFLOW_LINE", "fetch"])
def test_an_error_about_a_line_is_none_about_the_values(
    stand_in: Pair, faults: dict[str, Faults], code: int, at: str
) -> None:
    source, destination = stand_in
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY, a varchar2(9))")
    source.insert("t", [(n, f"a{n}") for n in range(300)])
    destination.execute("CREATE TABLE target (n integer, a text)")
    load = Load(source, destination, {"source_table": "t", "batch_size": 50})
    faults["source"].plan(Fault(code, at, of="AIRFLOW_LINE" if at == "fetch" else ""))
    assert (load.attempt().rows, routes(load)) == (300, ["COPY lines", "rows"])
    assert reason(load).startswith(f"the source cannot write a row as a line (ORA-0{code}: ")
    assert destination.rows("SELECT n, a FROM target ORDER BY n") == source.rows(
        "SELECT n, a FROM t ORDER BY n"
    )


def test_another_error_ends_the_attempt(stand_in: Pair, faults: dict[str, Faults]) -> None:
    source, destination = stand_in
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    destination.execute("CREATE TABLE target (n integer)")
    faults["source"].plan(Fault(1476, "SELECT.*AIRFLOW_LINE"))
    load = Load(source, destination, {"source_table": "t"})
    with pytest.raises(SourceError, match="ORA-01476"):
        load.attempt()
    assert routes(load) == ["COPY lines"]


@pytest.mark.parametrize("key", ["name", "n, name", "at", "amount, name", "z", "d"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_ties_and_nulls(two: Pair, key: str, write_mode: str) -> None:
    source, destination = two
    declared = "name varchar2(9), at timestamp, amount number(9, 2), z timestamp with time zone, d date"
    source.execute(f"CREATE TABLE t (n integer, {declared})")
    kinds = "name text, at timestamp, amount numeric(9, 2), z timestamptz, d timestamp"
    destination.execute(f"CREATE TABLE target (n integer, {kinds})")
    for n in range(30):
        zoned = f"TO_TIMESTAMP_TZ('2026-10-25 02:{n // 5:02}:00.0 +0{n % 3}:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"
        moment = f"TIMESTAMP '2026-01-01 00:00:{n // 7:02}"
        source.execute(
            f"INSERT INTO t VALUES ({n // 9}, '{'aAäÄ'[n % 4]}{n // 20}', {moment}.000001', {n // 6 / 4}, {zoned}, {moment}')"
        )
    source.execute(
        "INSERT INTO t (n) VALUES (NULL)", "INSERT INTO t (n) VALUES (1)", "INSERT INTO t (name) VALUES ('x')"
    )
    arguments = {"source_table": "t", "checkpoint_column": key.split(", "), "on_null_key": "load"}
    load = Load(source, destination, {**arguments, "batch_size": 4, "write_mode": write_mode})
    while load.attempt_batches(2):
        pass
    assert set(routes(load)) == {"COPY lines"}
    query = "SELECT n, name, at, amount, d FROM {}"
    rows, expected = (
        Counter(db.rows(query.format(table))) for db, table in ((destination, "target"), (source, "t"))
    )
    assert (rows, rows.total()) == (expected, 33)


def test_partitions_and_upserts(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar2(20))")
    source.insert("t", [(n, f"a\t{n}\\") for n in range(300)])
    destination.execute(
        "CREATE TABLE target (n integer PRIMARY KEY, a text)", "INSERT INTO target VALUES (7, 'old')"
    )
    arguments = {"write_mode": "upsert", "conflict_columns": ["n"], "checkpoint_column": "n"}
    results = load_all(source, destination, plan(source, 3).parts, **arguments)
    assert sum(result.rows for result in results) == 300
    assert destination.rows("SELECT n, a FROM target ORDER BY n") == source.rows(
        "SELECT n, a FROM t ORDER BY n"
    )


def test_a_table_split_as_it_is_stored_as_of_one_moment(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a varchar2(20))")
    source.insert("t", [(n, f"a{n}") for n in range(3_000)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, a text)")
    parts = plan(source, 2, split="rowid", as_of="now").parts
    source.execute("UPDATE t SET a = 'later'")
    for part in parts:
        load = PartLoad.of(source, destination, part, checkpoint_column="n", batch_size=500)
        while load.attempt_batches(1):
            pass
        assert set(routes(load)) == {"COPY lines"}
    assert destination.rows("SELECT n, a FROM target ORDER BY n") == [(n, f"a{n}") for n in range(3_000)]


def test_a_query_with_parameters(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY, v varchar2(20))")
    source.insert("t", [(n, f"x%{n}") for n in range(20)])
    destination.execute("CREATE TABLE target (id integer, w text)")
    query = "SELECT n AS id, v AS w FROM t WHERE v LIKE :pattern AND n < :below"
    arguments = {"parameters": {"pattern": "x%", "below": 15}, "verify": "digest", "batch_size": 4}
    load = Load(source, destination, {"sql": query, "checkpoint_column": "id", **arguments})
    assert (load.attempt().rows, routes(load)) == (15, ["COPY lines"])
    assert destination.rows("SELECT w FROM target ORDER BY id") == [(f"x%{n}",) for n in range(15)]


@pytest.mark.parametrize("extra", [{}, {"copy_lines": False}])
def test_lines_are_written_only_where_the_connection_asks(two: Pair, extra: dict[str, Any]) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    destination.execute("CREATE TABLE target (n integer)")
    load = Load(source, destination, {"source_table": "t"})
    read = replace(source.database("src"), extra=lambda: extra)
    assert load.transfer(source=read).run().rows == 1
    assert (routes(load), reason(load)) == (["rows"], "from Oracle to Postgres")


def test_no_line_where_what_a_policy_masks_is_accepted(two: Pair) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    destination.execute("CREATE TABLE target (n integer)")
    load = Load(source, destination, {"source_table": "t"})
    read = replace(source.database("src"), extra=lambda: {"copy_lines": True, "row_security": "on"})
    assert load.transfer(source=read).run().rows == 1
    assert (routes(load), reason(load)) == (
        ["rows"],
        "policies are accepted by row_security, and what one masks in a line is not known",
    )


@pytest.mark.parametrize("given", ["true", "on", 1, None])
def test_the_switch_is_true_or_false(two: Pair, given: Any) -> None:
    source, destination = two
    source.execute("CREATE TABLE t (n number(9) PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    destination.execute("CREATE TABLE target (n integer)")
    read = replace(source.database("src"), extra=lambda: {"copy_lines": given})
    with pytest.raises(
        ArgumentError, match="'src': copy_lines in the extra of the connection is .* Give true to have"
    ):
        Load(source, destination, {"source_table": "t"}).transfer(source=read).run()
    assert destination.one("SELECT count(*) FROM target") == 0
