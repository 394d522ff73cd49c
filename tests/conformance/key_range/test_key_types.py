"""Every type of key: an attempt ends after each batch, and the next goes on behind it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Completed
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

POSTGRES: dict[str, tuple[str, list[str]]] = {
    "smallint": ("smallint", ["-32768", "-1", "0", "32767"]),
    "integer": ("integer", ["-2147483648", "0", "7", "2147483647"]),
    "bigint": ("bigint", ["-9223372036854775808", "9007199254740993", "9223372036854775807"]),
    "numeric": ("numeric", ["-1e40", "1.0", "1.00", "123456789012345678901234567890.1", "Infinity", "NaN"]),
    "real": ("real", ["-Infinity", "0.1", "0.2", "0.3", "16777217", "Infinity", "NaN"]),
    "double": (
        "double precision",
        ["-Infinity", "-0", "0", "0.1", "1e-320", "0.30000000000000004", "Infinity", "NaN"],
    ),
    "text": (
        "text",
        ["", " ", "A", "a", "ä", "Ä", "b ", "b", "it''s", "%s", "''||:x", "\U0001f600", "x\ty\\N"],
    ),
    "text, C": ('text COLLATE "C"', ["A", "B", "a", "b", "é", "e\u0301"]),
    "citext": ("citext", ["A", "a", "B", "b", "ä", "Ä"]),
    "varchar": ("varchar(10)", ["", "a", "a ", "b"]),
    "char": ("char(5)", ["", "a", "b", "b c"]),
    "bytea": ("bytea", ["", "\\x00", "\\x0001", "\\xff"]),
    "date": ("date", ["0001-01-01", "2024-02-29", "9999-12-31"]),
    "time": ("time", ["00:00", "12:30:00.000001", "23:59:59.999999"]),
    "timetz": ("timetz", ["12:00+00", "12:00+02", "14:00+02", "11:00-01"]),
    "timestamp": ("timestamp", ["0001-01-01", "2026-03-29 02:30:00.000001", "2026-03-29 02:30:00.000002"]),
    "timestamptz": (
        "timestamptz",
        [
            "1883-11-18 12:03:58-04:56:02",
            "2026-10-25 02:30+02",
            "2026-10-25 02:30+01",
            "2026-10-25 01:30:00.000001+00",
        ],
    ),
    "uuid": ("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    "boolean": ("boolean", ["false", "true"]),
    "enum": ("mood", ["sad", "ok", "happy"]),
    "interval": (
        "interval",
        ["-1 day 2 hours", "1 month", "30 days", "720 hours", "1 month 1 second", "1 year"],
    ),
    "inet": ("inet", ["10.0.0.1", "10.0.0.1/32", "10.0.0.0/8", "::1"]),
    "jsonb": ("jsonb", ["1.0", "1.00", '"a"', "[]", '{"a": 1}']),
    "numeric[]": ("numeric[]", ["{1.0}", "{1.00}", "{1,2}", "{}"]),
    "numrange": ("numrange", ["[1,2)", "[1.0,2)", "empty", "(,5]"]),
    "bit": ("bit varying", ["0", "00", "1"]),
    "money": ("money", ["-1.50", "0", "1000000.01"]),
    "domain": ("positive", ["1", "2", "30000000000"]),
    "domain over an enum": ("feeling", ["sad", "ok", "happy"]),
    '"char"': ('"char"', ["a", "b"]),
    "name": ("name", ["a", "B", "c d"]),
}
SQLITE: dict[str, tuple[str, list[Any]]] = {
    "integer": ("integer", [-(2**63), 0, 2**53 + 1, 2**63 - 1]),
    "real": ("real", [float("-inf"), -0.0, 0.1, 1e-320, 1e300, float("inf")]),
    "text": ("text", ["", " ", "A", "a", "ä", "b ", "b", "a\x00b", "it's", "?", ":x", "%"]),
    "nocase": ("text collate nocase", ["A", "a", "ä", "Ä", "B", "b"]),
    "rtrim": ("text collate rtrim", ["a", "a ", "a  ", "b"]),
    "blob": ("blob", [b"", b"\x00", b"\x00\x01", b"\xff"]),
    "date": ("date", ["2024-02-29", "2026-01-01"]),
    "timestamp": ("timestamp", ["2026-01-01 00:00:00", "2026-01-01 00:00:00.000001", "2026-01-01T00:00:00"]),
    "boolean": ("boolean", [0, 1]),
    "without a type": ("", [-1, 2, 2.5, 10]),
}
MYSQL: dict[str, tuple[str, list[str]]] = {
    "bigint": ("bigint unsigned", ["0", "9007199254740993", "18446744073709551615"]),
    "decimal": (
        "decimal(65, 30)",
        ["-1", "0.000000000000000000000000000001", "123456789012345678901234567890.1"],
    ),
    "float": ("float", ["0.1", "0.2", "16777216", "16777215", "-1e30"]),
    "double": ("double", ["-1.7e308", "0", "0.1", "2.3e-308", "0.30000000000000004"]),
    "text": ("varchar(9)", ["", "a", "A", "ä", "b ", "b", "it''s", "%s", "\\\\", "😀", "🎉"]),
    "text, binary": ("text COLLATE utf8mb4_bin", ["a", "A", "ä", "😀", "🎉"]),
    "text, latin1": (
        "varchar(9) CHARACTER SET latin1 COLLATE latin1_german2_ci",
        ["ae", "ä", "ss", "ß", "z"],
    ),
    "char": ("char(5)", ["", "a", "b", "b c"]),
    "binary": ("varbinary(9)", ["", "\\0", "\\0\\1", "a", "A"]),
    "blob": ("blob", ["", "\\0", "x"]),
    "date": ("date", ["0001-01-01", "2024-02-29", "9999-12-31"]),
    "datetime": (
        "datetime(6)",
        ["2026-03-29 02:30:00.000001", "2026-03-29 02:30:00.000002", "2026-03-29 03:30"],
    ),
    "timestamp": (
        "timestamp(6) NULL",
        ["2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 01:30:00.000001"],
    ),
    "time": ("time(6)", ["-838:59:59", "-00:00:00.000001", "00:00", "100:00:00.5"]),
    "year": ("year", ["1901", "2026"]),
    "bit": ("bit(10)", ["0", "1", "2"]),
    "boolean": ("boolean", ["0", "1"]),
}
SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN feeling AS mood;
CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
CREATE EXTENSION citext
"""
COLLATIONS = {
    "ignoring case": ("und-u-ks-level2", ["A", "a", "B", "b", "straße", "STRASSE"]),
    "ignoring marks": ("und-u-ks-level1-ka-shifted", ["ae", "æ", "a-b", "ab", "o", "ø", "a b"]),
}


def load_in_pieces(load: Load) -> int:
    """End each attempt after one batch, and return the number of batches."""
    while not load.told(Completed):
        load.attempt_batches(1)
    return len(load.told(BatchCommitted))


def check_postgres(source: Db, destination: Db, values: list[str], kind: str) -> None:
    source.execute(f"CREATE TABLE t (n integer, k {kind})")
    numbered = [f"({number}, '{value}')" for number, value in enumerate(values * 3)]
    source.execute(f"INSERT INTO t VALUES {', '.join(numbered)}")
    destination.execute("CREATE TABLE target (n integer)")
    arguments = {
        "source_table": "t",
        "checkpoint_column": "k",
        "batch_size": 2,
        "destination_columns": {"n": "n"},  # SQLite has no NaN
    }
    load = Load(source, destination, arguments)
    batches = load_in_pieces(load)
    assert destination.rows("SELECT n FROM target ORDER BY n") == source.rows("SELECT n FROM t ORDER BY n")
    assert 1 < batches <= source.one("SELECT count(DISTINCT k) FROM t")


@pytest.mark.server
@pytest.mark.parametrize("name", POSTGRES)
def test_of_postgres(make_db: MakeDb, name: str) -> None:
    kind, values = POSTGRES[name]
    source = make_db("postgres", "source")
    source.execute(SETUP)
    check_postgres(source, make_db("sqlite", "destination"), values, kind)


@pytest.mark.server
@pytest.mark.parametrize("name", COLLATIONS)
def test_of_postgres_with_collation(make_db: MakeDb, name: str) -> None:
    locale, values = COLLATIONS[name]
    source = make_db("postgres", "source")
    try:
        source.execute(f"CREATE COLLATION loose (provider = icu, locale = '{locale}', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this Postgres is built without ICU")
    check_postgres(source, make_db("sqlite", "destination"), values, "text COLLATE loose")


@pytest.mark.server
@pytest.mark.parametrize("name", MYSQL)
def test_of_mysql(make_db: MakeDb, name: str) -> None:
    kind, values = MYSQL[name]
    source, destination = make_db("mysql", "source"), make_db("sqlite", "destination")
    quote = "" if kind.startswith("bit") else "'"
    numbered = [f"({number}, {quote}{value}{quote})" for number, value in enumerate(values * 3)]
    source.execute(
        "SET time_zone = '+00:00'",
        f"CREATE TABLE t (n integer, k {kind})",
        f"INSERT INTO t VALUES {', '.join(numbered)}",
    )
    destination.execute("CREATE TABLE target (n integer)")
    arguments = {
        "source_table": "t",
        "checkpoint_column": "k",
        "batch_size": 2,
        "destination_columns": {"n": "n"},
    }
    load = Load(source, destination, arguments)
    batches = load_in_pieces(load)
    assert destination.rows("SELECT n FROM target ORDER BY n") == source.rows("SELECT n FROM t ORDER BY n")
    assert 1 < batches <= source.one("SELECT count(DISTINCT k) FROM t")


@pytest.mark.parametrize("name", SQLITE)
def test_of_sqlite(make_db: MakeDb, name: str) -> None:
    kind, values = SQLITE[name]
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute(f"CREATE TABLE t (n integer, k {kind})")
    source.insert("t", [(number, value) for number, value in enumerate(values * 3)])
    destination.execute("CREATE TABLE target (n integer)")
    load = Load(
        source,
        destination,
        {
            "source_table": "t",
            "checkpoint_column": "k",
            "destination_columns": {"n": "n"},
            "batch_size": 2,
        },
    )
    load_in_pieces(load)
    assert destination.rows("SELECT n FROM target ORDER BY n") == source.rows("SELECT n FROM t ORDER BY n")


@pytest.mark.covering
@pytest.mark.parametrize(
    ("columns", "order"), [("a, b", ["a", "b"]), ("b, a", ["b", "a"]), ("a, b, n", ["a", "b", "n"])]
)
def test_composite(pair: tuple[Db, Db], columns: str, order: list[str]) -> None:
    source, destination = pair
    source.execute("CREATE TABLE t (n integer, a integer, b varchar(9))")
    empty = "" if source.able.keeps_empty_text and destination.able.keeps_empty_text else "w"
    source.insert("t", [(n, n % 3, "xyz"[n % 2 :][: n % 3] or empty) for n in range(40)])
    destination.execute("CREATE TABLE target (n integer, a integer, b varchar(9))")
    load = Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": order, "batch_size": 4})
    assert load_in_pieces(load) > 4
    assert destination.rows("SELECT * FROM target ORDER BY n") == source.rows("SELECT * FROM t ORDER BY n")
