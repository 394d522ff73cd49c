"""Values between databases with different types: unchanged, or refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError, CheckpointError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server


def test_to_sqlite(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE t (n integer, num numeric, f double precision, r real, d date, at timestamp, tz timestamptz,"
        " flag boolean, raw bytea, j json, span interval, u uuid, a integer[], big bigint, tm time)",
        "INSERT INTO t VALUES (1, 123456789012345678901234567890.10, 0.30000000000000004, 0.1, '2026-03-04',"
        " '2026-03-04 05:06:07.000008', '2026-03-04 05:06:07+00', true, '\\x00ff', '{\"a\":1,  \"a\":2.0}',"
        " '1 mon 1 day', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,NULL}', 9223372036854775807, '05:06:07')",
    )
    destination.execute("CREATE TABLE target (n, num, f, r, d, at, tz, flag, raw, j, span, u, a, big, tm)")
    Load(source, destination, {"source_table": "t"}).attempt()
    (row,) = destination.rows("SELECT * FROM target")
    assert datetime.fromisoformat(row[6]) == datetime.fromisoformat("2026-03-04 05:06:07+00:00")
    assert row[:6] + row[7:] == (
        1, "123456789012345678901234567890.10", 0.30000000000000004, 0.1, "2026-03-04", "2026-03-04 05:06:07.000008",
        1, b"\x00\xff", '{"a":1,  "a":2.0}', "1 mon 1 day", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{1,NULL}",
        9223372036854775807, "05:06:07",
    )  # fmt: skip


def test_a_number_that_sqlite_would_round_is_refused(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE t (n integer, num numeric)", "INSERT INTO t VALUES (1, 1234567890123456789.12)"
    )
    destination.execute("CREATE TABLE target (n integer, num numeric(38, 2))")
    with pytest.raises(CheckpointError, match=r"num.*1234567890123456789.12.*TEXT"):
        Load(source, destination, {"source_table": "t"}).attempt()
    source.execute("UPDATE t SET num = 12345678.25")
    assert Load(source, destination, {"source_table": "t"}).attempt().rows == 1
    assert destination.one("SELECT num FROM target") == 12345678.25


def test_from_sqlite_to_postgres(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n, num, f, d, at, flag, raw, j, big, txt)")
    source.insert(
        "t",
        [
            (
                1,
                "0.10",
                0.30000000000000004,
                "2026-03-04",
                "2026-03-04 05:06:07.000008",
                1,
                b"\x00\\",
                '{"a":1.0}',
                2**63 - 1,
                "a\tb\\N\n",
            )
        ],
    )
    destination.execute(
        "CREATE TABLE target (n integer, num numeric, f double precision, d date, at timestamp, flag boolean,"
        " raw bytea, j jsonb, big bigint, txt text)"
    )
    Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n"}).attempt()
    assert destination.rows("SELECT n, num, f, d, at, flag, raw, j::text, big, txt FROM target") == [
        (1, Decimal("0.10"), 0.30000000000000004, date(2026, 3, 4), datetime(2026, 3, 4, 5, 6, 7, 8), True, b"\x00\\",
         '{"a": 1.0}', 2**63 - 1, "a\tb\\N\n")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("text", b"abc"),
        ("text", "a\x00b"),
        ("integer", 1.5),
        ("integer", 2**40),
        ("date", "soon"),
        *((declared, "now") for declared in ("date", "time", "timetz", "timestamp", "timestamptz", "date[]")),
        ("date", "today"),
        ("timestamp", "epoch"),
        ("time", "allballs"),
        ("timestamp", "2026-01-01 23:59:60"),
        *(("interval", text) for text in ("90", "1:2", "1.5 years", "0.3333333333 s")),
        ("oid", -1),
        ("oid", str(2**64 - 1)),
        *(("cidr", text) for text in ("1", "10.1", "10.1.2", "10.1/16", "0x1F")),
        *(
            ("point", "(0.12345678901234567891,1)"),
            ("box", "(9007199254740993,1),(0,0)"),
            ("point[]", '{"(1,1e400)"}'),
        ),
        ("boolean", 7),
    ],
)
def test_what_postgres_would_change_is_refused(make_db: MakeDb, declared: str, value: Any) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer, v)")
    source.insert("t", [(1, value)])
    destination.execute(f"CREATE TABLE target (n integer, v {declared})")
    with pytest.raises(CheckpointError, match="target"):
        Load(source, destination, {"source_table": "t"}).attempt()
    assert destination.rows("SELECT * FROM target") == []


@pytest.mark.parametrize("declared", ["text", "varchar(40)", "char(9)", "text[]"])
def test_a_span_of_time_is_no_text(make_db: MakeDb, declared: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
    destination.execute(f"CREATE TABLE target (n integer, v {declared})")
    span: Any = timedelta(hours=-1)
    load = Load(source, destination, {"source_table": "t", "destination_columns": ["n", "v"]})
    with pytest.raises(BadRowsError, match="v of target .*is given .*timedelta.*Cast it in the query"):
        load.attempt(rows_processor=lambda rows: [(1, [span] if declared == "text[]" else span)])
    assert destination.rows("SELECT * FROM target") == []


@pytest.mark.parametrize(
    "text",
    [
        "1 day 02:03:04.5",
        "-1 mons +3 days -00:00:01",
        "P1Y2M3DT4H5M6.5S",
        "-800:00:00.123",
        "1 year 2 mons",
        "-02-03",
    ],
)
def test_a_span_of_time_that_is_text(make_db: MakeDb, text: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer, v)", f"INSERT INTO t VALUES (1, '{text}')")
    destination.execute("CREATE TABLE target (n integer, v interval)")
    Load(source, destination, {"source_table": "t"}).attempt()
    assert destination.one(f"SELECT v = interval '{text}' FROM target")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("timestamp", "infinity"),
        ("date", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("time", "24:00"),
        ("timestamptz", "10000-01-01"),
    ],
)
def test_what_python_cannot_hold_is_a_clear_error(make_db: MakeDb, declared: str, value: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    for db in (source, destination):
        db.execute(f"CREATE TABLE target (n integer, moment {declared})")
    source.execute(f"INSERT INTO target VALUES (1, '{value}')")
    with pytest.raises(
        CheckpointError, match=r"Source 'src': .*Python has no such value: .* CAST\(moment AS text\)"
    ):
        Load(source, destination, {"source_table": "target"}).attempt(rows_processor=list)
    cast = {"sql": "SELECT n, CAST(moment AS text) AS moment FROM target"}
    assert Load(source, destination, cast, run=2).attempt().rows == 1
    assert destination.one("SELECT moment::text FROM target") == source.one("SELECT moment::text FROM target")


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_rows_processor_gets_and_returns_every_type(make_db: MakeDb, to: str) -> None:
    source, destination = make_db("postgres", "source"), make_db(to, "destination")
    columns = "n integer, j json, b jsonb, span interval, a integer[], u uuid, net inet, r numrange"
    source.execute(
        f"CREATE TABLE t ({columns})",
        "INSERT INTO t VALUES"
        " (1, '{\"a\": [1, 2]}', '{\"a\": 1}', '1 mon', '{1,2}', gen_random_uuid(), '::1', '[1,2)')",
    )
    destination.execute(
        f"CREATE TABLE target ({columns})"
        if to == "postgres"
        else "CREATE TABLE target (n,j,b,span,a,u,net,r)"
    )
    Load(source, destination, {"source_table": "t"}).attempt(rows_processor=lambda rows: rows)
    text = "SELECT n, CAST(span AS text), CAST(u AS text) FROM {}"
    assert destination.rows(text.format("target")) == source.rows(text.format("t"))
    assert "a" in str(destination.one("SELECT CAST(j AS text) FROM target"))


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        *(("cidr", text) for text in ("10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::ffff:1.2.3.4")),
        *(
            ("point", "(0.1,-1e-05)"),
            ("circle", "<(1e+300,0.30000000000000004),2>"),
            ("box", "(Infinity,1),(0,NaN)"),
        ),
    ],
)
def test_a_network_or_a_shape_that_is_text(make_db: MakeDb, declared: str, text: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer, v)")
    source.insert("t", [(1, text)])
    destination.execute(f"CREATE TABLE target (n integer, v {declared})")
    Load(source, destination, {"source_table": "t"}).attempt()
    assert destination.one(f"SELECT v::text = '{text}'::{declared}::text FROM target")


@pytest.mark.parametrize("number", ["1e70", f"'{'7' * 70}'"])
def test_a_number_is_not_cut_to_a_name(make_db: MakeDb, number: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer, v numeric)", f"INSERT INTO t VALUES (1, {number})")
    destination.execute("CREATE TABLE target (n integer, v name)")
    with pytest.raises(CheckpointError, match="target"):
        Load(source, destination, {"source_table": "t", "checkpoint_column": "n"}).attempt()
    assert destination.rows("SELECT * FROM target") == []


@pytest.mark.parametrize(
    ("declared", "value", "target"),
    [
        *(
            ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", target)
            for target in ('"char"', "tsvector", "tsquery")
        ),
        *(("inet", "10.0.0.1/8", target) for target in ('"char"', "tsvector")),
        ("integer[]", "{1,2}", "tsvector"),
    ],
)
def test_what_is_only_written_as_another_type_reads_it_is_refused(
    make_db: MakeDb, declared: str, value: str, target: str
) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute(f"CREATE TABLE t (n integer, v {declared})", f"INSERT INTO t VALUES (1, '{value}')")
    destination.execute(f"CREATE TABLE target (n integer, v {target})")
    with pytest.raises(CheckpointError, match="target"):
        Load(source, destination, {"source_table": "t", "checkpoint_column": "n"}).attempt()
    assert destination.rows("SELECT * FROM target") == []
