"""Every type of Oracle, read and written: exact, or refused before the first row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, DestinationError, SourceError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

INDIA = timezone(timedelta(hours=5, minutes=30))
BIG = "12345678901234567890123456789012345678"

# Declared in Oracle, inserted literals, declared in Postgres, the values that arrive there.
TYPES: dict[str, tuple[str, list[str], str, list[Any]]] = {
    "number": ("NUMBER", ["0.1", "1E-30", BIG, "-1.5"], "numeric", ["0.1", "1E-30", BIG, "-1.5"]),
    "number(38)": ("NUMBER(38)", [BIG, "-7", "0"], "numeric", [BIG, "-7", "0"]),
    "number(20,4)": (
        "NUMBER(20,4)",
        ["1234567890123456.0001", "0.1"],
        "numeric",
        ["1234567890123456.0001", "0.1"],
    ),
    "integer": ("INTEGER", ["1", "9007199254740993"], "bigint", [1, 9007199254740993]),
    "float": ("FLOAT(126)", ["0.1", "3.14159265358979323846264338327950288"], "numeric", None),
    "binary_double": ("BINARY_DOUBLE", ["0.1", "0.30000000000000004"], "float8", [0.1, 0.30000000000000004]),
    "binary_float": ("BINARY_FLOAT", ["0.5", "0.1"], "float4", [0.5, 0.1]),
    "date": ("DATE", ["TIMESTAMP '2026-03-29 02:30:59'"], "timestamp", [datetime(2026, 3, 29, 2, 30, 59)]),
    "timestamp": (
        "TIMESTAMP(6)",
        ["TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '2026-03-29 02:30:00.000001'"],
        "timestamp",
        [datetime(1, 1, 1), datetime(2026, 3, 29, 2, 30, 0, 1)],
    ),
    "timestamp with time zone": (
        "TIMESTAMP WITH TIME ZONE",
        ["TO_TIMESTAMP_TZ('2026-10-25 02:30:00.000001 +02:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"],
        "timestamptz",
        [datetime(2026, 10, 25, 0, 30, 0, 1, UTC)],
    ),
    "timestamp with local time zone": (
        "TIMESTAMP WITH LOCAL TIME ZONE",
        ["TO_TIMESTAMP_TZ('1999-12-31 20:00:00.5 -08:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"],
        "timestamptz",
        [datetime(2000, 1, 1, 4, 0, 0, 500000, UTC)],
    ),
    "interval day to second": (
        "INTERVAL DAY(3) TO SECOND(6)",
        ["TO_DSINTERVAL('100 23:59:59.000001')"],
        "interval",
        [timedelta(days=100, hours=23, minutes=59, seconds=59, microseconds=1)],
    ),
    "interval year to month": (
        "INTERVAL YEAR TO MONTH",
        ["TO_YMINTERVAL('2-3')"],
        "interval::text",
        ["2 years 3 mons"],
    ),
    "char": ("CHAR(5)", ["'a'", "'b c'"], "text", ["a    ", "b c  "]),
    "varchar2": (
        "VARCHAR2(20 CHAR)",
        ["'a '", "'\U0001f600'", "'it''s'"],
        "text",
        ["a ", "\U0001f600", "it's"],
    ),
    "nchar": ("NCHAR(3)", ["'ä'"], "text", ["ä  "]),
    "nvarchar2": ("NVARCHAR2(9)", ["'äöü'"], "text", ["äöü"]),
    "raw": ("RAW(4)", ["HEXTORAW('00FF')"], "bytea", [b"\x00\xff"]),
    "clob": ("CLOB", ["'short'"], "text", ["short"]),
    "nclob": ("NCLOB", ["'ä'"], "text", ["ä"]),
    "json": ("JSON", ['\'{"a": 1.00, "b": []}\''], "text", None),
    "boolean": ("BOOLEAN", ["TRUE", "FALSE"], "boolean", [True, False]),
}


@pytest.fixture
def source(make_db: MakeDb) -> Db:
    return make_db("oracle", "source")


@pytest.fixture
def target(make_db: MakeDb) -> Db:
    return make_db("oracle", "destination")


def fill(db: Db, declared: str, literals: list[str]) -> None:
    db.execute(f"CREATE TABLE t (n integer, k {declared})")
    for number, literal in enumerate(literals):
        db.execute(f"INSERT INTO t VALUES ({number}, {literal})")
    db.execute("INSERT INTO t VALUES (99, NULL)")


@pytest.mark.parametrize("name", TYPES)
def test_arrives_in_postgres_to_the_last_digit(source: Db, make_db: MakeDb, name: str) -> None:
    declared, literals, column, wanted = TYPES[name]
    fill(source, declared, literals)
    destination = make_db("postgres", "destination")
    plain, _, cast = column.partition("::")
    destination.execute(f"CREATE TABLE target (n integer, k {plain})")
    load = Load(
        source, destination, {"sql": "SELECT * FROM t ORDER BY n", "checkpoint_column": "n", "batch_size": 1}
    )
    while load.attempt_batches(1):
        pass
    found = [k for (k,) in destination.rows(f"SELECT k{f'::{cast}' if cast else ''} FROM target ORDER BY n")]
    if wanted is None:
        wanted = [literal.strip("'") for literal in literals]
    if plain == "numeric":
        wanted = [Decimal(number) for number in wanted]
    assert found == [*wanted, None]


@pytest.mark.parametrize("name", TYPES)
def test_arrives_in_oracle_as_it_was(source: Db, target: Db, name: str) -> None:
    declared, literals, *_ = TYPES[name]
    fill(source, declared, literals)
    for write_mode in ("append", "upsert"):
        # A batch of NULLs first, which must not decide the types.
        target.execute(f"CREATE TABLE target_{write_mode} (n integer PRIMARY KEY, k {declared})")
        load = Load(
            source, target, {"sql": "SELECT * FROM t ORDER BY n DESC", "strategy": "python", "batch_size": 1}
        )
        load.attempt(write_mode=write_mode, destination_table=f"target_{write_mode}")
        load.next_run()
        read = "SELECT n, k FROM {} ORDER BY n"
        assert target.rows(read.format(f"target_{write_mode}")) == source.rows(read.format("t"))
        load.run = 1
        target.execute("DELETE FROM airflow_checkpoint")


KEYS = {
    **{name: TYPES[name][:2] for name in TYPES if name not in ("clob", "nclob", "json", "boolean")},
    "rowid": ("INTEGER", ["3", "1", "2"]),
}


@pytest.mark.parametrize("name", KEYS)
def test_is_a_key(source: Db, make_db: MakeDb, name: str) -> None:
    declared, literals = KEYS[name]
    source.execute(f"CREATE TABLE t (n integer, k {declared})")
    for number, literal in enumerate(literals * 3):
        source.execute(f"INSERT INTO t VALUES ({number}, {literal})")
    destination = make_db("sqlite", "destination")
    destination.execute("CREATE TABLE target (n integer)")
    sql = "SELECT n, ROWIDTOCHAR(rowid) AS k FROM t" if name == "rowid" else "SELECT * FROM t"
    arguments = {"checkpoint_column": "k", "destination_columns": {"n": "n"}, "batch_size": 1}
    load = Load(source, destination, {"sql": sql, **arguments})
    while load.attempt_batches(1):
        pass
    assert sorted(destination.rows("SELECT n FROM target")) == [(n,) for n in range(3 * len(literals))]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("TIMESTAMP(9)", r"K has 9 digits of a second.*CAST\(K AS TIMESTAMP\(6\)\)"),
        ("TIMESTAMP(7) WITH TIME ZONE", r"K has 7 digits.*CAST\(K AS TIMESTAMP\(6\) WITH TIME ZONE\)"),
        ("INTERVAL DAY(2) TO SECOND(9)", r"K has 9 digits.*CAST\(K AS INTERVAL DAY\(9\) TO SECOND\(6\)\)"),
        ("BFILE", "K is of type BFILE, which cannot be carried over.*leave the column out"),
        ("VECTOR", r"K is of type VECTOR.*select VECTOR_SERIALIZE\(K RETURNING CLOB\)"),
    ],
)
def test_is_refused_before_the_first_row(source: Db, target: Db, declared: str, message: str) -> None:
    source.execute(f"CREATE TABLE t (n integer, k {declared})")
    target.execute("CREATE TABLE target (n integer, k varchar2(40))")
    with pytest.raises(SourceError, match=message):
        Load(source, target, {"source_table": "t", "checkpoint_column": "n"}).attempt()


@pytest.mark.parametrize("declared", ["CLOB", "JSON", "BLOB"])
def test_cannot_be_sorted_by(source: Db, target: Db, declared: str) -> None:
    source.execute(f"CREATE TABLE t (n integer, k {declared})")
    target.execute("CREATE TABLE target (n integer, k varchar2(40))")
    with pytest.raises(
        SourceError, match=f"checkpoint_column: K is of type {declared}, which Oracle cannot sort by"
    ):
        Load(source, target, {"source_table": "t", "checkpoint_column": "k"}).attempt()


# Python values in Oracle: declared type, value, and the value read back.
CONVERTED = [
    ("NUMBER", "12.50", 12.5),
    ("NUMBER(1)", True, 1),
    ("NUMBER(10,2)", Decimal("1.50000"), 1.5),
    ("INTEGER", 2.0, 2),
    ("FLOAT(126)", Decimal("1.005"), Decimal("1.005")),
    ("TIMESTAMP(3)", datetime(2026, 1, 1, 0, 0, 0, 1000), datetime(2026, 1, 1, 0, 0, 0, 1000)),
    ("BINARY_DOUBLE", Decimal("0.5"), 0.5),
    ("VARCHAR2(40)", 5, "5"),
    ("VARCHAR2(40)", Decimal("1E+3"), "1000"),
    ("VARCHAR2(40)", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ("VARCHAR2(40)", {"a": [1]}, '{"a": [1]}'),
    ("CLOB", "x" * 100_000, "x" * 100_000),
    ("BLOB", b"\x00" * 100_000, b"\x00" * 100_000),
    ("RAW(3)", memoryview(b"abc"), b"abc"),
    ("DATE", date(2026, 1, 2), datetime(2026, 1, 2)),
    ("DATE", "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
    ("TIMESTAMP", "2026-01-02T03:04:05.000006", datetime(2026, 1, 2, 3, 4, 5, 6)),
    ("INTERVAL DAY TO SECOND", "-1 days 02:00:00.5", timedelta(hours=-22, microseconds=500000)),
    ("BOOLEAN", 0, False),
    ("VARCHAR2(40)", "", None),
]
REFUSED = [
    ("NUMBER", float("nan"), "nan is not a number that Oracle's NUMBER has"),
    ("NUMBER", "abc", "'abc' is not a number"),
    ("NUMBER", Decimal(BIG + "9"), "has more digits than the 38 that Oracle keeps"),
    ("BINARY_DOUBLE", Decimal("0.10000000000000000000001"), "would be rounded"),
    ("NUMBER(10,2)", Decimal("1.005"), "would be rounded to 2 decimal places"),
    ("NUMBER(10,2)", 1.005, "would be rounded to 2 decimal places"),
    ("INTEGER", "1.5", "would be rounded to 0 decimal places"),
    ("TIMESTAMP(3)", datetime(2026, 1, 1, 0, 0, 0, 1), "more digits than the 3 of the column"),
    ("TIMESTAMP(0) WITH TIME ZONE", datetime(2026, 1, 1, 0, 0, 0, 1, UTC), "more digits than the 0 of"),
    ("INTERVAL DAY TO SECOND(3)", timedelta(microseconds=1), "more digits than the 3 of the column"),
    ("VARCHAR2(40)", b"abc", "is bytes; decode them"),
    ("VARCHAR2(40)", "\ud800", "surrogates not allowed"),
    ("VARCHAR2(3)", "\U0001f600", "ORA-12899: value too large for column"),
    ("RAW(3)", "abc", "is not bytes"),
    ("DATE", datetime(2026, 1, 1, 0, 0, 0, 1), "has a fraction of a second, which the column would lose"),
    ("DATE", datetime(2026, 1, 1, tzinfo=INDIA), "has a time zone, which the column would lose"),
    ("TIMESTAMP", datetime(2026, 1, 1, tzinfo=UTC), "has a time zone, which the column would lose"),
    (
        "TIMESTAMP WITH TIME ZONE",
        datetime(2026, 1, 1),
        "has no time zone, and Oracle would take the session's",
    ),
    ("INTERVAL DAY TO SECOND", "1 mon", "a month has no fixed length"),
    ("BOOLEAN", "maybe", "is neither true nor false"),
    ("VARCHAR2(3) NOT NULL", "", "ORA-01400.*In Oracle, an empty string is NULL, too"),
    ("NUMBER(3)", 1000, "ORA-01438"),
]


def write(make_db: MakeDb, target: Db, declared: str, value: Any, **arguments: Any) -> None:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, k integer)")
    source.insert("t", [(1, 1), (2, 2)])
    target.execute(f"CREATE TABLE target (n integer PRIMARY KEY, k {declared})")
    load = Load(source, target, {"source_table": "t", "checkpoint_column": "n", **arguments})
    load.attempt(rows_processor=lambda rows: [(n, value) for n, _ in rows])


@pytest.mark.parametrize("write_mode", ["append", "upsert"])
@pytest.mark.parametrize(("declared", "value", "wanted"), CONVERTED)
def test_is_converted(
    make_db: MakeDb, target: Db, declared: str, value: Any, wanted: Any, write_mode: str
) -> None:
    write(make_db, target, declared, value, write_mode=write_mode)
    assert target.rows("SELECT k FROM target") == [(wanted,)] * 2


@pytest.mark.parametrize(("declared", "value", "message"), REFUSED)
def test_is_refused(make_db: MakeDb, target: Db, declared: str, value: Any, message: str) -> None:
    with pytest.raises(DestinationError, match=f"(?s)target.*{message}") as error:
        write(make_db, target, declared, value)
    assert "nothing of it is committed" in str(error.value) or "Nothing of the batch is committed" in str(
        error.value
    )
    assert target.one("SELECT count(*) FROM target") == 0


@pytest.mark.parametrize("given", [datetime(2026, 10, 25, 2, 30, tzinfo=INDIA), "2026-10-24 21:00:00+00:00"])
@pytest.mark.parametrize("kind", ["TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE"])
def test_a_time_with_its_zone_is_the_same_instant(make_db: MakeDb, target: Db, given: Any, kind: str) -> None:
    write(make_db, target, kind, given)
    found = target.rows(
        "SELECT TO_CHAR(SYS_EXTRACT_UTC(CAST(k AS TIMESTAMP WITH TIME ZONE)), 'YYYY-MM-DD HH24:MI:SS') FROM target"
    )
    assert found == [("2026-10-24 21:00:00",)] * 2


@pytest.mark.parametrize("kind", ["TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE"])
def test_an_offset_with_seconds_is_the_same_instant(source: Db, make_db: MakeDb, kind: str) -> None:
    """The stand-in writes times in the zone of Kolkata, which was 5:53:28 ahead of UTC by its local mean time."""
    fill(
        source, kind, ["TO_TIMESTAMP_TZ('1800-01-01 00:00:00.0 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')"]
    )
    destination = make_db("postgres", "destination")
    destination.execute("CREATE TABLE target (n integer, k timestamptz)")
    Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n"}).attempt()
    assert destination.rows("SELECT k FROM target ORDER BY n") == [
        (datetime(1800, 1, 1, tzinfo=UTC),),
        (None,),
    ]


def test_what_has_no_form_at_all(make_db: MakeDb, target: Db) -> None:
    with pytest.raises(
        CheckpointError, match="K of target in 'dst' is of type VECTOR, which cannot be written"
    ):
        write(make_db, target, "VECTOR", 1)
