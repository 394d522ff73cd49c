"""Values that must arrive unchanged, whatever the two databases and their session settings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

VALUES: dict[str, list[str]] = {
    "smallint": ["-32768"],
    "bigint": ["9223372036854775807"],
    "numeric": [
        "123456789012345678901234567890.123456789012345678901234567890",
        "NaN",
        "Infinity",
        "1.000",
        "-0.00",
    ],
    "real": ["0.1", "3.4028235e38", "1e-45", "NaN", "-Infinity"],
    "double precision": ["0.30000000000000004", "1.7976931348623157e308", "5e-324", "NaN", "-0"],
    "text": ["", "NULL", "\\N", "\\.", "a\tb\\t\n\r\b", "it''s \"quoted\"", "äöü\U0001f600\u200d", " pad "],
    "char(6)": ["a", "b c"],
    "bytea": ["\\x", "\\x00ff5c0a27"],
    "boolean": ["t", "f"],
    "date": ["0001-01-01", "9999-12-31"],
    "time": ["23:59:59.999999"],
    "timetz": ["12:00:00.000001+05:30"],
    "timestamp": ["0001-01-01 00:00:00", "2026-03-04 05:06:07.000008"],
    "timestamptz": ["2026-03-04 05:06:07.000008+13:45", "1890-01-01 00:00:00+00"],
    "interval": [
        "1 year 2 mons -3 days +04:05:06.000007",
        "-1 mons +30 days",
        "-1 days -02:03:04",
        "00:00:00",
    ],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "json": ['{"a": 1, "a": 123456789012345678901234567890.10, "b": 1.0}', "null", '"x"', "[1,  2]"],
    "jsonb": ['{"b": 1.10, "a": 12345678901234567890123.450}', "null", '"\\u00e4"'],
    "inet": ["10.0.0.1/8", "::1"],
    "cidr": ["10.0.0.0/8"],
    "macaddr": ["08:00:2b:01:02:03"],
    "bit(4)": ["0101"],
    "bit varying": ["", "10101"],
    "money": ["-1234567.89"],
    "int[]": ["{1,NULL,3}", "{}", "[0:1]={1,2}", "{{1,2},{3,4}}"],
    "text[]": ['{a,"b,c","d\\"e",NULL,"NULL",""}'],
    "timestamptz[]": ['{"2026-03-04 05:06:07+13:45"}'],
    "numrange": ["[1.0,2.50)", "empty", "(,5]"],
    "tstzrange": ['["2026-01-01 00:00:00+01","2026-01-02 00:00:00+01")'],
    "int4multirange": ["{[1,3),[5,8)}"],
    "point": ["(0.1,0.30000000000000004)"],
    "tsvector": ["'a':1 'b':2A"],
    "mood": ["sad", "happy"],
    "pair": ['(1,"a,b")', "(,)"],
    "hstore": ['"a"=>"1", "b"=>NULL'],
    "citext": ["MiXed"],
    "positive": ["1.50"],
    "oid": ["4294967295"],
    "name": ["a name"],
    '"char"': ["x", ""],
    "pg_lsn": ["16/B374D848"],
    "tsquery": ["'a' <2> 'b':*A | !'c'"],
    "jsonpath": ['strict $."a"[*]?(@ > 1.10)'],
    "xid8": ["18446744073709551615"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "path": ["[(0.1,0),(1,1)]", "((0.1,0),(1,1))"],
    "circle": ["<(0.1,0),0.30000000000000004>"],
    "line": ["{1,-1,0.1}"],
    "int2vector": ["1 2 -3"],
    "tid": ["(4294967295,65535)"],
    "datemultirange": ["{[2026-01-01,2026-01-02),[2026-03-01,infinity)}"],
    "float4[]": ["{0.1,NaN,-0}"],
    "regclass": ["pg_class"],
}
SETUP = """
CREATE EXTENSION citext; CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS numeric CHECK (VALUE > 0)
"""
SETTINGS = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-3",
    "timezone": "Asia/Kolkata",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
}


def make_tables(*databases: Db) -> str:
    columns = ", ".join(f"c{number} {declared}" for number, declared in enumerate(VALUES))
    for db in databases:
        db.execute(SETUP, f"CREATE TABLE t (n integer PRIMARY KEY, {columns})")
    return columns


def fill(db: Db) -> None:
    for number, values in enumerate(VALUES.values()):
        for n, value in enumerate(values):
            quoted = value if "''" in value else value.replace("'", "''")
            db.execute(
                f"INSERT INTO t (n, c{number}) VALUES ({n}, '{quoted}')"
                f" ON CONFLICT (n) DO UPDATE SET c{number} = EXCLUDED.c{number}"
            )


def as_text(db: Db) -> list[tuple]:
    columns = ", ".join(f"c{number}::text" for number in range(len(VALUES)))
    return db.rows(f"SELECT n, {columns} FROM t ORDER BY n")


@pytest.mark.parametrize("hostile", ["neither", "source", "destination", "both"])
@pytest.mark.parametrize("write_mode", ["append", "upsert"])
@pytest.mark.parametrize("by", [{"checkpoint_column": "n"}, {"strategy": "python"}], ids=["key", "python"])
def test_from_postgres_to_postgres(
    make_db: MakeDb, hostile: str, write_mode: str, by: dict[str, Any]
) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    make_tables(source, destination)
    fill(source)
    before = as_text(source)
    for side, db in (("source", source), ("destination", destination)):
        if hostile in (side, "both"):
            name = db.one("SELECT current_database()")
            db.execute(*(f"ALTER DATABASE {name} SET {key} = '{value}'" for key, value in SETTINGS.items()))
    load = Load(
        source,
        destination,
        {"sql": "SELECT * FROM t ORDER BY n", "destination_table": "t", "write_mode": write_mode, **by},
    )
    while load.attempt_batches(1, batch_size=2):
        pass
    for db in (source, destination):
        db.execute(f"ALTER DATABASE {db.one('SELECT current_database()')} RESET ALL")
    after = as_text(destination)
    assert dict(zip(VALUES, zip(*[row[1:] for row in after], strict=True), strict=True)) == dict(
        zip(VALUES, zip(*[row[1:] for row in before], strict=True), strict=True)
    )
